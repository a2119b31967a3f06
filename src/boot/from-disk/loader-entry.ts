import type { BootEntry } from './boot-entry.ts';

/** An entry of the Boot Loader Specification (type 1), and the keys by which entries are sorted. */
export interface LoaderEntry extends BootEntry {
  readonly version: string;
}

/**
 * Reads a file of `loader/entries/`, as systemd-boot and Fedora's GRUB have them.
 *
 * @returns undefined where it starts no Linux kernel
 */
export function readLoaderEntry(text: string): LoaderEntry | undefined {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([a-z-]+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  const kernel = values.get('linux')?.[0];
  if (kernel === undefined) return undefined;
  // GRUB allows several in a line, and variables, which are in a file of its own.
  const initrds = (values.get('initrd') ?? []).flatMap((line) => line.split(/\s+/));
  return {
    kernel,
    initrds: initrds.filter((path) => path !== '' && !path.startsWith('$')),
    words: (values.get('options') ?? [])
      .join(' ')
      .replaceAll(/\$\{?\w+\}?/g, '')
      .trim(),
    version: values.get('version')?.[0] ?? kernel,
  };
}
