/**
 * An entry of a boot loader's configuration. Paths go from the root of the file system on that has the configuration.
 */
export interface BootEntry {
  readonly kernel: string;
  /** The kernel is given all of them, one behind the other. */
  readonly initrds: readonly string[];
  /** The kernel's command line. */
  readonly words: string;
}

/** Bytes of a configuration: longer ones are none. */
export const LONGEST_CONFIGURATION = 2 ** 20;

/** A path in a configuration, which may be one from the configuration's directory on. */
export function fromDirectory(directory: string, path: string): string {
  return path.startsWith('/') ? path : `${directory}/${path}`;
}

/** Compares names with numbers in them: `vmlinuz-6.9` comes before `vmlinuz-6.12`. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((text) => text.match(/\d+|\D+/g) ?? []);
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const [a, b] = [left[index], right[index]];
    const byNumber = /^\d/.test(a) && /^\d/.test(b) ? Number(a) - Number(b) : 0;
    if (byNumber !== 0) return byNumber;
    if (a !== b) return a < b ? -1 : 1;
  }
  return left.length - right.length;
}
