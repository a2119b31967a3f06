import type { Extension } from '../isa/index.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { FIELD, OPEN } from './layout.ts';
import type { Pmp, PmpRange } from './mmu/index.ts';
import { supervisorStatusBits } from './privileged/index.ts';
import { MODE } from './privileged/registers.ts';

interface Description {
  readonly ram: GuestMemory;
  readonly extensions: ReadonlySet<Extension>;
  readonly hartId: number;
}

/**
 * Writes the facts that generated code must know of a hart.
 *
 * @param words the hart block
 */
export function describeHart(words: Int32Array, { ram, extensions, hartId }: Description): void {
  words[FIELD.ramOffset >> 2] = ram.offsetOfPage(0);
  words[FIELD.hartId >> 2] = hartId;
  words[FIELD.statusBits >> 2] = supervisorStatusBits(extensions);
  words[FIELD.epcAlignment >> 2] = extensions.has('c') ? 1 : 3;
}

/** Loads, stores and fetches. */
const EVERYTHING = 7;

/** Writes where generated code need not look at physical memory protection; call when that has changed. */
export function describeProtection(words: Int32Array, ram: GuestMemory, pmp: Pmp): void {
  for (const [privilege, field] of [
    [MODE.supervisor, FIELD.open],
    [MODE.machine, FIELD.open + OPEN.bytes],
  ] as const) {
    const { start, end } = largestOpen(pmp.ranges(ram.base, ram.base + ram.size, privilege));
    writeDouble(words, field + OPEN.at.base, start);
    writeDouble(words, field + OPEN.at.size, end - start);
    words[(field + OPEN.at.host) >> 2] = ram.offsetOf(start, end - start);
  }
}

function largestOpen(ranges: readonly PmpRange[]): { start: number; end: number } {
  let largest = { start: 0, end: 0 };
  for (const range of ranges) {
    const size = range.end - range.start;
    if (range.permissions === EVERYTHING && size > largest.end - largest.start) largest = range;
  }
  return largest;
}

/** Writes a whole number below 2^53 as 64 bits. */
function writeDouble(words: Int32Array, field: number, value: number): void {
  words[field >> 2] = value | 0;
  words[(field >> 2) + 1] = Math.floor(value / 2 ** 32);
}
