import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Instruction, Operands, Xlen } from './index.ts';
import {
  compressedInstructionsFor,
  createDecoder,
  EXTENSION_NAMES,
  instructionNamed,
  instructionsFor,
} from './index.ts';

const everything = new Set(EXTENSION_NAMES);
const decoders = {
  32: createDecoder({ extensions: everything, xlen: 32 }),
  64: createDecoder({ extensions: everything, xlen: 64 }),
};
const widths = [32, 64] as const;

/** Legal operands of an instruction, those that its format lacks 0. */
function operandsOf({ format }: Instruction): fc.Arbitrary<Operands> {
  const { fields, immediate } = format;
  const value = (present: boolean, max: number) => (present ? fc.integer({ min: 0, max }) : fc.constant(0));
  const { min, max, step } = immediate;
  return fc.record({
    rd: value(fields.has('rd'), 31),
    rs1: value(fields.has('rs1'), 31),
    rs2: value(fields.has('rs2'), 31),
    rs3: value(fields.has('rs3'), 31),
    csr: value(fields.has('csr'), 0xfff),
    rm: value(fields.has('rm') || fields.has('ordering'), fields.has('rm') ? 7 : 3),
    imm: fc.integer({ min: min / step, max: max / step }).map((steps) => steps * step),
  });
}

const bitsOf = (instruction: Instruction, operands: Operands): number =>
  (instruction.match | instruction.format.encode(operands)) >>> 0;

/** More specific encodings that lie within others: what they take away from them is not a round trip. */
const inside: Readonly<Record<string, string>> = {
  'zext.h': 'pack',
  ...{ pause: 'fence', 'fence.tso': 'fence' },
  ...{ 'ntl.p1': 'add', 'ntl.pall': 'add', 'ntl.s1': 'add', 'ntl.all': 'add' },
  ...{ 'prefetch.i': 'ori', 'prefetch.r': 'ori', 'prefetch.w': 'ori' },
};

describe.each(widths)('the instruction table of RV%i', (xlen) => {
  const instructions = instructionsFor(xlen);

  test('numbers and names each instruction once', () => {
    expect(new Set(instructions.map(({ id }) => id)).size).toBe(instructions.length);
    expect(new Set(instructions.map(({ name }) => name)).size).toBe(instructions.length);
    expect(() => instructionNamed('addd', xlen)).toThrow(`no instruction of RV${xlen} is named addd`);
  });

  test.each([
    ['32-bit', instructions],
    ['16-bit', compressedInstructionsFor(xlen)],
  ])('%s encodings are disjoint, or one has all the fixed bits of the other', (_, encodings) => {
    const clashes: string[] = [];
    for (const [index, a] of encodings.entries()) {
      expect(a.match & ~a.mask, a.name).toBe(0);
      for (const b of encodings.slice(index + 1)) {
        const overlap = ((a.match ^ b.match) & a.mask & b.mask) === 0;
        const common = (a.mask & b.mask) >>> 0;
        const nested = a.mask !== b.mask && (common === a.mask || common === b.mask);
        if (overlap && !nested) clashes.push(`${a.name} and ${b.name}`);
      }
    }
    expect(clashes).toEqual([]);
  });

  test('fixed bits and operand bits do not overlap', () => {
    for (const { name, mask, format } of instructions) {
      if (name in inside) continue;
      const all = format.encode({
        rd: 31,
        rs1: 31,
        rs2: 31,
        rs3: 31,
        csr: -1,
        rm: 7,
        imm: -1,
      });
      expect(all & mask, name).toBe(0);
    }
  });
});

test('instructions of both widths are the same objects unless their encodings differ', () => {
  const wide = new Map(instructionsFor(64).map((instruction) => [instruction.name, instruction]));
  const differ = instructionsFor(32).filter((instruction) => wide.get(instruction.name) !== instruction);
  expect(differ.map(({ name }) => name)).toEqual([
    ...[
      'slli',
      'srli',
      'srai',
      'amocas.d',
      'fmvh.x.d',
      'fmvp.d.x',
      'rori',
      'zext.h',
      'rev8',
      'bclri',
      'bexti',
      'binvi',
      'bseti',
    ],
    // Of RV32 alone.
    ...['zip', 'unzip', 'aes32esi', 'aes32esmi', 'aes32dsi', 'aes32dsmi'],
    ...['sha512sum0r', 'sha512sum1r', 'sha512sig0l', 'sha512sig1l', 'sha512sig0h', 'sha512sig1h'],
  ]);
  const narrow = new Set(instructionsFor(32).map(({ name }) => name));
  const scalars = [...wide.values()].filter(({ vector }) => vector === undefined).map(({ name }) => name);
  expect(scalars.filter((name) => !narrow.has(name))).toEqual([
    ...['addiw', 'slliw', 'srliw', 'sraiw', 'addw', 'subw', 'sllw', 'srlw', 'sraw', 'ld', 'lwu', 'sd'],
    ...['mulw', 'divw', 'divuw', 'remw', 'remuw', 'lr.d', 'sc.d'],
    ...['swap', 'add', 'xor', 'and', 'or', 'min', 'max', 'minu', 'maxu'].map((name) => `amo${name}.d`),
    'amocas.q',
    ...['fcvt.l.s', 'fcvt.s.l', 'fcvt.lu.s', 'fcvt.s.lu', 'fmv.x.d', 'fmv.d.x'],
    ...['fcvt.l.d', 'fcvt.d.l', 'fcvt.lu.d', 'fcvt.d.lu'],
    ...['fcvt.l.h', 'fcvt.h.l', 'fcvt.lu.h', 'fcvt.h.lu'],
    ...['sh1add.uw', 'sh2add.uw', 'sh3add.uw', 'add.uw', 'slli.uw'],
    ...['clzw', 'ctzw', 'cpopw', 'rolw', 'rorw', 'roriw', 'packw'],
    ...['aes64es', 'aes64esm', 'aes64ds', 'aes64dsm', 'aes64im', 'aes64ks1i', 'aes64ks2'],
    ...['sha512sum0', 'sha512sum1', 'sha512sig0', 'sha512sig1', 'hlv.wu', 'hlv.d', 'hsv.d'],
  ]);
});

describe('formats', () => {
  test('hold rs2 or an immediate beside rd, or a small one: back ends keep them in one place', () => {
    for (const { name, format, vector } of widths.flatMap(instructionsFor)) {
      // Back ends keep those of vectors whole.
      if (vector !== undefined) continue;
      const { fields, immediate } = format;
      const isSmall = immediate.min >= 0 && immediate.max < 2 ** 8;
      expect(fields.has('rd') && fields.has('rs2') && fields.has('imm') && !isSmall, name).toBe(false);
    }
  });
});

describe.each(widths)('the decoder of RV%i', (xlen) => {
  const instructions = instructionsFor(xlen);
  const decode = decoders[xlen];

  test.each(instructions.map((instruction) => [instruction.name, instruction] as const))(
    'decodes what %s encodes',
    (name, instruction) => {
      fc.assert(
        fc.property(operandsOf(instruction), (operands) => {
          const bits = bitsOf(instruction, operands);
          const decoded = decode(bits);
          if (decoded !== undefined && name.startsWith(inside[decoded.instruction.name] ?? '-')) return;
          const isReserved = instruction.format.isReserved?.(operands) === true;
          expect(decoded).toEqual(isReserved ? undefined : { instruction, length: 4, bits, ...operands });
        }),
        { numRuns: 50 },
      );
    },
  );

  test('agrees with a search through the whole table, for any 32 bits', () => {
    const bySearch = (bits: number): string | undefined => {
      const found = instructions.filter(({ match, mask }) => (bits & mask) >>> 0 === match);
      const one = found.find(({ name }) => name in inside) ?? found[0];
      return one?.format.isReserved?.(one.format.decode(bits)) === true ? undefined : one?.name;
    };
    const opcodes = fc.constantFrom(...instructions.map(({ match, mask }) => ({ match, mask })));
    fc.assert(
      fc.property(opcodes, fc.integer(), fc.integer(), ({ match, mask }, noise, flips) => {
        // Near an instruction: its fixed bits, or all but a few of them.
        const bits = (((noise & ~mask) | match) ^ (flips & noise & mask & ~3)) >>> 0;
        expect(decode(bits)?.instruction.name).toBe(bySearch(bits));
      }),
      { numRuns: 20_000 },
    );
  });

  test('refuses rounds of AES that there are not, and pairs of registers that begin with an odd one', () => {
    const one = (name: string, operands: object) => {
      const instruction = instructions.find((candidate) => candidate.name === name);
      if (instruction === undefined) return undefined;
      const none = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, csr: 0, rm: 0 };
      return decode(bitsOf(instruction, { ...none, ...operands }))?.instruction.name;
    };
    const pair = xlen === 64 ? 'amocas.q' : 'amocas.d';
    expect(one(pair, { rd: 2, rs2: 4 })).toBe(pair);
    expect(one(pair, { rd: 3, rs2: 4 })).toBeUndefined();
    expect(one(pair, { rd: 2, rs2: 5 })).toBeUndefined();
    if (xlen === 32) return;
    expect(one('aes64ks1i', { rd: 1, rs1: 1, imm: 10 })).toBe('aes64ks1i');
    expect(one('aes64ks1i', { rd: 1, rs1: 1, imm: 11 })).toBeUndefined();
  });

  test('takes only the low half of what was fetched for a compressed instruction', () => {
    expect(decode(0xffff_4505)).toMatchObject({
      instruction: instructionNamed('addi'),
      length: 2,
      bits: 0x4505,
      rd: 10,
      rs1: 0,
      imm: 1,
    });
  });

  test('refuses what an absent extension brings', () => {
    const base = createDecoder({ extensions: new Set(['i']), xlen });
    expect(base(0x0000_4505)).toBeUndefined();
    expect(base(0x02a5_0533)).toBeUndefined();
    expect(base(0x00a5_0533)?.instruction.name).toBe('add');
    // The hint is a fence that orders nothing.
    expect(base(0x0100_000f)?.instruction.name).toBe('fence');
    const noSvinval = createDecoder({ extensions: new Set(['i', 'h']), xlen });
    expect(noSvinval(0x2600_0073)).toBeUndefined();
    expect(noSvinval(0x2200_0073)?.instruction.name).toBe('hfence.vvma');
    const noDouble = createDecoder({ extensions: new Set(['i', 'c', 'f']), xlen });
    expect(noDouble(0x2000)).toBeUndefined();
    const noFloat = createDecoder({ extensions: new Set(['i', 'c']), xlen });
    expect(noFloat(0x6000)?.instruction.name).toBe(xlen === 32 ? undefined : 'ld');
  });

  test('refuses reserved encodings', () => {
    const reserved: Record<string, number> = {
      'all zero': 0,
      'all ones': 0xffff_ffff,
      'c.addi4spn with 0': 0x0004,
      'c.lui with 0': 0x6201,
      'c.addi16sp with 0': 0x6101,
      'c.lwsp to x0': 0x4002,
      'c.jr to x0': 0x8002,
      'lr.w with rs2': 0x1015_2b2f,
      'slli by XLEN': xlen === 64 ? 0x0405_1013 : 0x0205_1013,
      'slliw by 32': 0x0205_101b,
      'ecall with rd': 0x0000_00f3,
      'jalr with funct3 1': 0x0000_1067,
    };
    const ofWidth: Record<Xlen, Record<string, number>> = {
      32: {
        'c.slli by 32': 0x1502,
        'c.srli by 32': 0x9101,
        'c.srai by 32': 0x9501,
        'c.subw': 0x9d09,
        'c.addw': 0x9d29,
        ld: 0x0005_3503,
        'zext.h of RV64': 0x0805_453b,
      },
      64: { 'c.addiw to x0': 0x2001, 'c.ldsp to x0': 0x6002, zip: 0x08f5_1513 },
    };
    for (const [name, bits] of Object.entries({ ...reserved, ...ofWidth[xlen] })) {
      expect(decode(bits), name).toBeUndefined();
    }
  });
});

test('five compressed encodings are another instruction on the other width', () => {
  const text = (xlen: Xlen, bits: number) => {
    const { instruction, rd, rs1, rs2, imm } = decoders[xlen](bits) ?? {};
    return `${instruction?.name} ${[rd, rs1, rs2, imm].join()}`;
  };
  const both = (bits: number) => widths.map((xlen) => text(xlen, bits));
  expect(both(0x2505)).toEqual(['jal 1,0,0,1568', 'addiw 10,10,0,1']);
  expect(both(0x6548)).toEqual(['flw 10,10,0,12', 'ld 10,10,0,136']);
  expect(both(0xe548)).toEqual(['fsw 0,10,10,12', 'sd 0,10,10,136']);
  expect(both(0x6512)).toEqual(['flw 10,2,0,4', 'ld 10,2,0,256']);
  expect(both(0xe52a)).toEqual(['fsw 0,2,10,136', 'sd 0,2,10,136']);
});
