/** What the browser says of an error; in words where it says that there is no room. */
export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'QuotaExceededError')
    return 'the browser has no more room for this page';
  return error instanceof Error ? error.message : String(error);
}
