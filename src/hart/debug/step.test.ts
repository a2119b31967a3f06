import { describe, expect, test } from 'vitest';
import { DEVICE, EXIT, FINISH, HartBed, PAGE, RAM } from '../../../test/hart/hart-bed.ts';
import {
  CODE,
  DATA,
  ON_ECALL,
  PagingBed,
  satp,
  supervisorProgram,
  VIRTUAL,
} from '../../../test/hart/paging-bed.ts';

const CODE_2 = RAM + 0x10_0000;

/** Traps go on behind the instruction, after a count in s11. */
const HANDLER = `
    .balign 4
  trap:
    addi s11, s11, 1
    csrr t5, mepc
    addi t5, t5, 4
    csrw mepc, t5
    li t5, 0x1800
    csrs mstatus, t5
    mret`;

const program = (body: string): string => `la t0, trap\n csrw mtvec, t0\n ${body}\n ${FINISH}\n ${HANDLER}`;

const PROGRAMS: readonly (readonly [string, string])[] = [
  ['a loop', 'li a0, 0\n li a1, 5\n again: addi a0, a0, 3\n addi a1, a1, -1\n bnez a1, again'],
  ['compressed code', 'li a0, 8\n c.addi a0, 1\n c.nop\n c.mv a2, a0\n c.add a0, a2\n c.li a3, 3'],
  ['calls', 'li a0, 1\n jal f\n jal f\n j over\n f: slli a0, a0, 2\n ret\n over:'],
  ['a far call', `la a1, near\n li t0, ${CODE_2}\n jalr ra, (t0)\n near: addi a0, a0, 1`],
  ['traps', 'li a0, 4\n ecall\n .word 0xfffffffb\n ld a1, (x0)\n ebreak\n addi a0, a0, 1'],
  [
    'system instructions',
    'csrr a0, mhartid\n li a1, 8\n csrs mie, a1\n csrr a2, mie\n fence.i\n sfence.vma\n csrw mie, x0',
  ],
  [
    'atomics',
    'la a1, word\n li a2, 7\n amoadd.d a0, a2, (a1)\n lr.d a3, (a1)\n addi a3, a3, 1\n sc.d a4, a3, (a1)\n ld a0, (a1)\n j w\n .balign 8\n word: .dword 35\n w:',
  ],
  [
    'floating point',
    'li t0, 0x6000\n csrs mstatus, t0\n li a0, 3\n fcvt.d.l fa0, a0\n fadd.d fa0, fa0, fa0\n fcvt.l.d a0, fa0',
  ],
  ['a device', `li a1, ${DEVICE}\n lw a2, (a1)\n sw a2, 8(a1)\n li a0, 3`],
];

/** Carries out a program one instruction at a time. @returns the places that it came to */
function walkThrough(bed: HartBed, limit = 500): bigint[] {
  const places: bigint[] = [];
  for (let count = 0; count < limit; count++) {
    places.push(bed.pc);
    const { instructions } = bed.hart;
    expect(bed.hart.step()).toBe(EXIT.yield);
    expect(bed.hart.instructions - instructions).toBeLessThanOrEqual(1);
    if (bed.result !== undefined) return places;
  }
  throw new Error('the program did not end');
}

describe.each(['interp', 'jit'] as const)('steps (%s)', (engine) => {
  test.each(PROGRAMS)('through %s come to what a run comes to', (_, body) => {
    const beds = [new HartBed({ engine }), new HartBed({ engine })] as const;
    for (const bed of beds) {
      bed.deviceLow = 5;
      bed.load(program(body)).load('slli a0, a0, 1\n ret', CODE_2);
    }
    const [stepped, run] = beds;
    const places = walkThrough(stepped);
    run.finish();
    expect(stepped.result).toBe(run.result);
    expect([...stepped.hart.state.x]).toEqual([...run.hart.state.x]);
    expect(stepped.hart.instructions).toBe(run.hart.instructions);
    expect(stepped.accesses).toEqual(run.accesses);
    expect(places[0]).toBe(BigInt(RAM));
  });

  test('stop behind a trap, at the first instruction of its handler', () => {
    const bed = new HartBed({ engine }).load(program('here: ecall\n li a0, 1'));
    bed.hart.step();
    bed.hart.step();
    bed.hart.step();
    expect(bed.pc).toBe(BigInt(bed.symbol('here')));
    bed.hart.step();
    expect(bed.pc).toBe(BigInt(bed.symbol('trap')));
    expect(bed.csr('mepc')).toBe(BigInt(bed.symbol('here')));
  });

  test('carry out an instruction that begins in one page and ends in another', () => {
    const bed = new HartBed({ engine }).load('li a0, 7\n li a1, 9\n addi a0, a0, 100\n ret', CODE_2 - 10);
    bed.load(`li t0, ${CODE_2 - 10}\n jalr t0\n ${FINISH}`);
    const places = walkThrough(bed);
    expect(places).toContain(BigInt(CODE_2 - 2));
    expect(bed.result).toBe(107);
  });

  test('take no interrupt, which is taken as soon as the hart runs', () => {
    const bed = new HartBed({ engine }).load(program('csrsi mstatus, 8\n li a1, 1\n li a2, 2'));
    bed.setCsr('mie', 1n << 7n);
    bed.lines = 1 << 7;
    for (let count = 0; count < 5; count++) bed.hart.step();
    expect(bed.x('a1')).toBe(1n);
    expect(bed.x('s11')).toBe(0n);
    bed.hart.run(1);
    expect(bed.csr('mcause')).toBe((1n << 63n) | 7n);
  });

  test('leave a jump to nowhere where it leads, and take the fault next', () => {
    const bed = new HartBed({ engine }).load(program('li a0, 0x5000\n jr a0'));
    for (let count = 0; count < 5; count++) bed.hart.step();
    expect(bed.pc).toBe(0x5000n);
    bed.hart.step();
    expect(bed.pc).toBe(BigInt(bed.symbol('trap')));
    expect(bed.csr('mepc')).toBe(0x5000n);
  });

  test('of a guest carry out all from LR to SC at once, as it loses its reservation between two of them', () => {
    const source = `la a1, word\n li a2, 7\n lr: lr.d a3, (a1)\n add a3, a3, a2\n sc.d a4, a3, (a1)\n behind: nop\n .balign 8\n word: .dword 35`;
    const bed = new HartBed({ engine, hsHost: true }).load(source);
    while (bed.pc !== BigInt(bed.symbol('lr'))) bed.hart.step();
    bed.hart.step();
    expect([bed.pc, bed.x('a4')]).toEqual([BigInt(bed.symbol('behind')), 0n]);
    expect(bed.read64(bed.symbol('word'))).toBe(42n);
  });

  test('over WFI do not wait', () => {
    const bed = new HartBed({ engine }).load('wfi\n li a0, 1');
    bed.hart.step();
    expect(bed.pc).toBe(BigInt(RAM + 4));
  });
});

describe.each(['interp', 'jit'] as const)('a point in code (%s)', (engine) => {
  const point = (address: number) => ({ low: address | 0, high: 0, kinds: 1, length: 1 });
  const LOOP = `li a0, 0\n li a1, 100000\n again: addi a0, a0, 1\n here: addi a2, a2, 2\n jal f\n bne a0, a1, again\n ${FINISH}\n f: addi a3, a3, 1\n ret`;

  /** Runs until the hart stops at a point. */
  function untilStop(bed: HartBed): void {
    for (let count = 0; count < 100_000; count++) {
      const exit = bed.run(24);
      if (bed.hart.stop !== undefined) {
        expect(exit).toBe(EXIT.debug);
        return;
      }
      if (bed.result !== undefined) break;
    }
    throw new Error('the hart did not stop');
  }

  test('stops the hart before the instruction, each time', () => {
    const bed = new HartBed({ engine }).load(LOOP);
    // Until it is compiled, where it is.
    for (let count = 0; count < 50; count++) bed.run(24);
    bed.hart.debug([point(bed.symbol('here'))]);
    for (let turn = 0; turn < 5; turn++) {
      untilStop(bed);
      expect(bed.pc).toBe(BigInt(bed.symbol('here')));
      expect(bed.x('a2')).toBe(2n * (bed.x('a0') - 1n));
      // It stays there until somebody steps over it.
      bed.run(24);
      expect(bed.pc).toBe(BigInt(bed.symbol('here')));
      bed.hart.step();
      expect(bed.pc).toBe(BigInt(bed.symbol('here') + 4));
    }
    bed.hart.debug([]);
    expect(bed.finish(10_000_000)).toBe(100_000);
    expect(bed.x('a2')).toBe(200_000n);
    expect(bed.x('a3')).toBe(100_000n);
  });

  test('that is never reached leaves all code as it was', () => {
    const bed = new HartBed({ engine }).load(LOOP);
    bed.hart.debug([point(RAM + 0x1000 + (bed.symbol('here') & 0xfff)), point(RAM + 0x800)]);
    expect(bed.finish(10_000_000)).toBe(100_000);
    const { regionStatistics } = bed.hart;
    if (regionStatistics !== undefined) expect(regionStatistics.retired).toBeGreaterThan(300_000);
  });

  test('elsewhere in compiled code keeps that code compiled', () => {
    const bed = new HartBed({ engine }).load(`${LOOP}\n cold: addi a5, a5, 1\n ret`);
    bed.hart.debug([point(bed.symbol('cold'))]);
    expect(bed.finish(10_000_000)).toBe(100_000);
    const { regionStatistics } = bed.hart;
    if (regionStatistics !== undefined) expect(regionStatistics.retired).toBeGreaterThan(300_000);
  });

  test('leaves an ebreak of the program to the program', () => {
    const bed = new HartBed({ engine }).load(program('li a0, 0\n mine: ebreak\n here: addi a0, a0, 1'));
    bed.hart.debug([point(bed.symbol('here'))]);
    untilStop(bed);
    expect(bed.pc).toBe(BigInt(bed.symbol('here')));
    expect(bed.x('s11')).toBe(1n);
  });

  test('on an ebreak of the program stops before it, and the program gets it when it goes on', () => {
    const bed = new HartBed({ engine }).load(program('li a0, 0\n mine: ebreak\n addi a0, a0, 1'));
    bed.hart.debug([point(bed.symbol('mine'))]);
    untilStop(bed);
    expect([bed.pc, bed.x('s11')]).toEqual([BigInt(bed.symbol('mine')), 0n]);
    bed.hart.step();
    expect(bed.pc).toBe(BigInt(bed.symbol('trap')));
  });

  test('at the end of a page stops before an instruction that goes on in the next', () => {
    const bed = new HartBed({ engine }).load('addi a0, a0, 4\n addi a0, a0, 100\n ret', CODE_2 - 6);
    bed.load(
      `li s0, 3\n again: li t0, ${CODE_2 - 6}\n jalr t0\n addi s0, s0, -1\n bnez s0, again\n ${FINISH}`,
    );
    bed.hart.debug([point(CODE_2 - 2)]);
    for (let turn = 0; turn < 3; turn++) {
      untilStop(bed);
      expect(bed.pc).toBe(BigInt(CODE_2 - 2));
      bed.hart.step();
    }
    expect(bed.finish()).toBe(312);
  });

  test('survives that the program writes its code anew', () => {
    const bed = new HartBed({ engine }).load(
      `la a1, patched\n li a2, 0x00250513\n here: sw a2, (a1)\n fence.i\n patched: addi a0, a0, 1\n ${FINISH}`,
    );
    bed.hart.debug([point(bed.symbol('patched'))]);
    untilStop(bed);
    expect(bed.pc).toBe(BigInt(bed.symbol('patched')));
    bed.hart.step();
    // addi a0, a0, 2
    expect(bed.x('a0')).toBe(2n);
    expect(bed.finish()).toBe(2);
  });
});

test('a point is at a virtual address: code that lies there at another one is carried out', () => {
  const bed = new PagingBed();
  const { hart } = bed;
  if ('shadow' in hart) expect(hart.shadow).toBeDefined();
  const single = new HartBed();
  single.both(({ pmp }) => pmp.allowAll());
  const [tables] = [RAM + 0x4_0000];
  single.setEntry(tables, RAM / 2 ** 30, RAM, 0xcf);
  single.setEntry(tables, VIRTUAL / 2 ** 30, tables + 4 * PAGE, 1);
  single.setEntry(tables + 4 * PAGE, 0, tables + 5 * PAGE, 1);
  for (const page of [0, 1]) single.setEntry(tables + 5 * PAGE, page, CODE, 0xcf);
  single.load('addi a0, a0, 1\n addi a0, a0, 10\n ret', CODE);
  single.load(
    supervisorProgram(
      satp(0),
      `li s0, ${VIRTUAL}\n li s1, ${VIRTUAL + PAGE}\n jalr s0\n jalr s1\n jalr s0\n ecall`,
      `mv a1, a0\n ${ON_ECALL}`,
    ),
  );
  single.hart.debug([{ low: VIRTUAL + PAGE + 4, high: 0, kinds: 1, length: 1 }]);
  expect(single.hart.run(10_000)).toBe(EXIT.debug);
  expect(single.pc).toBe(BigInt(VIRTUAL + PAGE + 4));
  expect(single.x('a0')).toBe(12n);
  single.hart.step();
  expect(single.finish()).toBe(33);
});

describe.each(['interp', 'jit'] as const)('watched memory (%s)', (engine) => {
  const READ = 2;
  const WRITE = 4;
  const watch = (address: number, length: number, kinds: number) => ({
    low: address | 0,
    high: 0,
    kinds,
    length,
  });

  /** Carries out one instruction in the middle of a program that is warm. */
  function access(instruction: string, points: Parameters<HartBed['hart']['debug']>[0], before = 0): HartBed {
    const bed = new HartBed({ engine }).load(`
      li s0, ${DATA}
      li s1, 10000000
      li t0, 0x6000
      csrs mstatus, t0
      li a2, 5
    again:
      addi s1, s1, -1
      lr.d a4, (s0)
    here:
      ${instruction}
    behind:
      bnez s1, again
      ${FINISH}`);
    for (let count = 0; count < before; count++) bed.run(24);
    bed.hart.debug(points);
    for (let count = 0; count < 1000 && bed.hart.stop === undefined && bed.result === undefined; count++)
      bed.run(24);
    return bed;
  }

  test.each([
    ['ld a1, 8(s0)', READ],
    ['lbu a1, 15(s0)', READ],
    ['fld fa0, 8(s0)', READ],
    ['sd a2, 8(s0)', WRITE],
    ['sb a2, 9(s0)', WRITE],
    ['fsd fa0, 8(s0)', WRITE],
    ['sw a2, 6(s0)', WRITE],
    ['ld a1, 1(s0)', READ],
    ['addi t1, s0, 8\n amoadd.d a1, a2, (t1)', READ],
    ['addi t1, s0, 8\n amoadd.d a1, a2, (t1)', WRITE],
    ['addi t1, s0, 8\n lr.d a1, (t1)', READ],
    ['cbo.zero (s0)', WRITE],
  ])('stops the hart before %s', (instruction, kinds) => {
    for (const before of [0, 40]) {
      const bed = access(instruction, [watch(DATA + 8, 8, kinds)], before);
      expect(bed.hart.stop).toMatchObject({ kind: 'data', hit: { kinds } });
      expect(BigInt(bed.symbol('behind')) - bed.pc).toBeLessThanOrEqual(4n);
      expect(bed.pc).toBeLessThan(BigInt(bed.symbol('behind')));
      // A debugger has to take the point away to step over it.
      bed.hart.step();
      expect(bed.hart.stop?.kind).toBe('data');
      bed.hart.debug([]);
      bed.hart.step();
      expect([bed.hart.stop, bed.pc]).toEqual([undefined, BigInt(bed.symbol('behind'))]);
    }
  });

  test.each([
    ['ld a1, 8(s0)', watch(DATA + 8, 8, WRITE)],
    ['sd a2, 8(s0)', watch(DATA + 8, 8, READ)],
    ['sd a2, 8(s0)', watch(DATA + 16, 8, READ | WRITE)],
    ['ld a1, 8(s0)', watch(DATA + 7, 1, READ | WRITE)],
    ['sd a2, 8(s0)', watch(DATA + 64 * PAGE, 8, READ | WRITE)],
  ])('is left alone by %s', (instruction, point) => {
    const bed = access(instruction, [point]);
    expect(bed.hart.stop?.kind === 'data' && bed.pc >= BigInt(bed.symbol('here'))).toBe(false);
  });

  test('may lie across pages', () => {
    const bed = new HartBed({ engine }).load(
      `li s0, ${DATA + PAGE - 4}\n li a1, 3\n here: sd a1, (s0)\n ${FINISH}`,
    );
    bed.hart.debug([watch(DATA + PAGE, 4, WRITE)]);
    bed.run(1000);
    expect(bed.hart.stop).toEqual({ kind: 'data', hit: { kinds: WRITE, low: (DATA + PAGE) | 0, high: 0 } });
    expect(bed.pc).toBe(BigInt(bed.symbol('here')));
    expect(bed.read64(DATA + PAGE - 4)).toBe(0n);
  });

  test('is no reason to stop where the access faults', () => {
    const bed = new HartBed({ engine }).load(
      program(`li a1, ${DATA + 1}\n amoadd.d a0, a1, (a1)\n li a0, 9`),
    );
    bed.hart.debug([watch(DATA, 16, WRITE)]);
    expect(bed.finish()).toBe(9);
    expect(bed.x('s11')).toBe(1n);
  });

  test('tells of a device, too', () => {
    const bed = new HartBed({ engine }).load(`li a1, ${DEVICE}\n here: sw a1, 4(a1)\n ${FINISH}`);
    bed.hart.debug([watch(DEVICE + 4, 4, WRITE)]);
    bed.run(1000);
    expect(bed.pc).toBe(BigInt(bed.symbol('here')));
    expect(bed.accesses).toHaveLength(0);
  });
});
