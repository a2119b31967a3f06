import { InputError } from '../../errors/input-error.ts';

/** Before the name of a disk that the browser keeps. */
export const STORED = 'opfs:';

/** Whether a drive's file is one that the browser keeps. */
export function isStored(file: string): boolean {
  return file.startsWith(STORED);
}

/**
 * The name of a disk without its prefix.
 *
 * @throws InputError for a text that is no name
 */
export function storedName(file: string): string {
  const name = isStored(file) ? file.slice(STORED.length) : file;
  if (/^[\w][\w .-]{0,99}$/.test(name)) return name;
  throw new InputError(
    `disk: "${name}" is no name for a disk. Give up to 100 letters, digits, dots, dashes and spaces, such as ${STORED}home.`,
  );
}
