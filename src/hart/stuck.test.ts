import { expect, test } from 'vitest';
import { describeStuck } from './stuck.ts';

const at = (cause: number, pcLow: number, pcHigh = 0) => ({ cause, pcLow, pcHigh });

test('a handler that cannot be fetched', () => {
  const text = describeStuck('vCPU 3', at(2, 0x8020_0000 | 0), at(12, -16, -1), 'stvec', {
    low: -16,
    high: -1,
  });
  expect(text).toContain('vCPU 3 takes one exception after the other');
  expect(text).toContain('began with "illegal instruction" (cause 2) at pc 0x80200000');
  expect(text).toContain('(stvec) is at 0xfffffffffffffff0');
  expect(text).toContain('"instruction page fault" (cause 12) at pc 0xfffffffffffffff0');
  expect(text).toContain('jumped to a wrong address');
});

test('a handler that faults; vectored mode is no part of its address', () => {
  const text = describeStuck('Hart 0', at(5, 4), at(5, 0x100), 'mtvec', { low: 0x101, high: 0 });
  expect(text).toContain('(mtvec) is at 0x100,');
  expect(text).toContain('overwritten');
});

test('causes that have no name keep their number', () => {
  expect(describeStuck('Hart 0', at(48, 0), at(2, 0), 'mtvec', { low: 0, high: 0 })).toContain('(cause 48)');
});
