import type { Decoded } from '../isa/index.ts';
import { FIELD } from './layout.ts';
import type { MemoryAccess } from './memory-access.ts';
import { OUTCOME, type Outcome } from './privileged/context.ts';
import type { HartState } from './state.ts';

/** Halves of a register pair, the lower register's first: two words each on RV64, one on RV32. The pair x0 is 0. */
function pairOf({ x, xlen }: HartState, register: number): number[] {
  const each = xlen === 64 ? [0, 1] : [0];
  return [register, register + 1].flatMap((one) =>
    each.map((half) => (register === 0 ? 0 : (x[one * 2 + half] as number))),
  );
}

/**
 * AMOCAS of a register pair: of 128 bits on RV64, of 64 on RV32. There are no atomic accesses to 128 bits in
 * WebAssembly, so that no other hart may be at work meanwhile.
 *
 * @param alone does something while no other hart works in guest memory; false if it did not
 */
export function comparePair(
  state: HartState,
  access: MemoryAccess,
  { rd, rs1, rs2 }: Decoded,
  alone: (action: () => void) => boolean,
): Outcome {
  const { words, addresses, memory } = state;
  words[FIELD.mailboxAddress >> 2] = state.xLow(rs1);
  words[(FIELD.mailboxAddress >> 2) + 1] = state.addressHigh(rs1);
  const expected = pairOf(state, rd);
  const replacement = pairOf(state, rs2);
  if (!access.atomic(expected.length * Int32Array.BYTES_PER_ELEMENT)) return OUTCOME.exception;
  const host = addresses[FIELD.mailboxValue >> 2] as number;
  const place = new Int32Array(memory.buffer, host, expected.length);
  let old: readonly number[] = [];
  const done = alone(() => {
    // Plain accesses: harts that were in the guest before have left by an atomic subtraction, those to come enter by an
    // addition.
    old = [...place];
    if (old.every((word, index) => word === expected[index])) place.set(replacement);
  });
  if (!done) return OUTCOME.again;
  if (rd === 0) return OUTCOME.next;
  if (state.xlen === 64) {
    state.setX(rd, old[0] ?? 0, old[1] ?? 0);
    state.setX(rd + 1, old[2] ?? 0, old[3] ?? 0);
  } else {
    state.setX(rd, old[0] ?? 0, 0);
    state.setX(rd + 1, old[1] ?? 0, 0);
  }
  return OUTCOME.next;
}
