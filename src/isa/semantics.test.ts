import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Expr, type FunctionBuilder, ModuleBuilder, type ValType } from '../wasm/index.ts';
import type { FloatSemantics, MemorySemantics, Semantics } from './index.ts';
import { effectsOf, instructionNamed, instructionsFor } from './index.ts';

/** Operands as unsigned 64-bit integers, but the immediate signed. */
interface Inputs {
  readonly a: bigint;
  readonly b: bigint;
  readonly imm: bigint;
  readonly pc: bigint;
}

const absent = (): never => {
  throw new Error('not part of a pure instruction');
};

/** A back end for pure instructions: operands are parameters of a function, its result is rd. */
function parameters(f: FunctionBuilder): Semantics {
  return {
    rs1: f.param(0, 'i64'),
    rs2: f.param(1, 'i64'),
    imm: f.param(2, 'i64'),
    pc: f.param(3, 'i64'),
    get nextPc() {
      return absent();
    },
    rd: { set: (value) => f.return(value) },
    get float(): FloatSemantics {
      return absent();
    },
    get memory(): MemorySemantics {
      return absent();
    },
    let: <T extends ValType>(value: Expr<T>) => f.let(value),
    branch: absent,
    jump: absent,
    jumpTo: absent,
    system: absent,
  };
}

const pure = instructionsFor(64).filter((instruction) => {
  const { pure, writesRd } = effectsOf(instruction);
  return pure && writesRd;
});

function compile(): ReadonlyMap<string, (inputs: Inputs) => bigint> {
  const module = new ModuleBuilder({ minimum: 1, maximum: 1 });
  for (const { name, semantics } of pure) {
    module.function(
      name,
      ['i64', 'i64', 'i64', 'i64'],
      'i64',
      (f) => {
        semantics(parameters(f));
        f.unreachable();
      },
      true,
    );
  }
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.toBytes()), { env: { memory } });
  return new Map(
    pure.map(({ name }) => {
      const run = exports[name];
      if (typeof run !== 'function') throw new Error(`${name} is not exported`);
      return [name, ({ a, b, imm, pc }) => BigInt.asUintN(64, run(a, b, imm, pc))];
    }),
  );
}

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const signedWord = (value: bigint): bigint => BigInt.asIntN(32, value);
const unsignedWord = (value: bigint): bigint => BigInt.asUintN(32, value);
const flag = (condition: boolean): bigint => (condition ? 1n : 0n);
const pick = (condition: boolean, yes: bigint, no: bigint): bigint => (condition ? yes : no);

/** Division as the M chapter's table has it, on values of one signedness. */
const quotient = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

/** The bits of a value, the lowest first. */
const bitsOf = (value: bigint, width: number): string[] =>
  [...value.toString(2).padStart(width, '0')].reverse();
const fromBits = (bits: readonly string[]): bigint => BigInt(`0b${bits.toReversed().join('')}`);
const run = (bits: readonly string[]): bigint =>
  BigInt(bits.indexOf('1') < 0 ? bits.length : bits.indexOf('1'));
const ones = (bits: readonly string[]): bigint => BigInt(bits.filter((bit) => bit === '1').length);

function rotateLeft(value: bigint, by: bigint, width: number): bigint {
  const amount = Number(by % BigInt(width));
  const bits = bitsOf(value, width);
  return fromBits([...bits.slice(width - amount), ...bits.slice(0, width - amount)]);
}

const rotateRight = (value: bigint, by: bigint, width: number): bigint =>
  rotateLeft(value, BigInt(width) - (by % BigInt(width)), width);

const bytesOf = (value: bigint): bigint[] =>
  Array.from({ length: 8 }, (_, index) => (value >> BigInt(index * 8)) & 0xffn);
const fromBytes = (bytes: readonly bigint[]): bigint =>
  bytes.reduce((sum, byte, index) => sum | (byte << BigInt(index * 8)), 0n);

const bit = (index: bigint): bigint => 1n << (index & 63n);

/** What each instruction computes, in exact integers; results are taken modulo 2^64. */
const models: Readonly<Record<string, (inputs: Inputs) => bigint>> = {
  lui: ({ imm }) => imm,
  auipc: ({ imm, pc }) => pc + imm,
  addi: ({ a, imm }) => a + imm,
  slti: ({ a, imm }) => flag(signed(a) < imm),
  sltiu: ({ a, imm }) => flag(a < BigInt.asUintN(64, imm)),
  xori: ({ a, imm }) => a ^ imm,
  ori: ({ a, imm }) => a | imm,
  andi: ({ a, imm }) => a & imm,
  slli: ({ a, imm }) => a * 2n ** (imm & 63n),
  srli: ({ a, imm }) => a / 2n ** (imm & 63n),
  srai: ({ a, imm }) => signed(a) >> (imm & 63n),
  add: ({ a, b }) => a + b,
  sub: ({ a, b }) => a - b,
  sll: ({ a, b }) => a * 2n ** (b & 63n),
  slt: ({ a, b }) => flag(signed(a) < signed(b)),
  sltu: ({ a, b }) => flag(a < b),
  xor: ({ a, b }) => a ^ b,
  srl: ({ a, b }) => a / 2n ** (b & 63n),
  sra: ({ a, b }) => signed(a) >> (b & 63n),
  or: ({ a, b }) => a | b,
  and: ({ a, b }) => a & b,
  addiw: ({ a, imm }) => signedWord(a + imm),
  slliw: ({ a, imm }) => signedWord(a << (imm & 31n)),
  srliw: ({ a, imm }) => signedWord(unsignedWord(a) >> (imm & 31n)),
  sraiw: ({ a, imm }) => signedWord(a) >> (imm & 31n),
  addw: ({ a, b }) => signedWord(a + b),
  subw: ({ a, b }) => signedWord(a - b),
  sllw: ({ a, b }) => signedWord(a << (b & 31n)),
  srlw: ({ a, b }) => signedWord(unsignedWord(a) >> (b & 31n)),
  sraw: ({ a, b }) => signedWord(a) >> (b & 31n),

  mul: ({ a, b }) => a * b,
  mulh: ({ a, b }) => (signed(a) * signed(b)) >> 64n,
  mulhsu: ({ a, b }) => (signed(a) * b) >> 64n,
  mulhu: ({ a, b }) => (a * b) >> 64n,
  mulw: ({ a, b }) => signedWord(a * b),
  div: ({ a, b }) => quotient(signed(a), signed(b)),
  divu: ({ a, b }) => quotient(a, b),
  rem: ({ a, b }) => remainder(signed(a), signed(b)),
  remu: ({ a, b }) => remainder(a, b),
  divw: ({ a, b }) => signedWord(quotient(signedWord(a), signedWord(b))),
  divuw: ({ a, b }) => signedWord(quotient(unsignedWord(a), unsignedWord(b))),
  remw: ({ a, b }) => signedWord(remainder(signedWord(a), signedWord(b))),
  remuw: ({ a, b }) => signedWord(remainder(unsignedWord(a), unsignedWord(b))),

  'add.uw': ({ a, b }) => unsignedWord(a) + b,
  'slli.uw': ({ a, imm }) => unsignedWord(a) << (imm & 63n),
  sh1add: ({ a, b }) => 2n * a + b,
  sh2add: ({ a, b }) => 4n * a + b,
  sh3add: ({ a, b }) => 8n * a + b,
  'sh1add.uw': ({ a, b }) => 2n * unsignedWord(a) + b,
  'sh2add.uw': ({ a, b }) => 4n * unsignedWord(a) + b,
  'sh3add.uw': ({ a, b }) => 8n * unsignedWord(a) + b,

  andn: ({ a, b }) => a & ~b,
  orn: ({ a, b }) => a | ~b,
  xnor: ({ a, b }) => ~(a ^ b),
  max: ({ a, b }) => pick(signed(a) < signed(b), b, a),
  maxu: ({ a, b }) => pick(a < b, b, a),
  min: ({ a, b }) => pick(signed(a) < signed(b), a, b),
  minu: ({ a, b }) => pick(a < b, a, b),
  clz: ({ a }) => run(bitsOf(a, 64).reverse()),
  ctz: ({ a }) => run(bitsOf(a, 64)),
  cpop: ({ a }) => ones(bitsOf(a, 64)),
  clzw: ({ a }) => run(bitsOf(unsignedWord(a), 32).reverse()),
  ctzw: ({ a }) => run(bitsOf(unsignedWord(a), 32)),
  cpopw: ({ a }) => ones(bitsOf(unsignedWord(a), 32)),
  rol: ({ a, b }) => rotateLeft(a, b, 64),
  ror: ({ a, b }) => rotateRight(a, b, 64),
  rori: ({ a, imm }) => rotateRight(a, imm & 63n, 64),
  rolw: ({ a, b }) => signedWord(rotateLeft(unsignedWord(a), b, 32)),
  rorw: ({ a, b }) => signedWord(rotateRight(unsignedWord(a), b, 32)),
  roriw: ({ a, imm }) => signedWord(rotateRight(unsignedWord(a), imm & 31n, 32)),
  'sext.b': ({ a }) => BigInt.asIntN(8, a),
  'sext.h': ({ a }) => BigInt.asIntN(16, a),
  'zext.h': ({ a }) => BigInt.asUintN(16, a),
  'orc.b': ({ a }) => fromBytes(bytesOf(a).map((byte) => (byte === 0n ? 0n : 0xffn))),
  rev8: ({ a }) => fromBytes(bytesOf(a).reverse()),

  bclr: ({ a, b }) => a & ~bit(b),
  bclri: ({ a, imm }) => a & ~bit(imm),
  bext: ({ a, b }) => flag((a & bit(b)) !== 0n),
  bexti: ({ a, imm }) => flag((a & bit(imm)) !== 0n),
  binv: ({ a, b }) => a ^ bit(b),
  binvi: ({ a, imm }) => a ^ bit(imm),
  bset: ({ a, b }) => a | bit(b),
  bseti: ({ a, imm }) => a | bit(imm),
};

/** Any value, and often one near the ends of the 8-, 16-, 32- and 64-bit ranges or with few bits. */
const values = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc
    .tuple(fc.constantFrom(0n, 8n, 16n, 31n, 32n, 63n, 64n), fc.bigInt({ min: -3n, max: 3n }), fc.boolean())
    .map(([exponent, offset, negative]) =>
      BigInt.asUintN(64, (negative ? -1n : 1n) * 2n ** exponent + offset),
    ),
  fc.array(fc.constantFrom(0n, 0n, 1n, 0x80n, 0xffn), { minLength: 8, maxLength: 8 }).map(fromBytes),
);

describe('pure instructions compute what exact integers do', () => {
  const compiled = compile();

  test('all of them have a model', () => {
    expect(Object.keys(models).toSorted()).toEqual(pure.map(({ name }) => name).toSorted());
  });

  test.each(Object.entries(models))('%s', (name, model) => {
    const evaluate = compiled.get(name);
    if (evaluate === undefined) throw new Error(`${name} was not compiled`);
    const { min, max, step } = instructionNamed(name).format.immediate;
    const immediates = fc.integer({ min: min / step, max: max / step }).map((steps) => BigInt(steps * step));
    fc.assert(
      fc.property(values, values, immediates, values, (a, b, imm, pc) => {
        const inputs = { a, b, imm, pc };
        expect(evaluate(inputs)).toBe(BigInt.asUintN(64, model(inputs)));
      }),
      { numRuns: 500 },
    );
  });
});
