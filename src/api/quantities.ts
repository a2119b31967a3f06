import { InputError } from '../errors/input-error.ts';

const mebibyte = 1024 * 1024;
const pageSize = 4096;
const units: Readonly<Record<string, number>> = {
  '': mebibyte,
  K: 1024,
  M: mebibyte,
  G: 1024 * mebibyte,
  T: 1024 * 1024 * mebibyte,
};

/**
 * Reads a size of memory: `512M`, `1.5G`, `512MiB`; a plain number counts MiB, as with QEMU.
 *
 * @param option - where the text came from, for messages
 * @param maximum - the largest size, in bytes
 * @returns bytes, a multiple of 4096
 * @throws InputError with the possible values
 */
export function parseMemory(text: string, option: string, maximum: number): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  if (match === null) {
    throw new InputError(
      `${option} ${text} is not a size of memory. Write for example 512M or 1.5G; a plain number counts MiB.`,
    );
  }
  const size = Number(match[1]) * (units[match[2].toUpperCase()] ?? mebibyte);
  if (size > maximum) {
    throw new InputError(
      `${option} ${text} is more than a guest can have: its memory lies within the 4 GiB of a WebAssembly memory. ` +
        `Give at most ${maximum / mebibyte}M.`,
    );
  }
  if (size < pageSize || size % pageSize !== 0) {
    throw new InputError(
      `${option} ${text} is ${size} bytes, but memory comes in pages of 4 KiB. Write for example 512M or 1.5G.`,
    );
  }
  return size;
}

/**
 * Reads the size of a disk: `20G`; a plain number counts bytes, as with `qemu-img`.
 *
 * @returns bytes
 * @throws InputError with the possible values
 */
export function parseDiskSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const unit = match?.[2].toUpperCase() ?? '';
  const size = Math.ceil(Number(match?.[1]) * (unit === '' ? 1 : (units[unit] ?? 1)));
  if (size > 0 && size <= Number.MAX_SAFE_INTEGER) return size;
  throw new InputError(
    `${text} is not a size of a disk. Write for example 20G; a plain number counts bytes.`,
  );
}

/**
 * Reads a whole number within limits.
 *
 * @param what - name of the counted things, for messages: `vCPUs`
 * @throws InputError with the possible values
 */
export function parseCount(text: string, option: string, what: string, maximum: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= maximum) return value;
  throw new InputError(`${option} ${text} is not possible: give a whole number of ${what}, 1 to ${maximum}.`);
}

/** The longest time that a timer of JavaScript can wait for, in seconds. */
export const LONGEST_TIMEOUT = 2_147_483;

/**
 * Reads a time in seconds.
 *
 * @throws InputError with the possible values
 */
export function parseSeconds(text: string, option: string): number {
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value > 0 && value <= LONGEST_TIMEOUT) return value;
  throw new InputError(
    `${option} ${text} is not possible: give seconds, above 0 and up to ${LONGEST_TIMEOUT}, such as 30 or 0.5.`,
  );
}
