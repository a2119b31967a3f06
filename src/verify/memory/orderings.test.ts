import { expect, test } from 'vitest';
import { fenceText, KERNEL_BARRIERS, KERNEL_ORDERINGS, weaken } from './orderings.ts';

const { test_and_set_bit, xchg_acquire, cmpxchg, set_bit } = KERNEL_ORDERINGS;

test('fences print as assembly has them', () => {
  expect(KERNEL_BARRIERS.smp_mb.map(fenceText)).toEqual(['fence rw,rw']);
  expect(KERNEL_BARRIERS.smp_wmb.map(fenceText)).toEqual(['fence w,w']);
});

test('weakening takes one order away at a time, everywhere', () => {
  const orderings = {
    accesses: {
      'set: test_and_set_bit': test_and_set_bit,
      'flush: xchg_acquire': xchg_acquire,
      cmpxchg,
      set_bit,
    },
    barriers: { 'set: smp_mb__before_atomic': KERNEL_BARRIERS.smp_mb },
  };
  const all = [...weaken(orderings)];
  expect(all.map(({ weakening }) => `${weakening.at} without ${weakening.without}`)).toEqual([
    'set: test_and_set_bit without .aq',
    'set: test_and_set_bit without .rl',
    'flush: xchg_acquire without fence r,rw',
    'cmpxchg without .rl',
    'cmpxchg without fence rw,rw',
    'set: smp_mb__before_atomic without fence rw,rw',
  ]);
  const [first, , third, , , last] = all.map((one) => one.orderings);
  expect(first.accesses['set: test_and_set_bit'].order).toMatchObject({ acquire: false, release: true });
  expect(first.accesses['flush: xchg_acquire']).toBe(xchg_acquire);
  expect(third.accesses['flush: xchg_acquire'].after).toEqual([]);
  expect(third.barriers).toBe(orderings.barriers);
  expect(last.barriers['set: smp_mb__before_atomic']).toEqual([]);
});
