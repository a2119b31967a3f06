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

/**
 * Words for guests that hartvisor brings. Debian's kernel tests its ciphers while it starts, and long behind: two
 * thirds of all instructions of a start to a shell. Another kernel, or another system, is for its person to start.
 */
export const OWN_GUEST_WORDS: readonly string[] = ['cryptomgr.notests'];

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
 * The command line of a kernel from a disk: the disk's own words, the usual ones that it does not set, and those of the
 * person. The console that is behind the others is the one of init, so that ours comes behind those of the disk.
 */
export function diskCommandLine(own: string, append: string | undefined, console: ConsoleName): string {
  const chosen = kernelOptions(`${own} ${append ?? ''}`);
  const usual = usualWords(console).filter(({ option }) => option !== 'console' && !chosen.has(option));
  const terminal =
    new RegExp(`(^|\\s)console=${devices[console]}([,\\s]|$)`).test(own) ||
    kernelOptions(append ?? '').has('console');
  return [
    ...usual.map(({ word }) => word),
    own,
    ...(terminal ? [] : [`console=${devices[console]}`]),
    append ?? '',
  ]
    .filter((words) => words.trim() !== '')
    .join(' ');
}

/**
 * The names of the options in a command line, as Linux reads it (`lib/cmdline.c`, `next_arg`): blanks between double
 * quotes part no words, and words behind `--` are for init.
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

/** The same for systemd (its man page `kernel-command-line`). */
export function systemdWindowWords(window: { readonly columns?: number; readonly rows?: number }): string[] {
  const { columns, rows } = window;
  if (!columns || !rows) return [];
  return [`systemd.tty.columns.${devices.serial}=${columns}`, `systemd.tty.rows.${devices.serial}=${rows}`];
}
