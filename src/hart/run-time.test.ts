import { describe, expect, test } from 'vitest';
import { type BedEngine, DEVICE, EXIT, HartBed, RAM } from '../../test/hart/hart-bed.ts';

const HANDLER = RAM + 0x4000;
const END = 1000;
/** More than any of these runs may take by far. */
const FUEL = 100_000;
const ENGINES: readonly BedEngine[] = ['interp', 'jit'];
/** Call-outs, after which the end of the time has been seen. */
const LATE = 16;
/** Ticks that one of them takes at most: to read mip means to look at the lines twice. */
const MOST = 2;

/** A hart whose time goes on with each access to the device, and with each look at the interrupt lines. */
function slowBed(source: string, engine: BedEngine): HartBed {
  const bed = new HartBed({ engine });
  let asked = 0;
  Object.defineProperty(bed, 'ticks', { get: () => bed.accesses.length + asked });
  Object.defineProperty(bed, 'lines', {
    get: () => {
      asked++;
      return 0;
    },
  });
  bed.load(`again: ${source}\n j again`);
  bed.load('csrr t0, mepc\n addi t0, t0, 4\n csrw mepc, t0\n mret', HANDLER);
  bed.setCsr('mtvec', BigInt(HANDLER));
  bed.setCsr('mie', 8n);
  bed.setX('s0', BigInt(DEVICE));
  bed.deviceLow = 0x1234_5678;
  return bed;
}

describe.each(ENGINES)('with %s, a run ends at the end of its time, though there is fuel left', (engine) => {
  test.each([
    ['loads from a device', 'lw t1, (s0)'],
    ['loads of compressed encodings', 'c.lw s1, (s0)'],
    ['loads without a result', 'lw x0, (s0)'],
    ['loads across two pages', 'j edge\n .balign 4096\n .skip 4094\n edge: lw t1, (s0)'],
    ['stores to a device', 'sw t1, (s0)'],
    ['CSRs that TypeScript has', 'csrr t1, mip'],
    ['traps that TypeScript takes', '.word 0\n csrr t1, mip'],
  ])('in a loop of %s', (_, source) => {
    const bed = slowBed(source, engine);
    bed.runEnd = END;
    expect(bed.run(FUEL)).toBe(EXIT.yield);
    expect(bed.ticks).toBeGreaterThanOrEqual(END);
    expect(bed.ticks).toBeLessThanOrEqual(END + LATE * MOST);
  });

  test('with the result of the last load in its register, and pc behind it', () => {
    const bed = slowBed('lw t1, (s0)\n addi t2, t1, 0\n lb t3, (s0)\n addi s2, s2, 1', engine);
    bed.deviceLow = 0xffff_ff80 | 0;
    for (let end = 3; end < 60; end += 3) {
      bed.runEnd = end;
      expect(bed.run(FUEL)).toBe(EXIT.yield);
      // Each turn of five instructions has two accesses.
      const turns = Math.floor(Number(bed.hart.instructions) / 5);
      expect(bed.accesses.length - 2 * turns).toBe([0, 1, 1, 2, 2][Number(bed.hart.instructions) % 5]);
      expect(bed.pc).toBe(BigInt(RAM + (Number(bed.hart.instructions) % 5) * 4));
    }
    expect(bed.x('t1')).toBe(0xffff_ffff_ffff_ff80n);
    expect(bed.x('t3')).toBe(0xffff_ffff_ffff_ff80n);
  });
});

describe.each(ENGINES)('with %s, the end of the time is seen by', (engine) => {
  test('a guest that reads the clock, at its next look', () => {
    const bed = new HartBed({ engine });
    let looks = 0;
    Object.defineProperty(bed, 'ticks', { get: () => looks++ });
    bed.load('again: rdtime t0\n addi s1, s1, 1\n j again');
    bed.runEnd = END;
    expect(bed.run(FUEL)).toBe(EXIT.yield);
    expect(Number(bed.x('s1'))).toBeLessThanOrEqual(END + 2);
  });

  test('a float load from a device, at the next poll', () => {
    const bed = slowBed('flw ft0, (s0)\n addi s1, s1, 1', engine);
    bed.setCsr('mstatus', 3n << 13n);
    bed.runEnd = END;
    expect(bed.run(FUEL)).toBe(EXIT.yield);
    expect(bed.ticks).toBeLessThanOrEqual(END + 1024);
  });
});

test('compiled code that makes no call-outs sees the end of its time', () => {
  const bed = new HartBed({ engine: 'jit' });
  let looks = 0;
  Object.defineProperty(bed, 'ticks', { get: () => looks++ });
  bed.load('again: addi s1, s1, 1\n j again');
  bed.runEnd = 5;
  expect(bed.run(100_000_000)).toBe(EXIT.yield);
  expect(looks).toBeLessThanOrEqual(7);
  expect(bed.hart.instructions).toBeLessThan(1_000_000);
});

describe('a run ends, to be measured anew, where the deadline may have come closer', () => {
  test.each([
    ['stimecmp', 'csrw stimecmp, x0'],
    ['vstimecmp', 'csrw vstimecmp, x0'],
    ['htimedelta', 'csrw htimedelta, t0'],
    ['menvcfg, which has STCE', 'csrs menvcfg, t0'],
    ['henvcfg, which has STCE', 'csrs henvcfg, t0'],
  ])('by a write of %s', (_, write) => {
    const bed = new HartBed().load(`li t0, -1\n ${write}\n again: addi s1, s1, 1\n j again`);
    expect(bed.run(FUEL)).toBe(EXIT.yield);
    expect(bed.x('s1')).toBe(0n);
  });
});
