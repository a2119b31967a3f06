/** Where a guest's terminal is: the serial port, or the virtio console. */
export const CONSOLES = ['serial', 'virtio'] as const;

export type ConsoleName = (typeof CONSOLES)[number];

/** The terminal's name in Linux. Debian's kernel has no driver for the console of the SBI. */
const devices = { serial: 'ttyS0', virtio: 'hvc0' } as const;

/** Words that a Linux guest needs to be of use here, unless the person has chosen: the option's name and the word. */
const usualWords = (console: ConsoleName) => [
  { option: 'console', word: `console=${devices[console]}` },
  // Messages before the terminal's driver is up, such as a panic for want of memory, go through the SBI.
  { option: 'earlycon', word: 'earlycon=sbi' },
  // A panic resets the machine at once, by which hartvisor knows of it.
  { option: 'panic', word: 'panic=-1' },
];

/** A kernel command line: the usual words first, so that those of the person are the last ones and count. */
export function linuxCommandLine(
  append: string | undefined,
  extra: readonly string[] = [],
  console: ConsoleName = 'serial',
): string {
  const own = append ?? '';
  const chosen = kernelOptions(own);
  const usual = usualWords(console)
    .filter(({ option }) => !chosen.has(option))
    .map(({ word }) => word);
  return [...usual, ...extra, ...(own.trim() === '' ? [] : [own])].join(' ');
}

/**
 * The names of the options in a command line, as Linux reads it (`lib/cmdline.c`, `next_arg`): blanks between double
 * quotes part no words, and what stands behind `--` is for init.
 */
function kernelOptions(line: string): ReadonlySet<string> {
  const words: readonly string[] = line.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  return new Set(own.map((word) => word.replaceAll('"', '').split('=')[0] ?? ''));
}

/** The terminal's size for the shell of the guest that hartvisor brings: the kernel passes the words to /init. */
export function windowWords(window: { readonly columns?: number; readonly rows?: number }): string[] {
  const { columns, rows } = window;
  return columns && rows ? [`COLUMNS=${columns}`, `LINES=${rows}`] : [];
}
