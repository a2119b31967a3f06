/** The browser's words for an error; in plain ones where they say that there is no room. */
export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'QuotaExceededError')
    return 'the browser has no more room for this page';
  return error instanceof Error ? error.message : String(error);
}
