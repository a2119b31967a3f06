import { CONSOLES, type ConsoleName } from '../boot/command-line.ts';
import { InputError } from '../errors/input-error.ts';
import type { DriveOptions } from '../node/drives/drive-options.ts';
import type { Attached } from './attach.ts';
import type { SavedOutside } from './save-option.ts';

/** What the command line wants to know again of a machine that it has saved. */
export interface SessionNotes {
  /** Of the guest, for people. */
  readonly name: string;
  readonly console: ConsoleName;
  /** The machine has the disk of hartvisor's own Debian, on which changes are kept or not. */
  readonly debian: 'kept' | 'discarded' | undefined;
}

const NAME = 'name';
const CONSOLE = 'console';
const DEBIAN = 'debian';
/** Before the number of a drive. */
const DRIVE = 'drive';

/** What is outside of a machine, to be saved with it. */
export function outsideOf(notes: SessionNotes, { drives, stamps }: Attached): SavedOutside {
  const { name, console, debian } = notes;
  return {
    notes: {
      ...{ [NAME]: name, [CONSOLE]: console, ...(debian === undefined ? {} : { [DEBIAN]: debian }) },
      ...Object.fromEntries(stamps().map((stamp, index) => [`${DRIVE}${index}`, stamp])),
    },
    disks: drives.filter(({ readOnly, snapshot }) => !readOnly && !snapshot).map(({ file }) => file),
  };
}

/** Reads what {@link outsideOf} has written; another program may have saved the machine. */
export function readNotes(
  notes: Readonly<Record<string, string>> = {},
): SessionNotes & { readonly stamps: readonly string[] } {
  const stamps: string[] = [];
  for (let stamp = notes[`${DRIVE}0`]; stamp !== undefined; stamp = notes[`${DRIVE}${stamps.length}`])
    stamps.push(stamp);
  const debian = notes[DEBIAN];
  return {
    name: notes[NAME] ?? 'The machine',
    console: CONSOLES.find((each) => each === notes[CONSOLE]) ?? 'serial',
    debian: debian === 'kept' || debian === 'discarded' ? debian : undefined,
    stamps,
  };
}

/**
 * Compares the files of drives with what they were like when the machine was saved.
 *
 * @throws InputError for one that has changed
 */
export function checkStamps(
  saved: readonly string[],
  now: readonly string[],
  drives: readonly DriveOptions[],
): void {
  for (const [index, { file }] of drives.entries()) {
    const before = saved[index];
    if (before === undefined || before === now[index]) continue;
    const [sizes, newSizes] = [sizesOf(before), sizesOf(now[index])];
    const what =
      sizes === newSizes ? 'has been written to, or is a copy' : `has ${newSizes} bytes, not ${sizes}`;
    throw new InputError(
      `The drive ${file} is not as it was when the machine was saved: it ${what}. The guest would destroy what is on it. ` +
        `Restore the file as it was${sizes === newSizes ? `; a true copy also needs its time: ${timeOf(before)}` : ''}.`,
    );
  }
}

function sizesOf(stamps: string): string {
  return stamps.replaceAll(/@\d+/g, '');
}

/** How the time of a file is set to what a stamp says, as nanoseconds since 1970. */
function timeOf(stamps: string): string {
  const nanoseconds = /@(\d+)/.exec(stamps)?.[1] ?? '0';
  return `touch -d @${nanoseconds.slice(0, -9) || '0'}.${nanoseconds.slice(-9).padStart(9, '0')}`;
}
