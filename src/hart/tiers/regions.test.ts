import { afterEach, describe, expect, test, vi } from 'vitest';
import { FINISH, HartBed, RAM } from '../../../test/hart/hart-bed.ts';
import { type Region, RegionCompiler } from '../../jit/index.ts';
import { OPERATION, REGION } from '../interpreter/slots.ts';

/** More than a chunk, so that the next jump is one after which the interpreter samples. */
const LONG = 'nop\n'.repeat(1100);
const DATA = RAM + 0x10_0000;
const FAR = RAM + 0x8000;

/** Runs a program at once: each new run samples at its first jump. @returns how many regions were compiled */
function run(source: string): { readonly bed: HartBed; readonly regions: number } {
  let regions = 0;
  const bed: HartBed = new HartBed({
    engine: 'jit',
    onRegion: ({ record }) => {
      regions++;
      const operation = new DataView(bed.memory.buffer).getUint16(record + REGION.aside, true);
      // The interpreter would enter the region again, or find nothing to decode, for ever.
      if (operation === OPERATION.decode || operation === OPERATION.region)
        throw new Error('the region stands for nothing');
    },
  });
  bed.load(source).write64(DATA, 41n);
  bed.run(100_000);
  return { bed, regions };
}

describe('code that is compiled before it has ever run can be left to the interpreter', () => {
  test('because its first instruction accesses a page that the TLB does not know', () => {
    const { bed, regions } = run(`
      li a1, ${DATA}
      ${LONG}
      j fresh
      .balign 4
    fresh:
      ld a0, (a1)
      addi a0, a0, 1
      ${FINISH}`);
    expect(bed.result).toBe(42);
    expect(regions).toBeGreaterThan(0);
  });

  test('because the translation of another of its pages is forgotten', () => {
    const { bed, regions } = run(`
      li a0, 0
      li a1, ${FAR}
      la ra, warm
      jr a1
    warm:
      la ra, back
      ${LONG}
      j fresh
      .balign 4
    fresh:
      addi a0, a0, 1
      j far
    back:
      fence.i
      li a2, 4
      blt a0, a2, fresh
      ${FINISH}
      .org ${FAR - RAM}
    far:
      addi a0, a0, 1
      ret`);
    expect(bed.result).toBe(5);
    expect(regions).toBeGreaterThan(0);
  });
});

describe('what is compiled changes with what runs', () => {
  /** Samples of each of these periods: PERIOD for each of the threshold. */
  const period = (compileAfter: number) => 2048 * compileAfter;

  /** Two loops on pages of their own, and how often each was compiled. */
  function twoLoops(compileAfter: number) {
    const compiled = { here: 0, far: 0 };
    const bed = new HartBed({
      engine: 'jit',
      compileAfter,
      onRegion: ({ pageLow }) => {
        compiled[pageLow === (FAR | 0) ? 'far' : 'here']++;
      },
    });
    bed.load(`
      here: addi a0, a0, 1
        j here
        .org ${FAR - RAM}
      far: addi a1, a1, 1
        j far`);
    const met = (loop: 'here' | 'far', samples: number) => {
      bed.pc = BigInt(bed.symbol(loop));
      // Each run samples at its first jump; compiled code does its first one out of the loop later.
      for (let sample = 0; sample < samples; sample++) bed.run(compiled[loop] === 0 ? 3 : 9000);
    };
    return { bed, compiled, met };
  }

  test('code that is met now and then is not compiled, however long that goes on', () => {
    const { compiled, met } = twoLoops(4);
    for (let turn = 0; turn < 6; turn++) {
      met('far', 1);
      met('here', period(4));
    }
    expect(compiled.here).toBeGreaterThan(0);
    expect(compiled.far).toBe(0);
    met('far', 4);
    expect(compiled.far).toBe(1);
  });

  test('a region that is not met any more is dropped, and comes back when it is', () => {
    const { bed, compiled, met } = twoLoops(1);
    met('far', 1);
    expect(compiled.far).toBe(1);
    met('here', 8 * period(1));
    met('far', 1);
    expect(compiled.far).toBe(1);
    met('here', 10 * period(1));
    expect(bed.hart.regionStatistics?.live).toBe(1);
    met('far', 1);
    expect(compiled.far).toBe(2);
    expect(bed.hart.regionStatistics?.live).toBe(2);
  });
});

describe('a region that often cannot go on is compiled with fewer accesses for each check', () => {
  /** The regions that began at `loop`, one after the other. */
  function compiled(source: string): readonly Region[] {
    const regions: Region[] = [];
    const bed: HartBed = new HartBed({
      engine: 'jit',
      onRegion: ({ pageLow, region }) => {
        if ((pageLow >>> 0) + region.blocks[0][0].offset === bed.symbol('loop')) regions.push(region);
      },
    });
    bed.load(source).finish(40_000_000);
    return regions;
  }
  const compilations = (source: string) => compiled(source).length;

  test('if what it checks together is in two pages', () => {
    const turns = (count: number) => `
      li s0, ${DATA - 8}
      li s1, ${count}
    loop: ld t0, 0(s0)
      sd s1, 16(s0)
      addi s1, s1, -1
      bnez s1, loop
      ${FINISH}`;
    expect(compilations(turns(60_000))).toBe(compilations(turns(600)) + 1);
  });

  test('only through the register whose accesses are in two pages', () => {
    const regions = compiled(`
      li s2, 4000
    pass:
      li s0, ${DATA - 256}
      li s3, ${DATA}
      li s1, 64
    loop: ld t0, 0(s0)
      sd s1, 64(s0)
      ld t1, 8(s3)
      ld t2, 16(s3)
      addi s0, s0, 8
      addi s1, s1, -1
      bnez s1, loop
      addi s2, s2, -1
      bnez s2, pass
      ${FINISH}`);
    const S0 = 1 << 8;
    const S3 = 1 << 19;
    const wide = regions.map(({ wideChecks }) =>
      [...wideChecks.values()].reduce((all, bases) => all | bases),
    );
    // With functions that it calls, too, the second time.
    expect(wide).toEqual([S0 | S3, S0 | S3, S3]);
  });

  test('in the end each by itself, where misaligned ones pass that stay within the page', () => {
    const turns = 20_000;
    const bed = new HartBed({ engine: 'jit' });
    bed.load(`
      li s0, ${DATA + 5}
      li s1, ${turns}
      li a0, 0
    loop: sd s1, 0(s0)
      lw t0, 0(s0)
      lhu t1, 9(s0)
      add a0, a0, t0
      add a0, a0, t1
      addi s1, s1, -1
      bnez s1, loop
      ${FINISH}`);
    bed.finish(40_000_000);
    expect(bed.result).toBe((turns * (turns + 1)) / 2);
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(5 * turns);
  });

  test('but not if it moves from page to page', () => {
    const passes = (count: number) => `
      li s2, ${count}
    pass:
      li s0, ${DATA}
      li s1, ${40 * 170}
    loop: ld t0, 0(s0)
      sd s1, 16(s0)
      addi s0, s0, 24
      addi s1, s1, -1
      bnez s1, loop
      addi s2, s2, -1
      bnez s2, pass
      ${FINISH}`;
    expect(compilations(passes(150))).toBe(compilations(passes(15)));
  });
});

describe('a region that is full', () => {
  const STEPS = 60;
  /** A loop with more instructions than a deep region has, all of which run in some turns. */
  const program = (turns: number): string => `
    li s1, ${turns}
    li a0, 0
    loop:
    ${Array.from(
      { length: STEPS },
      (_, step) => `
      andi t0, s1, ${1 << (step % 4)}
      beqz t0, step${step}
      addi a0, a0, ${step}
      ${'nop\n'.repeat(5)}
      step${step}:`,
    ).join('\n')}
    addi s1, s1, -1
    beqz s1, end
    j loop
    end: ${FINISH}`;

  /** The sizes of what was compiled, and how many regions the loop went through for each turn. */
  function run(turns: number): { readonly sizes: readonly number[]; readonly exits: number } {
    const sizes: number[] = [];
    const bed = new HartBed({
      engine: 'jit',
      compileAfter: 1,
      onRegion: ({ region: { instructions } }) => sizes.push(instructions),
    });
    const retired = turns * STEPS * 8;
    bed.load(program(turns)).finish(2 * retired);
    const { near = 0, next = 0 } = bed.hart.regionStatistics?.exits ?? {};
    return { sizes, exits: (near + next) / turns };
  }

  test('gets more room where the guest works around it all the time', () => {
    const { sizes, exits } = run(60_000);
    const large = sizes.filter((size) => size > STEPS * 8).length;
    expect(large).toBeGreaterThan(0);
    expect(large).toBeLessThan(4);
    expect(exits).toBeLessThan(1);
  });

  test('and not where it runs now and then', () => {
    const { sizes, exits } = run(60);
    expect(Math.max(...sizes)).toBeGreaterThan(200);
    expect(Math.max(...sizes)).toBeLessThan(STEPS * 8);
    expect(exits).toBeGreaterThan(1);
  });
});

describe('the handler of an interrupt that a loop is interrupted by again and again', () => {
  const FUNCTIONS = 20;
  const LENGTH = 30;
  const HANDLER = FUNCTIONS * (LENGTH + 2);
  const body = (number: number): string => `f${number}: ${`addi a1, a1, ${number}\n`.repeat(LENGTH)} ret`;
  const functions = Array.from({ length: FUNCTIONS }, (_, number) => number);

  test('is compiled in all of its length, though each run begins with it', () => {
    const bed = new HartBed({ engine: 'jit', compileAfter: 8 });
    bed.load(`
        la t0, handler
        csrw mtvec, t0
        csrwi mie, 2
        csrsi mstatus, 8
      1: j 1b
        .balign 4
      handler: csrci mip, 2
        ${functions.map((number) => `call f${number}`).join('\n')}
        mret
        ${functions.map(body).join('\n')}`);
    /** Instructions of interpreted code for each interrupt. */
    const interrupt = (times: number): number => {
      const interpreted = () => bed.hart.instructions - (bed.hart.regionStatistics?.retired ?? 0);
      const before = interpreted();
      for (let time = 0; time < times; time++) {
        bed.setCsr('mip', 2n);
        bed.run(5000);
      }
      return (interpreted() - before) / times;
    };
    expect(interrupt(1)).toBeGreaterThan(HANDLER);
    interrupt(4000);
    expect(interrupt(1000)).toBeLessThan(HANDLER / 4);
  });
});

describe('code that does not compile is interpreted', () => {
  afterEach(() => vi.restoreAllMocks());

  const INVALID: Region = {
    bytes: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0xff),
    ...{ depth: 'shallow', pages: [], instructions: 1 },
    ...{ cutOff: undefined, unfollowed: [], blocks: [], wideChecks: new Map() },
  };
  const TURNS = 50_000;

  /** A loop at the start of RAM, and one that is never refused; then they are swapped by another program. */
  function refusing(compile: () => Region) {
    const told: string[] = [];
    const original = RegionCompiler.prototype.compile;
    const tried = vi.spyOn(RegionCompiler.prototype, 'compile').mockImplementation(function (
      this: RegionCompiler,
      ...[source, entry, how]: Parameters<typeof original>
    ) {
      return entry === 16 ? compile() : original.call(this, source, entry, how);
    });
    const bed = new HartBed({ engine: 'jit', compileAfter: 4, onRefused: (text) => told.push(text) });
    const loop = (first: string): void => {
      bed.load(`
        .option norvc
        fence.i
        li s1, ${TURNS}
        li a0, 0
        1: ${first}
        addi s1, s1, -1
        bnez s1, 1b
        li s1, ${TURNS}
        2: addi a0, a0, 1
        addi s1, s1, -1
        bnez s1, 2b
        ${FINISH}`);
      bed.pc = BigInt(RAM);
    };
    const tries = () => tried.mock.calls.filter(([, entry]) => entry === 16).length;
    return { bed, told, loop, tries };
  }

  test.each([
    ['because the compiler fails', () => fail()],
    ['because the engine refuses it', () => INVALID],
  ])('for good, %s', (_name, compile) => {
    const { bed, told, loop, tries } = refusing(compile);
    loop('addi a0, a0, 1');
    expect(bed.finish(2_000_000)).toBe(2 * TURNS);
    expect(tries()).toBe(1);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('0x80000010 did not compile');
    expect(bed.hart.regionStatistics).toMatchObject({ refused: 1 });
    // The other loop was compiled.
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(TURNS);
  });

  test('until other code comes there, and is told of once', () => {
    const { bed, told, loop, tries } = refusing(fail);
    loop('addi a0, a0, 1');
    bed.finish(2_000_000);
    loop('addi a0, a0, 2');
    expect(bed.finish(2_000_000)).toBe(3 * TURNS);
    expect(tries()).toBe(2);
    expect(told).toHaveLength(1);
    expect(bed.hart.regionStatistics).toMatchObject({ refused: 2 });
  });

  test('while what was compiled of it before stays', () => {
    let tries = 0;
    const original = RegionCompiler.prototype.compile;
    vi.spyOn(RegionCompiler.prototype, 'compile').mockImplementation(function (
      this: RegionCompiler,
      ...[source, entry, how]: Parameters<typeof original>
    ) {
      if (how.depth === 'deep') tries++;
      return how.depth === 'deep' ? fail() : original.call(this, source, entry, how);
    });
    const bed = new HartBed({ engine: 'jit', compileAfter: 4, onRefused: () => undefined });
    bed.load('1: addi a0, a0, 1\nj 1b');
    for (let run = 0; run < 60; run++) bed.run(20_000);
    expect(tries).toBe(1);
    expect(bed.hart.regionStatistics).toMatchObject({ live: 1, refused: 1 });
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(60 * 10_000);
  });
});

describe('the memory of compiled code', () => {
  const LOOPS = 200;
  const LIMIT = 1 << 20;
  /** Loops that are all different, and another one that is called in between. */
  const program = (loops: number): string =>
    Array.from(
      { length: loops },
      (_, number) => `
      li s1, 20
      1: addi a0, a0, ${number}
      addi s1, s1, -1
      bnez s1, 1b
      li s1, 20
      jal hot`,
    ).join('\n');

  test('has a bound in bytes: what was not met for longest makes room', () => {
    const regions: number[] = [];
    let most = 0;
    const bed: HartBed = new HartBed({
      engine: 'jit',
      codeBytes: LIMIT,
      onRegion: ({ pageLow, region }) => {
        regions.push((pageLow >>> 0) + region.blocks[0][0].offset);
        most = Math.max(most, bed.hart.regionStatistics?.memory ?? 0);
      },
    });
    bed.load(`
      li a0, 0
      li s2, 3
      again:
      ${program(LOOPS)}
      addi s2, s2, -1
      beqz s2, end
      j again
      end:
      ${FINISH}
      .balign 4096
      hot: addi s1, s1, -1
      bnez s1, hot
      ret`);
    expect(bed.finish(2_000_000)).toBe((3 * 20 * LOOPS * (LOOPS - 1)) / 2);
    const { evicted = 0, memory = 0, live = 0, compiled = 0 } = bed.hart.regionStatistics ?? {};
    expect(compiled).toBeGreaterThan(2 * LOOPS);
    expect(evicted).toBeGreaterThan(LOOPS);
    expect(live).toBeLessThan(60);
    expect(most).toBeLessThanOrEqual(LIMIT);
    expect(memory).toBeGreaterThan(LIMIT / 2);
    // This one was always met between the others.
    expect(regions.filter((address) => address === bed.symbol('hot')).length).toBeLessThan(4);
  });
});

function fail(): never {
  throw new Error('not this one');
}
