/** Attributes of a new element by their names, and listeners as `onclick`. */
export type Attributes = Readonly<
  Record<string, string | number | boolean | undefined | ((event: never) => unknown)>
>;

/**
 * Makes an element.
 *
 * @param attributes `true` for one without a value; `false` and `undefined` leave it out; functions are listeners, by
 * `on`
 *   and the name of the event
 */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key.slice(2), value as (event: Event) => unknown);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== undefined && value !== false) made.setAttribute(key, String(value));
  }
  made.append(...children);
  return made;
}

/** Finds an element that the document has for sure. */
export function find<Type extends HTMLElement = HTMLElement>(
  selector: string,
  within: ParentNode = document,
): Type {
  const found = within.querySelector<Type>(selector);
  if (found === null) throw new Error(`there is no ${selector}`);
  return found;
}

/** Offers bytes as a file. */
export function download(name: string, parts: Iterable<BlobPart>, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(new Blob([...parts], { type }));
  element('a', { href: url, download: name }).click();
  // Browsers have begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB'] as const;

/** A size for people. */
export function sizeText(bytes: number): string {
  const unit = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** unit;
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** An error for people: those of hartvisor are whole sentences. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Lets the page's thread do what else there is to do: draw, and answer people and machines. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Milliseconds after which there is no more waiting for leisure. */
const MOST_WAITING_MS = 3000;

/** Waits until there is nothing else to do, for work that nobody waits for. Safari does not tell when that is. */
export function leisure(): Promise<void> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in globalThis)
      requestIdleCallback(() => resolve(), { timeout: MOST_WAITING_MS });
    else setTimeout(resolve, MOST_WAITING_MS);
  });
}
