import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BINUTILS, hasBinutils, isOf, knownExtensions } from '../../test/isa/binutils.ts';
import type { Instruction, Xlen } from './index.ts';
import { createDecoder, disassemble, disassembleData, instructionNamed, instructionsFor } from './index.ts';

const CSR_NAMES = new Map([
  [0x001, 'fflags'],
  [0x140, 'sscratch'],
  [0x300, 'mstatus'],
  [0x680, 'hgatp'],
  [0xc01, 'time'],
]);

const isThere = hasBinutils('as', 'objcopy', 'objdump');

const known = { 32: knownExtensions(32), 64: knownExtensions(64) };
const decoders = {
  32: createDecoder({ extensions: known[32].names, xlen: 32 }),
  64: createDecoder({ extensions: known[64].names, xlen: 64 }),
};

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hartvisor-objdump-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function run(tool: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(`${BINUTILS}${tool}`, args, {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${tool} failed: ${stderr}`);
  return stdout;
}

/** Addresses and texts of what objdump finds in `bytes`; comments and spacing do not matter. */
function objdump(bytes: Uint8Array, xlen: Xlen): { pc: bigint; text: string }[] {
  writeFileSync(join(directory, 'code.bin'), bytes);
  writeFileSync(join(directory, 'code.s'), '.text\n.incbin "code.bin"\n');
  run('as', `-march=${known[xlen].march}`, 'code.s', '-o', 'code.o');
  // The symbol that marks the bytes as data would keep objdump from disassembling them.
  run('objcopy', '--strip-all', 'code.o');
  return run('objdump', '-D', '-M', 'no-aliases', '-j', '.text', 'code.o')
    .split('\n')
    .flatMap((line) => {
      const [, pc, text] = /^\s*([0-9a-f]+):\t[0-9a-f]+\s*\t(.*)$/.exec(line) ?? [];
      if (pc === undefined || text === undefined) return [];
      return [
        {
          pc: BigInt(`0x${pc}`),
          text: text
            .replace(/\s+[#<].*$/, '')
            // As newer ones write data.
            .replace(/^\.insn\t(\d), 0x0*(?=.)/, '.$1byte 0x')
            .replace('\t', ' ')
            .trim(),
        },
      ];
    });
}

/** The fixed bits of an instruction, some of them flipped, and random operands. */
const nearbyBits = (xlen: Xlen) =>
  fc
    .tuple(
      fc.constantFrom(...instructionsFor(xlen).filter(({ format }) => !format.fields.has('csr'))),
      fc.integer(),
      fc.array(fc.integer({ min: 2, max: 31 }), { maxLength: 2 }),
    )
    .map(([{ match, mask }, random, flips]) => {
      const bits = flips.reduce((sum, bit) => sum ^ (1 << bit), (random & ~mask) | match);
      return bits >>> 0;
    })
    // Longer instructions, and CSR accesses, whose names differ, are another matter.
    .filter((bits) => (bits & 0x1f) !== 0x1f && ((bits & 0x7f) !== 0x73 || (bits & 0x3000) === 0));

/**
 * Fields that are reserved but ignored (of fences), and the rounding mode of exact conversions: legal by the manual,
 * unknown to binutils 2.40, as are hints. It knows instructions, though, that were dropped before they were ratified,
 * belong to the debug mode, or are reserved.
 */
const KNOWN_DIFFERENCES =
  /^(fence|fence\.tso|fence\.i|fcvt\.(d\.(s|w|wu|h)|s\.h))( .*)? \/ \.4byte |^c\.ntl\.\w+ \/ c\.add zero,|^\.4byte .* \/ (uret|hret|dret|sfence\.vm|aes64ks1i .*,0x[b-f]$)/;

/** Shifts by 32 and more are reserved on RV32; binutils 2.40 shows them for either width. */
const WIDE_SHIFT = /^\.[24]byte .* \/ (c\.)?(slli|srli|srai|rori|bclri|bexti|binvi|bseti) .*,0x[23][0-9a-f]$/;

/** Vectors of floating point, which harts do not have yet, and all of RV32. */
const MISSING_VECTORS = { 32: /^\.4byte .* \/ v\w/, 64: /^\.4byte .* \/ v(f|mf)\w/ } as const;

/** Whether two texts agree or differ as they may. */
function agree(ours: string, theirs: string, xlen: Xlen): boolean {
  const both = `${ours} / ${theirs}`;
  return (
    ours === theirs ||
    KNOWN_DIFFERENCES.test(both) ||
    MISSING_VECTORS[xlen].test(both) ||
    (xlen === 32 && WIDE_SHIFT.test(both))
  );
}

function ourText(bits: number, length: 2 | 4, pc: bigint, xlen: Xlen = 64): string {
  const decoded = decoders[xlen](bits);
  if (decoded === undefined) return disassembleData(bits, length);
  return disassemble(decoded, { pc, xlen, csrNames: CSR_NAMES });
}

/** Random encodings of an instruction, within what objdump of binutils 2.40 knows how to write. */
function encodingsOf(instruction: Instruction, count: number): number[] {
  const { format, match, name } = instruction;
  const exact = /^fcvt\.(d\.(s|w|wu|h)|s\.h)$/.test(name);
  return fc
    .sample(fc.tuple(fc.integer(), fc.constantFrom(...CSR_NAMES.keys(), 0x5c1)), { numRuns: count, seed: 1 })
    .filter(([random]) => !format.isReserved(format.decode(random)))
    .map(([random, csr]) => {
      const operands = format.decode(random);
      const imm = name === 'fence' ? operands.imm & 0xff : operands.imm;
      return (match | format.encode({ ...operands, imm, csr, rm: exact ? 0 : operands.rm })) >>> 0;
    });
}

describe.skipIf(!isThere).each([32, 64] as const)('text agrees with objdump for RV%i', (xlen) => {
  test('for random encodings of every 32-bit instruction', () => {
    const encodings = instructionsFor(xlen)
      .filter((instruction) => isOf(known[xlen].names, instruction))
      .flatMap((instruction) => encodingsOf(instruction, 40));
    const theirs = objdump(new Uint8Array(Uint32Array.from(encodings).buffer), xlen);
    expect(theirs.length).toBe(encodings.length);
    const ours = encodings.map((bits, index) => ourText(bits, 4, BigInt(index * 4), xlen));
    expect(ours).toEqual(theirs.map(({ text }) => text));
  });

  test('for random bits near every instruction, legal or not', () => {
    const encodings = fc.sample(nearbyBits(xlen), { numRuns: 20_000, seed: 1 });
    const theirs = objdump(new Uint8Array(Uint32Array.from(encodings).buffer), xlen);
    expect(theirs.length).toBe(encodings.length);
    const differences = encodings.flatMap((bits, index) => {
      const { pc, text } = theirs[index];
      const ours = ourText(bits, 4, pc, xlen);
      return agree(ours, text, xlen) ? [] : [`${ours} / ${text}`];
    });
    expect(differences).toEqual([]);
  });

  test('for every 16-bit pattern', () => {
    const patterns = Array.from({ length: 0x1_0000 }, (_, bits) => bits).filter((bits) => (bits & 3) !== 3);
    const theirs = objdump(new Uint8Array(Uint16Array.from(patterns).buffer), xlen);
    expect(theirs.length).toBe(patterns.length);
    const differences = patterns.flatMap((bits, index) => {
      const { pc, text } = theirs[index];
      const ours = ourText(bits, 2, pc, xlen);
      return agree(ours, text, xlen) ? [] : [`${bits.toString(16)}: ${ours} / ${text}`];
    });
    expect(differences).toEqual([
      // objdump has a name for the encoding that is defined to be illegal,
      '0: .2byte 0x0 / c.unimp',
      // and writes one that the manual reserves (chapter "C", c.addi16sp).
      '6101: .2byte 0x6101 / c.addi16sp sp,0',
    ]);
  });
});

describe('text', () => {
  const bits = (name: string, operands: number): number => (instructionNamed(name).match | operands) >>> 0;

  test('shows reserved rounding modes, unnamed CSRs and empty fence sets', () => {
    expect(ourText(bits('fadd.s', 0x5000), 4, 0n)).toBe('fadd.s ft0,ft0,ft0,unknown');
    expect(ourText(bits('csrrs', 0x5c1 << 20), 4, 0n)).toBe('csrrs zero,0x5c1,zero');
    expect(ourText(bits('fence', 0x0f00_0000), 4, 0n)).toBe('fence iorw,unknown');
  });

  test('wraps jump targets at XLEN bits', () => {
    expect(ourText(0xffdf_f06f, 4, 0n)).toBe('jal zero,0xfffffffffffffffc');
    expect(ourText(0xffdf_f06f, 4, 0n, 32)).toBe('jal zero,0xfffffffc');
  });

  test('writes data as objdump does', () => {
    expect(disassembleData(0xffff_ffff, 4)).toBe('.4byte 0xffffffff');
    expect(disassembleData(0xabcd_0000, 2)).toBe('.2byte 0x0');
  });
});
