import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, PAGE, RAM } from '../../test/hart/hart-bed.ts';
import { assemble, createDecoder } from '../isa/index.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { codeCache, REGION_RECORDS } from './area.ts';
import { CodeCache } from './code-cache.ts';
import { OperationTable } from './interpreter/operation-table.ts';
import { CODE_PAGE, REGION } from './interpreter/slots.ts';

const CODE = RAM + 0x10_0000;
const LIST = RAM + 0x8_0000;

/** Calls each address of the list, ends at 0, with what they did to a0. */
const CALLER = `
    li a0, 0
    li s0, ${LIST}
  again:
    ld t0, (s0)
    addi s0, s0, 8
    beqz t0, end
    jalr t0
    j again
  end:
    ${FINISH}`;

/** a0 = a0 * 3 + `value`; 12 bytes, or 10 with a compressed return. */
function callee(value: number): string {
  return `sh1add a0, a0, a0\n addi a0, a0, ${value}\n c.jr ra`;
}

class CallBed extends HartBed {
  constructor(codePages: number) {
    super({ codePages });
    this.load(CALLER);
  }

  place(address: number, value: number): void {
    this.load(callee(value), address);
  }

  call(addresses: readonly number[]): bigint {
    for (const [index, address] of [...addresses, 0].entries())
      this.write64(LIST + index * 8, BigInt(address));
    this.pc = BigInt(RAM);
    this.finish();
    return this.x('a0');
  }
}

/** Begins of callees that fit in their page, or whose first or second instruction lies on its end. */
const offset = fc.oneof(
  fc.integer({ min: 0, max: 2040 }).map((halfword) => halfword * 2),
  fc.constantFrom(4082, 4084, 4086, 4088, 4090, 4092, 4094),
);

describe('the decoded-instruction cache', () => {
  test.each([2, 3, 5])(
    'of %i pages runs code on more pages than it has, as it stands after every fence.i',
    (codePages) => {
      const functions = fc.array(offset, { minLength: 2, maxLength: 10 });
      const rounds = fc.array(
        fc.record({
          changes: fc.array(fc.tuple(fc.nat(9), fc.integer({ min: -2048, max: 2047 })), { maxLength: 4 }),
          calls: fc.array(fc.nat(9), { minLength: 1, maxLength: 40 }),
        }),
        { minLength: 1, maxLength: 4 },
      );
      const bed = new CallBed(codePages);
      const property = fc.property(functions, rounds, (offsets, list) => {
        // Every other page, so that what crosses into the next page meets no other function.
        const places = offsets.map((at, index) => CODE + index * 2 * PAGE + at);
        const values = offsets.map((_, index) => index);
        for (const [index, place] of places.entries()) bed.place(place, values[index] ?? 0);
        for (const { changes, calls } of list) {
          for (const [which, value] of changes) {
            const index = which % places.length;
            values[index] = value;
            bed.place(places[index] ?? 0, value);
          }
          bed.hart.fenceI();
          const called = calls.map((which) => which % places.length);
          const expected = called.reduce(
            (sum, which) => BigInt.asUintN(64, sum * 3n + BigInt(values[which] ?? 0)),
            0n,
          );
          expect(bed.call(called.map((which) => places[which] ?? 0))).toBe(expected);
        }
      });
      fc.assert(property, { numRuns: 100 });
    },
  );

  test('jumps reach every halfword of their page and the pages around it', () => {
    const bed = new HartBed();
    const place = fc.integer({ min: 0, max: 3 * 2048 - 8 }).map((halfword) => halfword * 2);
    const edges = fc.constantFrom(4094, 4096, 4098, 8190, 8192, 8194, 4092, 8188);
    const anywhere = fc.oneof(place, edges);
    const property = fc.property(anywhere, anywhere, fc.boolean(), (from, to, branch) => {
      fc.pre(Math.abs(from - to) >= 8 && (!branch || Math.abs(from - to) < 4000));
      bed.bytes.fill(0, bed.hostOf(CODE), bed.hostOf(CODE) + 4 * PAGE);
      const distance = to - from;
      bed.load(branch ? `beq x0, x0, . + ${distance}` : `jal x0, . + ${distance}`, CODE + from);
      bed.load('li a0, 77\njr a2', CODE + to);
      bed.load(`la t0, end\n csrw mtvec, t0\n la a2, good\n li a0, 0\n li t0, ${CODE + from}\n jr t0
        .balign 4\nend: li a0, 1\ngood: ${FINISH}`);
      bed.hart.fenceI();
      bed.pc = BigInt(RAM);
      expect(bed.finish()).toBe(77);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('code that changes', () => {
  const NEW = new DataView(assemble('addi a0, a0, 100').bytes.buffer).getInt32(0, true);

  /** Runs a loop body three times, of which the first changes an instruction of it. */
  function changing(fence: string, body: string): HartBed {
    const bed = new HartBed().load(`
      li a0, 0
      li s0, 3
      li t1, ${NEW}
      la t0, changed
      j body
    again:
      addi s0, s0, -1
      beqz s0, done
      sh t1, (t0)
      srli t2, t1, 16
      sh t2, 2(t0)
      ${fence}
      j body
    done:
      ${FINISH}
    ${body}`);
    return bed;
  }
  const inPage = '.balign 4\nbody: nop\nchanged: addi a0, a0, 1\nj again';
  const across = '.balign 4096\nbody: j 1f\n.org 8190\n1:\nchanged: addi a0, a0, 1\nj again';

  test.each([
    ['within a page', inPage],
    ['across two pages', across],
  ])('is seen after fence.i %s', (_, body) => {
    expect(changing('fence.i', body).finish()).toBe(201);
  });

  test.each([
    ['within a page', inPage],
    ['across two pages', across],
  ])('is seen whole or not at all without fence.i %s', (_, body) => {
    const steps = [1, 100];
    const sums = steps.flatMap((second) => steps.map((third) => 1 + second + third));
    expect(sums).toContain(changing('nop', body).finish());
  });

  test('only in the second page of an instruction', () => {
    // addi a0, a0, 1 becomes addi a0, a0, 100: only the upper halfword differs.
    const bed = changing('fence.i', across);
    expect(NEW & 0xffff).toBe(new DataView(assemble('addi a0, a0, 1').bytes.buffer).getUint16(0, true));
    expect(bed.finish()).toBe(201);
  });

  test('is seen by a hart that is asked to', () => {
    const bed = new HartBed().load('1: addi a0, a0, 1\nj 1b');
    bed.run(1000);
    bed.load('1: addi a1, a1, 1\nj 1b');
    bed.run(1000);
    expect(bed.x('a1')).toBe(0n);
    bed.hart.fenceI();
    bed.run(1000);
    expect(bed.x('a1')).toBeGreaterThan(100n);
  });

  test('is seen after a reset', () => {
    const bed = new HartBed().load('1: addi a0, a0, 1\nj 1b');
    bed.run(1000);
    bed.load('1: addi a1, a1, 1\nj 1b');
    bed.hart.reset();
    bed.pc = BigInt(RAM);
    bed.run(1000);
    expect(bed.x('a1')).toBeGreaterThan(100n);
  });
});

describe('the end of RAM', () => {
  test('an instruction may lie there, and the next one faults', () => {
    const bed = new HartBed();
    const end = RAM + bed.ramBytes;
    bed.load('li a0, 5', end - 4);
    bed.load(`la t0, end\n csrw mtvec, t0\n li t0, ${end - 4}\n jr t0\n .balign 4\nend: ${FINISH}`);
    expect(bed.finish()).toBe(5);
    expect(bed.csr('mcause')).toBe(1n);
    expect(bed.csr('mepc')).toBe(BigInt(end));
  });

  test('an instruction that goes beyond it faults', () => {
    const bed = new HartBed();
    const end = RAM + bed.ramBytes;
    bed.write16(end - 2, 0x0513);
    bed.load(`la t0, end\n csrw mtvec, t0\n li t0, ${end - 2}\n jr t0\n .balign 4\nend: ${FINISH}`);
    bed.finish();
    expect(bed.csr('mcause')).toBe(1n);
    expect([bed.csr('mepc'), bed.csr('mtval')]).toEqual([BigInt(end - 2), BigInt(end)]);
  });
});

test('slots aside are not those of instructions that straddle pages', () => {
  const pages = 3;
  const base = PAGE;
  const memory = new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true });
  const code = new CodeCache({
    ...{ base, pages, ram: new GuestMemory(memory, { base: RAM, size: PAGE, offset: 0x4_0000 }) },
    operations: OperationTable.ofIds(0),
    decode: createDecoder({ extensions: new Set(['i']), xlen: 64 }),
    samePage: () => true,
    onEvict: () => undefined,
    onChange: () => undefined,
  });
  for (let page = 0; page < pages; page++) {
    expect(code.isStraddling(base + page * CODE_PAGE.bytes + CODE_PAGE.straddling)).toBe(true);
    expect(code.isStraddling(base + page * CODE_PAGE.bytes)).toBe(false);
  }
  for (let region = 0; region < REGION_RECORDS; region++) {
    const aside = base + codeCache(pages).bytes + region * REGION.bytes + REGION.aside;
    if (code.isStraddling(aside)) throw new Error(`that of region ${region} is`);
  }
});

test('a branch to another page has another slot than one of the same encoding within a page', () => {
  const skip = (count: number) => 'nop\n.balign 256\n'.repeat(count);
  const bed = new HartBed({ engine: 'interp' }).load(`
    .option norvc
    li a0, 1
    j start
    ${skip(10)}
    nop
  near:
    addi a0, a0, 2
    j again
    ${skip(3)}
  start:
    beq zero, zero, near
    ${skip(1)}
    nop
  far:
    addi a0, a0, 4
    ${FINISH}
    ${skip(3)}
  again:
    beq zero, zero, far`);
  const encoding = (offset: number) => bed.read64(RAM + offset) & 0xffff_ffffn;
  expect(encoding(0xd00)).toBe(encoding(0x1100));
  expect(bed.finish(1000)).toBe(7);
});
