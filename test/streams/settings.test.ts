import { expect, test } from 'vitest';
import { LAYOUT } from './layout.ts';
import { NOT_MAPPED } from './settings.ts';

/** Bytes that offsets of loads and stores reach on either side, and those of one access. */
const REACH = 2048n + 8n;

test.each([32, 64] as const)(
  'addresses that lead nowhere are not near the memory of a program: RV%i',
  (xlen) => {
    const end = BigInt(LAYOUT.ram + LAYOUT.ramBytes);
    const near = NOT_MAPPED[xlen].filter((address) =>
      [-REACH, REACH].some((offset) => {
        const reached = BigInt.asUintN(xlen, address + offset);
        return reached >= BigInt(LAYOUT.ram) && reached < end;
      }),
    );
    expect(near).toEqual([]);
  },
);
