/** The side of disks in records that has an event loop. */
import { type Question, refuseExchange, serveExchange } from '../../../storage/exchange.ts';
import { reasonOf } from '../reason.ts';
import { ASK } from './asked-blocks.ts';
import { type BlockKeeper, KeptBlocks } from './kept-blocks.ts';
import { RecordStore } from './record-store.ts';

/** Milliseconds that a browser may take until it has ended the threads of a page that was left or reloaded. */
const LEAVING_MS = 20_000;

/**
 * Keeps a disk for `AskedBlocks`: returns at its end.
 *
 * @param readOnly others may read it meanwhile
 */
export async function serveRecords(
  exchange: SharedArrayBuffer,
  name: string,
  readOnly: boolean,
): Promise<void> {
  // The page has the lock of the disk, so that a thread that has this one is of a page that was left.
  const signal = AbortSignal.timeout(LEAVING_MS);
  try {
    const mode = readOnly ? 'shared' : 'exclusive';
    await navigator.locks.request(`hartvisor records ${name}`, { mode, signal }, () => keep(exchange, name));
  } catch (error) {
    await refuseExchange(exchange, reasonOf(error));
  }
}

async function keep(exchange: SharedArrayBuffer, name: string): Promise<void> {
  const store = await RecordStore.open();
  try {
    const disk = await store.disk(name);
    if (disk === undefined) throw new Error(`the disk ${name} was removed meanwhile`);
    const keeper: BlockKeeper = {
      read: (index) => store.block(name, index),
      write: (length, blocks, safe) => store.change(name, length, blocks, safe),
    };
    const blocks = new KeptBlocks(keeper, disk.bytes);
    await serveExchange(exchange, (question, memory) =>
      answer(blocks, question, memory).catch((error: unknown) => {
        throw new Error(reasonOf(error));
      }),
    );
  } finally {
    store.close();
  }
}

async function answer(
  blocks: KeptBlocks,
  { operation, offset, bytes }: Question,
  memory: Uint8Array,
): Promise<number> {
  switch (operation) {
    case ASK.LENGTH:
      new DataView(memory.buffer, memory.byteOffset).setFloat64(0, blocks.length);
      return 8;
    case ASK.READ: {
      const block = await blocks.read(offset);
      memory.set(block);
      return block.length;
    }
    case ASK.PUT:
      // A copy that is not shared.
      await blocks.put(offset, new Uint8Array(memory.subarray(0, bytes)));
      return 0;
    default:
      await blocks.flush();
      return 0;
  }
}
