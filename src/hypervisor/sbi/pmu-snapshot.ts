import { type GuestMemory, physicalAddress } from '../../memory/guest-memory.ts';
import type { FirmwareState } from '../firmware-state.ts';

/** Bytes of the memory that a guest shares for this; they are aligned to as many. */
export const SNAPSHOT_BYTES = 4096;
/** 64-bit words: a bitmap of overflows, then the values (table "SBI PMU Snapshot shared memory layout"). */
const VALUES = 1;
const WORDS = 2 * (VALUES + 64);

/** Values of counters in guest memory, by their number less the first one of the call. */
export interface Snapshot {
  load(index: number): bigint;
  store(index: number, value: bigint): void;
  /** Where there are snapshots no counter says that it has overflown. */
  clearOverflows(): void;
}

/** The memory for snapshots that the calling vCPU has named; undefined if it has named none. */
export function snapshotOf(firmware: FirmwareState, memory: GuestMemory): Snapshot | undefined {
  const { snapshotArea } = firmware;
  const words = snapshotArea && memory.words(physicalAddress(snapshotArea.low, snapshotArea.high), WORDS);
  if (words === undefined) return undefined;
  return {
    load: (index) => {
      const at = 2 * (VALUES + index);
      return (BigInt(words.load(at + 1) >>> 0) << 32n) | BigInt(words.load(at) >>> 0);
    },
    store: (index, value) => {
      const at = 2 * (VALUES + index);
      words.store(at, Number(BigInt.asIntN(32, value)));
      words.store(at + 1, Number(BigInt.asIntN(32, value >> 32n)));
    },
    clearOverflows: () => {
      words.store(0, 0);
      words.store(1, 0);
    },
  };
}
