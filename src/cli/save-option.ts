import { InputError } from '../errors/input-error.ts';
import type { Machine } from '../machine/machine.ts';

/** How saving has gone: the words about it, and whether the file is there. */
export interface SaveResult {
  readonly text: string;
  readonly saved: boolean;
}

/** Saves a machine to the file that a person has named. */
export interface MachineSaver {
  /** @param quits the machine does not go on afterwards */
  save(machine: Machine, quits: boolean): Promise<SaveResult>;
  /** Calls `work` whenever somebody asks for it from outside. @returns stops listening */
  onSignal(work: () => void): () => void;
}

/** By which others have a machine saved. */
const SIGNAL = 'SIGUSR1';

/** The outside parts that a restored machine is to be given again, as the file has it. */
export interface SavedOutside {
  readonly notes: Readonly<Record<string, string>>;
  /** Files of writable disks, which the snapshot does not have. */
  readonly disks: readonly string[];
}

/**
 * @param path the file of `--save`
 * @param outside the things outside of the machine, as it is when the machine stands still
 */
export function saverTo(path: string | undefined, outside: () => SavedOutside): MachineSaver | undefined {
  if (path === undefined) return undefined;
  const save = async (machine: Machine, quits: boolean): Promise<SaveResult> => {
    // It stands still already when it is saved, and so it does afterwards.
    if (quits) await machine.pause();
    try {
      return { text: await saveTo(path, machine, outside), saved: true };
    } catch (error) {
      if (quits) machine.resume();
      if (error instanceof InputError) return { text: error.message, saved: false };
      throw error;
    }
  };
  return {
    save,
    onSignal: (work) => {
      process.on(SIGNAL, work);
      return () => process.off(SIGNAL, work);
    },
  };
}

async function saveTo(path: string, machine: Machine, outside: () => SavedOutside): Promise<string> {
  const { saveSnapshot } = await import('../node/snapshots/snapshot-file.ts');
  const begin = performance.now();
  let disks: readonly string[] = [];
  const { fileBytes } = await machine.save((saved) => {
    const { notes, ...more } = outside();
    disks = more.disks;
    return saveSnapshot(path, saved, notes);
  });
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const size = `${(fileBytes / 2 ** 20).toFixed(1)} MiB in ${seconds} s`;
  const disk =
    disks.length === 0 ? '' : ` It can be restored as long as ${disks.join(', ')} stays as it is now.`;
  return `The machine is saved to ${path}: ${size}.${disk}`;
}
