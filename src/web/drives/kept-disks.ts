import { InputError } from '../../errors/input-error.ts';
import { type DiskKeeper, type KeptDisk, type StoredDisk, Unavailable } from './disk-keeper.ts';
import { fileKeeper } from './files/file-keeper.ts';
import { recordKeeper } from './records/record-keeper.ts';

/** The first one that the browser has gets new disks; disks are found in all. */
const KEEPERS: readonly DiskKeeper[] = [fileKeeper, recordKeeper];

/** @throws InputError where the browser keeps no disks at all */
export async function findDisk(name: string): Promise<KeptDisk | undefined> {
  return (await ofAll((keeper) => keeper.find(name))).find((disk) => disk !== undefined);
}

/** All disks. @throws InputError as {@link findDisk} */
export async function listDisks(): Promise<readonly StoredDisk[]> {
  return (await ofAll((keeper) => keeper.list())).flat();
}

/** The keeper of new disks. @throws InputError as {@link findDisk} */
export async function newDiskKeeper(): Promise<DiskKeeper> {
  const [first] = await ofAll((keeper) => keeper.check().then(() => keeper));
  return first;
}

/** The answers of all keepers that there are: one at least. */
async function ofAll<T>(ask: (keeper: DiskKeeper) => Promise<T>): Promise<readonly T[]> {
  const answers: T[] = [];
  const reasons: string[] = [];
  for (const keeper of KEEPERS) {
    try {
      answers.push(await ask(keeper));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      reasons.push(error.message);
    }
  }
  if (answers.length > 0) return answers;
  throw new InputError(
    `This browser keeps no disks for this page (${reasons.join('; ')}). In a private window some never do; a disk of a ` +
      'server works everywhere.',
  );
}
