import { describe, expect, test } from 'vitest';
import { RegionMemory } from './region-memory.ts';

const MIB = 1 << 20;

describe('the memory of regions', () => {
  test('is what was added and not removed, with what the engine needs for each', () => {
    const memory = new RegionMemory(64 * MIB);
    memory.add(1, 1000);
    memory.add(2, 3000);
    const both = memory.total;
    expect(both).toBeGreaterThan(2 * 10_000 + 4 * 4000);
    memory.remove(1);
    expect(memory.total).toBeLessThan(both - 10_000);
    memory.remove(1);
    memory.remove(2);
    expect(memory.total).toBe(0);
  });

  test('stays within its limit, whatever the sizes of regions are', () => {
    const memory = new RegionMemory(2 * MIB);
    const present = new Set<number>();
    for (let turn = 0; turn < 2000; turn++) {
      const bytes = (turn * 7919) % 30_000;
      for (const victim of memory.victims(bytes)) {
        expect(present.delete(victim)).toBe(true);
        memory.remove(victim);
      }
      const number = 1 + (turn % 8000);
      present.add(number);
      memory.add(number, bytes);
      expect(memory.total).toBeLessThanOrEqual(2 * MIB);
    }
    expect(memory.total).toBeGreaterThan(MIB);
  });

  test('is taken from those that were met longest ago', () => {
    const memory = new RegionMemory(MIB);
    for (let number = 1; number <= 20; number++) memory.add(number, 5000);
    for (const number of [1, 3, 5]) memory.meet(number);
    const victims = memory.victims(5000);
    expect(victims).toEqual([2, 4, 6, 7].slice(0, victims.length));
    expect(memory.share()[0]).toBe(2);
  });

  test('a region that is larger than all there may be leaves no other', () => {
    const memory = new RegionMemory(MIB);
    memory.add(1, 100);
    memory.add(2, 100);
    expect(memory.victims(10 * MIB)).toEqual([1, 2]);
  });
});
