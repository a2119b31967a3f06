import { type DiskKeeper, type KeptDisk, type StoredDisk, Unavailable } from '../disk-keeper.ts';
import { reasonOf } from '../reason.ts';
import { BLOCK } from './block-store.ts';
import { blocksOf, type DiskRecord, type NumberedBlock, RecordStore } from './record-store.ts';

/** Blocks of a transaction: 4 MiB. */
const BATCH = 64;

/** Disks as records of the page's IndexedDB: where a browser has no private file system, as in some private windows. */
export const recordKeeper: DiskKeeper = {
  kind: 'records',
  check: () => withStore(() => Promise.resolve()),

  async find(name: string): Promise<KeptDisk | undefined> {
    const record = (await RecordStore.isMade()) ? await withStore((store) => store.disk(name)) : undefined;
    return record === undefined ? undefined : keptDisk(record);
  },

  async list(): Promise<readonly StoredDisk[]> {
    if (!(await RecordStore.isMade())) return [];
    return (await withStore((store) => store.disks())).map(({ name, bytes }) => ({ name, bytes }));
  },

  write: (name: string, content: Blob) =>
    withStore(async (store) => {
      try {
        // Of one that did not become whole, blocks may be left.
        await store.remove(name);
        for (let first = 0; first < blocksOf(content.size); first += BATCH)
          await store.change(name, undefined, await blocksFrom(content, first), false);
        await store.change(name, content.size, [], true);
      } catch (error) {
        await store.remove(name).catch(() => undefined);
        throw error;
      }
    }),

  remove: (name: string) => withStore((store) => store.remove(name)),
};

function keptDisk({ name, bytes, changed }: DiskRecord): KeptDisk {
  return {
    ...{ keeper: recordKeeper, name, bytes, changed },
    start: async (most) => {
      const length = Math.min(most, bytes);
      const content = await withStore((store) => contentOf(store, name, 0, length));
      return new Uint8Array(await content.arrayBuffer());
    },
    content: () =>
      withStore(async (store) => {
        // In pieces, which a browser may put on its disk.
        const pieces: Blob[] = [];
        for (let at = 0; at < bytes; at += BATCH * BLOCK)
          pieces.push(await contentOf(store, name, at, Math.min(bytes, at + BATCH * BLOCK)));
        return new Blob(pieces);
      }),
  };
}

/** @param at a multiple of {@link BLOCK} */
async function contentOf(store: RecordStore, name: string, at: number, end: number): Promise<Blob> {
  const content = new Uint8Array(blocksOf(end - at) * BLOCK);
  const first = at / BLOCK;
  for (const [index, block] of await store.blocks(name, first, blocksOf(end)))
    content.set(block, (index - first) * BLOCK);
  return new Blob([content.subarray(0, end - at)]);
}

async function blocksFrom(content: Blob, first: number): Promise<readonly NumberedBlock[]> {
  const bytes = new Uint8Array(await content.slice(first * BLOCK, (first + BATCH) * BLOCK).arrayBuffer());
  return Array.from({ length: blocksOf(bytes.length) }, (_, index) => [
    first + index,
    bytes.slice(index * BLOCK, (index + 1) * BLOCK),
  ]);
}

async function withStore<T>(work: (store: RecordStore) => Promise<T>): Promise<T> {
  let store: RecordStore;
  try {
    store = await RecordStore.open();
  } catch (error) {
    throw new Unavailable(reasonOf(error));
  }
  try {
    return await work(store);
  } finally {
    store.close();
  }
}
