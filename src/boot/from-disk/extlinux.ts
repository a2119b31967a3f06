import { type BootEntry, fromDirectory } from './boot-entry.ts';

interface Label {
  readonly name: string;
  readonly values: Map<string, string>;
}

/**
 * The entry that an `extlinux.conf` starts by itself: that of `default`, or the first one. U-Boot reads such files
 * (`doc/develop/bootstd/extlinux.rst`), and Debian's package u-boot-menu writes them.
 *
 * @param directory - of the file
 * @returns undefined where none of its labels has a kernel
 */
export function readExtlinux(text: string, directory: string): BootEntry | undefined {
  const labels: Label[] = [];
  let chosen: string | undefined;
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const word = key.toLowerCase();
    if (word === 'label') labels.push({ name: value, values: new Map() });
    else if (word === 'default') chosen ??= value;
    else labels.at(-1)?.values.set(word === 'linux' ? 'kernel' : word, value);
  }
  const usable = labels.filter(({ values }) => values.has('kernel'));
  const { values } = usable.find(({ name }) => name === chosen) ?? usable[0] ?? {};
  const kernel = values?.get('kernel');
  if (values === undefined || kernel === undefined) return undefined;
  const initrds = (values.get('initrd') ?? '').split(',').filter((path) => path !== '');
  return {
    kernel: fromDirectory(directory, kernel),
    initrds: initrds.map((path) => fromDirectory(directory, path)),
    words: values.get('append') ?? '',
  };
}
