import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';
import { FIELD } from './layout.ts';
import { reservationHolds } from './reservation.ts';

const DATA = RAM + 0x4000;

describe('a reservation', () => {
  test.each([
    ['lr.w', 0, false],
    ['lr.w', 1, true],
    ['lr.d', 0, false],
    ['lr.d', 1, false],
    ['lr.d', 2, true],
  ])('by %s, with word %i of it written: holds is %s', (instruction, word, holds) => {
    const bed = new HartBed();
    bed.write64(DATA, 0x1234_5678_9abc_def0n);
    bed.load(`li s1, ${DATA}\n ${instruction} t0, (s1)\n ${FINISH}`);
    bed.finish();
    const memory = new Int32Array(bed.memory.buffer);
    const held = () => reservationHolds(bed.hart.state, memory);
    expect(held()).toBe(true);
    const at = bed.hart.state.words[FIELD.reservation >> 2] / 4 + word;
    Atomics.add(memory, at, 1);
    expect(held()).toBe(holds);
    Atomics.sub(memory, at, 1);
    expect(held()).toBe(true);
  });
});
