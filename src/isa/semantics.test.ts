import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  aesByte,
  aesHalf,
  aesKeyRound,
  aesKeySums,
  aesUnmixed,
  sm3Permutation,
  sm4Byte,
} from '../../test/isa/ciphers.ts';
import {
  type Expr,
  type FunctionBuilder,
  type I64,
  i64,
  ModuleBuilder,
  type ValType,
} from '../wasm/index.ts';
import { moduleText } from '../wasm/text.ts';
import type { FloatSemantics, Instruction, MemorySemantics, Semantics, Xlen } from './index.ts';
import { effectsOf, emitSemantics, instructionNamed, instructionsFor } from './index.ts';

/** Operands as unsigned integers of XLEN bits, but the immediate signed. */
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
    rd: {
      get value() {
        return absent();
      },
      set: (value) => f.return(value),
    },
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
    pause: absent,
    system: absent,
  };
}

const widths = [32, 64] as const;

function pureInstructions(xlen: Xlen): readonly Instruction[] {
  return instructionsFor(xlen).filter((instruction) => {
    const { pure, writesRd } = effectsOf(instruction);
    return pure && writesRd;
  });
}

/** A module with a function for each instruction. */
function moduleOf(
  xlen: Xlen,
  instructions: readonly Instruction[],
  backEnd: (f: FunctionBuilder) => Semantics,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ minimum: 1, maximum: 1 });
  for (const instruction of instructions) {
    module.function(
      instruction.name,
      ['i64', 'i64', 'i64', 'i64'],
      'i64',
      (f) => {
        emitSemantics(instruction, backEnd(f), xlen);
        f.unreachable();
      },
      true,
    );
  }
  return module.toBytes();
}

/** Each instruction as a function of its inputs; results are unsigned. */
function compile(
  xlen: Xlen,
  instructions: readonly Instruction[],
  backEnd: (f: FunctionBuilder) => Semantics,
): ReadonlyMap<string, (inputs: Inputs) => bigint> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const compiled = new WebAssembly.Module(moduleOf(xlen, instructions, backEnd));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  const register = (value: bigint): bigint => BigInt.asIntN(xlen, value);
  return new Map(
    instructions.map(({ name }) => {
      const run = exports[name];
      if (typeof run !== 'function') throw new Error(`${name} is not exported`);
      return [name, ({ a, b, imm, pc }) => BigInt.asUintN(64, run(register(a), register(b), imm, pc))];
    }),
  );
}

/** A result as a register of 64 bits holds it: sign-extended from XLEN, and then unsigned. */
const inRegister = (xlen: Xlen, value: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(xlen, value));

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

const bytesOf = (value: bigint, width: number): bigint[] =>
  Array.from({ length: width / 8 }, (_, index) => (value >> BigInt(index * 8)) & 0xffn);
const fromBytes = (bytes: readonly bigint[]): bigint =>
  bytes.reduce((sum, byte, index) => sum | (byte << BigInt(index * 8)), 0n);

function carryless(a: bigint, b: bigint): bigint {
  return bitsOf(b, 64).reduce((sum, bit, index) => (bit === '1' ? sum ^ (a << BigInt(index)) : sum), 0n);
}

/** Digits of `table` in the order of the digits of `indices`. */
function permuted(table: bigint, indices: bigint, xlen: number, digitBits: number): bigint {
  const digit = (value: bigint, index: number): bigint =>
    BigInt.asUintN(digitBits, value >> BigInt(index * digitBits));
  return Array.from({ length: xlen / digitBits }, (_, at) => {
    const index = Number(digit(indices, at));
    return (index * digitBits < xlen ? digit(table, index) : 0n) << BigInt(at * digitBits);
  }).reduce((sum, part) => sum | part);
}

/** A function of SHA-2 (FIPS 180-4, 4.1.2 and 4.1.3): rotations to the right, and of a small sigma a shift. */
function mixed(value: bigint, width: number, rotations: readonly bigint[], shift?: bigint): bigint {
  const rotated = rotations.map((by) => rotateRight(value, by, width));
  return [...rotated, shift === undefined ? 0n : value >> shift].reduce((sum, part) => sum ^ part);
}

const SHA512 = {
  sum0: (value: bigint) => mixed(value, 64, [28n, 34n, 39n]),
  sum1: (value: bigint) => mixed(value, 64, [14n, 18n, 41n]),
  sig0: (value: bigint) => mixed(value, 64, [1n, 8n], 7n),
  sig1: (value: bigint) => mixed(value, 64, [19n, 61n], 6n),
};

type Models = Readonly<Record<string, (inputs: Inputs) => bigint>>;

const sha512Models: Models = {
  sha512sum0: ({ a }) => SHA512.sum0(a),
  sha512sum1: ({ a }) => SHA512.sum1(a),
  sha512sig0: ({ a }) => SHA512.sig0(a),
  sha512sig1: ({ a }) => SHA512.sig1(a),
};

/** On RV32 rs1 has the half that is computed: for the sums, which are rotations, either is as good as the other. */
const lower = ({ a, b }: Inputs): bigint => (b << 32n) | a;
const upper = ({ a, b }: Inputs): bigint => (a << 32n) | b;

const sha512HalfModels: Models = {
  sha512sum0r: (inputs) => SHA512.sum0(lower(inputs)),
  sha512sum1r: (inputs) => SHA512.sum1(lower(inputs)),
  sha512sig0l: (inputs) => SHA512.sig0(lower(inputs)),
  sha512sig0h: (inputs) => SHA512.sig0(upper(inputs)) >> 32n,
  sha512sig1l: (inputs) => SHA512.sig1(lower(inputs)),
  sha512sig1h: (inputs) => SHA512.sig1(upper(inputs)) >> 32n,
};

const aesModels: Models = {
  aes64es: ({ a, b }) => aesHalf(a, b, { forward: true, mix: false }),
  aes64esm: ({ a, b }) => aesHalf(a, b, { forward: true, mix: true }),
  aes64ds: ({ a, b }) => aesHalf(a, b, { forward: false, mix: false }),
  aes64dsm: ({ a, b }) => aesHalf(a, b, { forward: false, mix: true }),
  aes64im: ({ a }) => aesUnmixed(a),
  aes64ks1i: ({ a, imm }) => aesKeyRound(a, Number(imm)),
  aes64ks2: ({ a, b }) => aesKeySums(a, b),
};

const aesByteModels: Models = {
  aes32esi: ({ a, b, imm }) => aesByte(a, b, Number(imm), { forward: true, mix: false }),
  aes32esmi: ({ a, b, imm }) => aesByte(a, b, Number(imm), { forward: true, mix: true }),
  aes32dsi: ({ a, b, imm }) => aesByte(a, b, Number(imm), { forward: false, mix: false }),
  aes32dsmi: ({ a, b, imm }) => aesByte(a, b, Number(imm), { forward: false, mix: true }),
};

/** The result of each instruction of both widths, in exact integers; results are taken modulo 2^XLEN. */
function modelsOf(xlen: Xlen): Models {
  const bits = BigInt(xlen);
  const last = bits - 1n;
  const signed = (value: bigint): bigint => BigInt.asIntN(xlen, value);
  const bit = (index: bigint): bigint => 1n << (index & last);
  return {
    lui: ({ imm }) => imm,
    auipc: ({ imm, pc }) => pc + imm,
    addi: ({ a, imm }) => a + imm,
    slti: ({ a, imm }) => flag(signed(a) < imm),
    sltiu: ({ a, imm }) => flag(a < BigInt.asUintN(xlen, imm)),
    xori: ({ a, imm }) => a ^ imm,
    ori: ({ a, imm }) => a | imm,
    andi: ({ a, imm }) => a & imm,
    slli: ({ a, imm }) => a * 2n ** (imm & last),
    srli: ({ a, imm }) => a / 2n ** (imm & last),
    srai: ({ a, imm }) => signed(a) >> (imm & last),
    add: ({ a, b }) => a + b,
    sub: ({ a, b }) => a - b,
    sll: ({ a, b }) => a * 2n ** (b & last),
    slt: ({ a, b }) => flag(signed(a) < signed(b)),
    sltu: ({ a, b }) => flag(a < b),
    xor: ({ a, b }) => a ^ b,
    srl: ({ a, b }) => a / 2n ** (b & last),
    sra: ({ a, b }) => signed(a) >> (b & last),
    or: ({ a, b }) => a | b,
    and: ({ a, b }) => a & b,

    mul: ({ a, b }) => a * b,
    mulh: ({ a, b }) => (signed(a) * signed(b)) >> bits,
    mulhsu: ({ a, b }) => (signed(a) * b) >> bits,
    mulhu: ({ a, b }) => (a * b) >> bits,
    div: ({ a, b }) => quotient(signed(a), signed(b)),
    divu: ({ a, b }) => quotient(a, b),
    rem: ({ a, b }) => remainder(signed(a), signed(b)),
    remu: ({ a, b }) => remainder(a, b),

    sh1add: ({ a, b }) => 2n * a + b,
    sh2add: ({ a, b }) => 4n * a + b,
    sh3add: ({ a, b }) => 8n * a + b,

    andn: ({ a, b }) => a & ~b,
    orn: ({ a, b }) => a | ~b,
    xnor: ({ a, b }) => ~(a ^ b),
    max: ({ a, b }) => pick(signed(a) < signed(b), b, a),
    maxu: ({ a, b }) => pick(a < b, b, a),
    min: ({ a, b }) => pick(signed(a) < signed(b), a, b),
    minu: ({ a, b }) => pick(a < b, a, b),
    clz: ({ a }) => run(bitsOf(a, xlen).reverse()),
    ctz: ({ a }) => run(bitsOf(a, xlen)),
    cpop: ({ a }) => ones(bitsOf(a, xlen)),
    rol: ({ a, b }) => rotateLeft(a, b, xlen),
    ror: ({ a, b }) => rotateRight(a, b, xlen),
    rori: ({ a, imm }) => rotateRight(a, imm & last, xlen),
    'sext.b': ({ a }) => BigInt.asIntN(8, a),
    'sext.h': ({ a }) => BigInt.asIntN(16, a),
    'zext.h': ({ a }) => BigInt.asUintN(16, a),
    'orc.b': ({ a }) => fromBytes(bytesOf(a, xlen).map((byte) => (byte === 0n ? 0n : 0xffn))),
    rev8: ({ a }) => fromBytes(bytesOf(a, xlen).reverse()),

    clmul: ({ a, b }) => carryless(a, b),
    clmulh: ({ a, b }) => carryless(a, b) >> bits,
    clmulr: ({ a, b }) => carryless(a, b) >> last,
    pack: ({ a, b }) => BigInt.asUintN(xlen / 2, a) | (b << BigInt(xlen / 2)),
    packh: ({ a, b }) => (a & 0xffn) | ((b & 0xffn) << 8n),
    brev8: ({ a }) => fromBytes(bytesOf(a, xlen).map((byte) => fromBits(bitsOf(byte, 8).reverse()))),
    xperm4: ({ a, b }) => permuted(a, b, xlen, 4),
    xperm8: ({ a, b }) => permuted(a, b, xlen, 8),

    sha256sum0: ({ a }) => BigInt.asIntN(32, mixed(BigInt.asUintN(32, a), 32, [2n, 13n, 22n])),
    sha256sum1: ({ a }) => BigInt.asIntN(32, mixed(BigInt.asUintN(32, a), 32, [6n, 11n, 25n])),
    sha256sig0: ({ a }) => BigInt.asIntN(32, mixed(BigInt.asUintN(32, a), 32, [7n, 18n], 3n)),
    sha256sig1: ({ a }) => BigInt.asIntN(32, mixed(BigInt.asUintN(32, a), 32, [17n, 19n], 10n)),
    ...(xlen === 64 ? sha512Models : sha512HalfModels),
    ...(xlen === 64 ? aesModels : aesByteModels),
    ...Object.fromEntries(
      (['sm4ed', 'sm4ks'] as const).map((name) => [
        name,
        ({ a, b, imm }: Inputs) => signedWord(sm4Byte(name, a, b, Number(imm))),
      ]),
    ),
    sm3p0: ({ a }) => signedWord(sm3Permutation(unsignedWord(a), 9, 17)),
    sm3p1: ({ a }) => signedWord(sm3Permutation(unsignedWord(a), 15, 23)),

    'czero.eqz': ({ a, b }) => pick(b === 0n, 0n, a),
    'czero.nez': ({ a, b }) => pick(b === 0n, a, 0n),
    ...Object.fromEntries(Array.from({ length: 32 }, (_, number) => [`mop.r.${number}`, () => 0n])),
    ...Object.fromEntries(Array.from({ length: 8 }, (_, number) => [`mop.rr.${number}`, () => 0n])),

    bclr: ({ a, b }) => a & ~bit(b),
    bclri: ({ a, imm }) => a & ~bit(imm),
    bext: ({ a, b }) => flag((a & bit(b)) !== 0n),
    bexti: ({ a, imm }) => flag((a & bit(imm)) !== 0n),
    binv: ({ a, b }) => a ^ bit(b),
    binvi: ({ a, imm }) => a ^ bit(imm),
    bset: ({ a, b }) => a | bit(b),
    bseti: ({ a, imm }) => a | bit(imm),
  };
}

/** Those that RV64 has besides: on words. */
const wordModels: Models = {
  addiw: ({ a, imm }) => signedWord(a + imm),
  slliw: ({ a, imm }) => signedWord(a << (imm & 31n)),
  srliw: ({ a, imm }) => signedWord(unsignedWord(a) >> (imm & 31n)),
  sraiw: ({ a, imm }) => signedWord(a) >> (imm & 31n),
  addw: ({ a, b }) => signedWord(a + b),
  subw: ({ a, b }) => signedWord(a - b),
  sllw: ({ a, b }) => signedWord(a << (b & 31n)),
  srlw: ({ a, b }) => signedWord(unsignedWord(a) >> (b & 31n)),
  sraw: ({ a, b }) => signedWord(a) >> (b & 31n),
  mulw: ({ a, b }) => signedWord(a * b),
  divw: ({ a, b }) => signedWord(quotient(signedWord(a), signedWord(b))),
  divuw: ({ a, b }) => signedWord(quotient(unsignedWord(a), unsignedWord(b))),
  remw: ({ a, b }) => signedWord(remainder(signedWord(a), signedWord(b))),
  remuw: ({ a, b }) => signedWord(remainder(unsignedWord(a), unsignedWord(b))),
  'add.uw': ({ a, b }) => unsignedWord(a) + b,
  'slli.uw': ({ a, imm }) => unsignedWord(a) << (imm & 63n),
  'sh1add.uw': ({ a, b }) => 2n * unsignedWord(a) + b,
  'sh2add.uw': ({ a, b }) => 4n * unsignedWord(a) + b,
  'sh3add.uw': ({ a, b }) => 8n * unsignedWord(a) + b,
  packw: ({ a, b }) => signedWord((a & 0xffffn) | (b << 16n)),
  clzw: ({ a }) => run(bitsOf(unsignedWord(a), 32).reverse()),
  ctzw: ({ a }) => run(bitsOf(unsignedWord(a), 32)),
  cpopw: ({ a }) => ones(bitsOf(unsignedWord(a), 32)),
  rolw: ({ a, b }) => signedWord(rotateLeft(unsignedWord(a), b, 32)),
  rorw: ({ a, b }) => signedWord(rotateRight(unsignedWord(a), b, 32)),
  roriw: ({ a, imm }) => signedWord(rotateRight(unsignedWord(a), imm & 31n, 32)),
};

/** Those that RV32 has alone. */
const zipModels: Models = {
  zip: ({ a }) => fromBits(bitsOf(a, 32).map((_, at, all) => all[(at >> 1) + 16 * (at & 1)] ?? '')),
  unzip: ({ a }) => fromBits(bitsOf(a, 32).map((_, at, all) => all[2 * (at % 16) + (at >> 4)] ?? '')),
};

const models = { 32: { ...modelsOf(32), ...zipModels }, 64: { ...modelsOf(64), ...wordModels } };

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

const immediatesOf = ({ format }: Instruction) => {
  const { min, max, step } = format.immediate;
  return fc.integer({ min: min / step, max: max / step }).map((steps) => BigInt(steps * step));
};

/** Inputs of an instruction: `values` cut to the width. */
const inputsOf = (xlen: Xlen, instruction: Instruction) => {
  const value = values.map((any) => BigInt.asUintN(xlen, any));
  return fc.record({ a: value, b: value, imm: immediatesOf(instruction), pc: value });
};

describe.each(widths)('pure instructions of RV%i compute what exact integers do', (xlen) => {
  const pure = pureInstructions(xlen);
  const compiled = compile(xlen, pure, parameters);

  test('all of them have a model', () => {
    expect(Object.keys(models[xlen]).toSorted()).toEqual(pure.map(({ name }) => name).toSorted());
  });

  test('take the same way for all values, but divisions (Zkt)', () => {
    const listed = pure.filter(({ name }) => !/^(div|rem)/.test(name));
    const text = moduleText(moduleOf(xlen, listed, parameters));
    expect(text).toMatch(/i64.mul/);
    expect(text).not.toMatch(/\b(if|br|br_if|br_table|loop|call|div_[su]|rem_[su])\b/);
    expect(moduleText(moduleOf(xlen, pure, parameters))).toMatch(/\bdiv_s\b/);
  });

  test.each(Object.entries(models[xlen]))('%s', (name, model) => {
    const evaluate = compiled.get(name);
    if (evaluate === undefined) throw new Error(`${name} was not compiled`);
    fc.assert(
      fc.property(inputsOf(xlen, instructionNamed(name, xlen)), (inputs) => {
        expect(evaluate(inputs)).toBe(inRegister(xlen, model(inputs)));
      }),
      { numRuns: 500 },
    );
  });
});

test('words come of instructions that are known to make them, and of words where they are known to be kept', () => {
  const pure = pureInstructions(64);
  const compiled = compile(64, pure, parameters);
  const isWord = (value: bigint): boolean => BigInt.asIntN(64, value) === BigInt.asIntN(32, value);
  const wordOf = (value: bigint): bigint => inRegister(32, value);
  const kinds = { made: 0, kept: 0 };
  for (const instruction of pure) {
    const { makesWord, keepsWords } = effectsOf(instruction);
    if (!makesWord && !keepsWords) continue;
    kinds[makesWord ? 'made' : 'kept']++;
    fc.assert(
      fc.property(inputsOf(64, instruction), ({ a, b, imm, pc }) => {
        const inputs = makesWord ? { a, b, imm, pc } : { a: wordOf(a), b: wordOf(b), imm, pc };
        const result = compiled.get(instruction.name)?.(inputs);
        expect(isWord(result ?? 2n ** 63n), instruction.name).toBe(true);
      }),
      { numRuns: 50 },
    );
  }
  expect(kinds.made).toBeGreaterThan(15);
  expect(kinds.kept).toBeGreaterThan(5);
});

/**
 * A back end for instructions that do more than compute: returns the result, or the address, target or condition that
 * it is given. All that is loaded is `b`.
 */
function returning(what: 'result' | 'place', f: FunctionBuilder): Semantics {
  const loaded = f.param(1, 'i64');
  const place = (value: I64): void => (what === 'place' ? f.return(value) : undefined);
  const access = (address: I64): I64 => {
    place(address);
    return loaded;
  };
  return {
    rs1: f.param(0, 'i64'),
    rs2: f.param(1, 'i64'),
    imm: f.param(2, 'i64'),
    pc: f.param(3, 'i64'),
    nextPc: f.param(3, 'i64'),
    rd: { value: f.param(2, 'i64'), set: (value) => (what === 'result' ? f.return(value) : undefined) },
    get float(): FloatSemantics {
      return absent();
    },
    memory: {
      load: (_kind, address) => access(address),
      store: (_width, address) => place(address),
      amo: (_operation, _width, address) => access(address),
      compareExchange: (_width, address) => access(address),
      loadReserved: (_width, address) => access(address),
      storeConditional: (_width, address) => access(address),
      fence: absent,
    },
    let: <T extends ValType>(value: Expr<T>) => f.let(value),
    branch: (condition) => place(i64.extend_i32_u(condition)),
    jump: () => undefined,
    jumpTo: place,
    pause: absent,
    system: absent,
  };
}

function conditionsOf(xlen: Xlen): Models {
  const signed = (value: bigint): bigint => BigInt.asIntN(xlen, value);
  return {
    beq: ({ a, b }) => flag(a === b),
    bne: ({ a, b }) => flag(a !== b),
    blt: ({ a, b }) => flag(signed(a) < signed(b)),
    bge: ({ a, b }) => flag(signed(a) >= signed(b)),
    bltu: ({ a, b }) => flag(a < b),
    bgeu: ({ a, b }) => flag(a >= b),
  };
}

describe.each(widths)('other instructions of RV%i', (xlen) => {
  const others = instructionsFor(xlen).filter((instruction) => {
    const { pure, usesFloat, control, usesMemory, loads, stores } = effectsOf(instruction);
    const fences = usesMemory && !loads && !stores;
    return !(pure || usesFloat || control === 'system' || fences);
  });
  const compare = (
    what: 'result' | 'place',
    instructions: readonly Instruction[],
    expected: (name: string, inputs: Inputs) => bigint,
  ): void => {
    const compiled = compile(xlen, instructions, (f) => returning(what, f));
    for (const instruction of instructions) {
      const { name } = instruction;
      const property = fc.property(inputsOf(xlen, instruction), (inputs) => {
        expect(compiled.get(name)?.(inputs), name).toBe(expected(name, inputs));
      });
      fc.assert(property, { numRuns: 100 });
    }
  };

  test('access addresses and jump to targets of XLEN bits', () => {
    const places = others.filter((one) => effectsOf(one).usesMemory || effectsOf(one).control === 'indirect');
    expect(places.map(({ name }) => name)).toEqual(expect.arrayContaining(['lw', 'sb', 'amoadd.w', 'jalr']));
    compare('place', places, (name, { a, imm }) =>
      BigInt.asUintN(xlen, name === 'jalr' ? (a + imm) & ~1n : a + imm),
    );
  });

  test('compare registers', () => {
    const conditions = conditionsOf(xlen);
    const branches = others.filter((one) => effectsOf(one).control === 'branch');
    expect(branches.map(({ name }) => name)).toEqual(Object.keys(conditions));
    compare('place', branches, (name, inputs) => conditions[name](inputs));
  });

  test('extend results by their sign', () => {
    const writing = others.filter((one) => effectsOf(one).writesRd);
    compare('result', writing, (name, { b, pc }) => inRegister(xlen, name.startsWith('jal') ? pc : b));
  });
});
