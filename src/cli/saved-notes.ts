import { CONSOLES, type ConsoleName } from '../boot/command-line.ts';
import type { Attached } from './attach.ts';
import type { SavedOutside } from './save-option.ts';

/** Notes of the command line in a snapshot. */
export interface SessionNotes {
  /** Of the guest, for people. */
  readonly name: string;
  readonly console: ConsoleName;
  /** The machine has the disk of hartvisor's own Debian, on which changes are kept or not. */
  readonly debian: 'kept' | 'discarded' | undefined;
}

/** The parts outside of a machine, to be saved with it. */
export function outsideOf(
  { name, console, debian }: SessionNotes,
  { drives, stamps }: Attached,
): SavedOutside {
  return {
    notes: { name, console, ...(debian === undefined ? {} : { debian }), ...stamps() },
    disks: drives.filter(({ readOnly, snapshot }) => !readOnly && !snapshot).map(({ file }) => file),
  };
}

/** Reads the notes of {@link outsideOf}; another program may have saved the machine. */
export function readNotes(notes: Readonly<Record<string, string>>): SessionNotes {
  const { name = 'The machine', debian } = notes;
  return {
    name,
    console: CONSOLES.find((each) => each === notes.console) ?? 'serial',
    debian: debian === 'kept' || debian === 'discarded' ? debian : undefined,
  };
}
