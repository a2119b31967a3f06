import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HartBed, RAM } from '../../../test/hart/hart-bed.ts';
import { effectsOf, instructionsFor } from '../../isa/index.ts';
import { generateInterpreter } from './generate.ts';
import { isNear, numberOf, OperationTable } from './operation-table.ts';
import { operationsOf } from './operations.ts';

const DATA = RAM + 0x10_0000;
const TRAP = RAM + 0x8000;
const RD = 5;

/** The state when an instruction has been carried out and the breakpoint behind it, or a trap, was met. */
function outcome(bed: HartBed, bits: number, registers: readonly bigint[]): Record<string, unknown> {
  bed.hart.reset();
  bed.setCsr('mtvec', BigInt(TRAP));
  bed.setCsr('mstatus', 0x6000n);
  bed.load('1: j 1b', TRAP);
  bed.write32(RAM, bits);
  bed.load('ebreak', RAM + 4);
  for (let index = 0; index < 32; index++) {
    bed.setX(`x${index}`, registers[index] ?? 0n);
    bed.hart.state.f[index * 2] = Number(BigInt.asIntN(32, registers[31 - index] ?? 0n));
    bed.hart.state.f[index * 2 + 1] = -1;
  }
  // An address that every kind of access may use.
  bed.setX('x11', BigInt(DATA + 0x800));
  for (let at = DATA; at < DATA + 0x1000; at += 8) bed.write64(at, registers[(at >> 3) % 32] ?? 0n);
  bed.hart.fenceI();
  bed.pc = BigInt(RAM);
  bed.run(20);
  const { state } = bed.hart;
  const base = bed.hostOf(DATA);
  return {
    // An illegal instruction's bits are in mtval, with rd.
    trap: [bed.csr('mcause'), bed.csr('mepc'), bed.csr('mcause') === 2n ? 0n : bed.csr('mtval')],
    x: Array.from({ length: 32 }, (_, index) => (index === RD ? 0n : bed.x(`x${index}`))),
    f: [...state.f],
    flags: [bed.csr('fcsr'), bed.csr('mstatus')],
    memory: Buffer.from(bed.bytes.slice(base, base + 0x1000)).toString('latin1'),
  };
}

describe('operations', () => {
  test('with rd = x0 do all that they do otherwise, but leave x0 alone', () => {
    const bed = new HartBed();
    const candidates = instructionsFor(64).filter((instruction) => {
      const { control, writesRd } = effectsOf(instruction);
      return writesRd && control !== 'system';
    });
    expect(candidates.length).toBeGreaterThan(100);
    const register = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const values = fc.array(register, { minLength: 32, maxLength: 32 });
    const property = fc.property(
      fc.constantFrom(...candidates),
      fc.nat(),
      values,
      (instruction, random, registers) => {
        const operands = (random & ~instruction.mask & ~0xf_8f80) | (11 << 15);
        const bits = (instruction.match | operands) >>> 0;
        const discarding = outcome(bed, bits, registers);
        expect(discarding.x).toHaveProperty('0', 0n);
        expect(discarding).toEqual(outcome(bed, (bits | (RD << 7)) >>> 0, registers));
      },
    );
    fc.assert(property, { numRuns: 1500 });
  });

  test.each([32, 64] as const)('of RV%i have numbers of their own, by which slots find them', (xlen) => {
    const operations = operationsOf(xlen);
    const table = operations.table();
    for (const [index, operation] of operations.all.entries()) {
      expect(operation.number - (operations.all[0]?.number ?? 0)).toBe(index);
      const { instruction, length, near, discards } = operation;
      const entry = table.find(instruction.id, length, near, discards);
      expect([numberOf(entry), isNear(entry)]).toEqual([operation.number, near]);
    }
    // Entries of the table have 15 bits for them.
    expect(operations.all.length).toBeLessThan(2 ** 15 - 16);
  });

  test.each([
    [64, 31],
    // ld, sd and words are no instructions of RV32.
    [32, 24],
  ] as const)('of RV%i begin with the %i common ones, each of which is in the loop', (xlen, count) => {
    const { all, common } = operationsOf(xlen);
    expect(common).toHaveLength(count);
    expect(common).toEqual(all.slice(0, count));
    expect(common.every(({ inline }) => inline)).toBe(true);
  });

  test.each([32, 64] as const)('of RV%i fall back to far targets and to keeping the result', (xlen) => {
    const { all } = operationsOf(xlen);
    const table = operationsOf(xlen).table();
    for (const instruction of instructionsFor(xlen)) {
      const number = numberOf(table.find(instruction.id, 4, true, true));
      const operation = all.find((each) => each.number === number);
      if (operation === undefined) throw new Error(`${instruction.name} has no operation`);
      const { vector } = operation.instruction;
      if (instruction.vector === undefined) expect(operation.instruction).toBe(instruction);
      // All of these share one.
      else expect(vector).toBeDefined();
    }
    expect(() => table.find(-1, 4, false, false)).toThrow('has no operation');
  });

  test.each([32, 64] as const)('of RV%i are listed by the module that carries them out', (xlen) => {
    const module = new WebAssembly.Module(generateInterpreter({ minimum: 1, maximum: 65536 }, xlen));
    const listed = OperationTable.ofModule(module).toBytes();
    expect(listed).toEqual(operationsOf(xlen).table().toBytes());
  });

  test('are asked of an interpreter alone', () => {
    const empty = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    expect(() => OperationTable.ofModule(empty)).toThrow('does not list its operations');
  });
});
