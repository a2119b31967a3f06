import { expect, test } from 'vitest';
import { FullRegions } from './full-regions.ts';

/** Samples that make a region worth more room, with a threshold of 1. */
const WORTH = 64;

/** @returns how many samples it takes until the region is worth more room */
function samples(full: FullRegions, number: number, slot: number): number {
  for (let count = 1; count < 1000; count++) if (full.meet(number, slot)) return count;
  return Number.POSITIVE_INFINITY;
}

test('a region is worth more room when it was left often enough because it is full', () => {
  const full = new FullRegions(1);
  full.add(3, new Set([800, 808]));
  expect(full.meet(3, 800)).toBe(false);
  expect(samples(full, 3, 808)).toBe(WORTH - 1);
});

test('other ways out, regions that are not full, and those that were dropped do not count', () => {
  const full = new FullRegions(1);
  full.add(3, new Set([800]));
  full.add(4, new Set());
  expect(samples(full, 3, 808)).toBe(Number.POSITIVE_INFINITY);
  expect(samples(full, 4, 800)).toBe(Number.POSITIVE_INFINITY);
  expect(samples(full, 5, 800)).toBe(Number.POSITIVE_INFINITY);
  full.remove(3);
  expect(samples(full, 3, 800)).toBe(Number.POSITIVE_INFINITY);
});

test('what was counted for others begins anew when one gets more room, and fades', () => {
  const full = new FullRegions(1);
  full.add(3, new Set([800]));
  full.add(4, new Set([900]));
  for (let count = 1; count < WORTH; count++) full.meet(4, 900);
  expect(samples(full, 3, 800)).toBe(WORTH);
  expect(full.meet(4, 900)).toBe(false);
  for (let count = 2; count < WORTH; count++) full.meet(4, 900);
  full.cool();
  expect(samples(full, 4, 900)).toBe(WORTH - ((WORTH - 1) >> 1));
});
