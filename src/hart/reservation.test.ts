import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';
import { FIELD } from './layout.ts';
import { reservationHolds } from './reservation.ts';

const DATA = RAM + 0x4000;

describe('a reservation', () => {
  test.each([
    ['lr.w', 0, false, 0],
    ['lr.w', 1, true, 0],
    ['lr.d', 0, false, 0],
    ['lr.d', 1, false, 0],
    ['lr.d', 2, true, 0],
    ['lr.w', 0, false, 0x8000_0000],
    ['lr.d', 1, false, 0x8000_0000],
    ['lr.d', 2, true, 0xf000_0000],
  ])('by %s, with word %i of it written: holds is %s; in linear memory from %i on', (...row) => {
    const [instruction, word, holds, origin] = row;
    const bed = new HartBed({ origin });
    bed.write64(DATA, 0x1234_5678_9abc_def0n);
    bed.load(`li s1, ${DATA}\n ${instruction} t0, (s1)\n ${FINISH}`);
    bed.finish();
    const memory = new Int32Array(bed.memory.buffer);
    const held = () => reservationHolds(bed.hart.state, memory);
    expect(held()).toBe(true);
    const at = bed.hart.state.addresses[FIELD.reservation >> 2] / 4 + word;
    Atomics.add(memory, at, 1);
    expect(held()).toBe(holds);
    Atomics.sub(memory, at, 1);
    expect(held()).toBe(true);
  });
});
