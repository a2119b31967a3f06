import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BINUTILS, hasBinutils, knownExtensions } from '../../test/isa/binutils.ts';
import {
  AssemblyError,
  assemble,
  createDecoder,
  disassemble,
  EXTENSION_NAMES,
  instructionsFor,
  type Xlen,
} from './index.ts';

const CSRS = new Map([
  ['mstatus', 0x300],
  ['sscratch', 0x140],
]);

const isThere = hasBinutils('as', 'objcopy', 'ld');

const known = { 32: knownExtensions(32), 64: knownExtensions(64) };
const everything = new Set(EXTENSION_NAMES);
const decoders = {
  32: createDecoder({ extensions: everything, xlen: 32 }),
  64: createDecoder({ extensions: everything, xlen: 64 }),
};
const widths = [32, 64] as const;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const words = (source: string, xlen: Xlen = 64): string[] => {
  const { buffer } = assemble(source, { csrs: CSRS, xlen }).bytes;
  return [...new Uint32Array(buffer)].map((word) => word.toString(16).padStart(8, '0'));
};

/** The code that GNU as and ld make of a source, linked at `origin`. */
function gnuAssemble(source: string, origin: bigint, xlen: Xlen): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'hartvisor-as-'));
  try {
    writeFileSync(join(directory, 'code.s'), `.option norelax\n.option norvc\n${source}`);
    const run = (tool: string, ...args: string[]): void => {
      const { status, stderr } = spawnSync(`${BINUTILS}${tool}`, args, { cwd: directory, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${tool} failed: ${stderr}`);
    };
    run('as', `-march=${known[xlen].march.replace('gch_', 'gh_')}`, 'code.s', '-o', 'code.o');
    run(
      'ld',
      '-m',
      `elf${xlen}lriscv`,
      '--no-relax',
      `-Ttext=0x${origin.toString(16)}`,
      '-e',
      '0',
      'code.o',
      '-o',
      'code.elf',
    );
    run('objcopy', '-O', 'binary', '-j', '.text', 'code.elf', 'code.bin');
    return readFileSync(join(directory, 'code.bin'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const PROGRAM = `
  .equ SIZE, 1 << 4        # a symbol
start:
  nop; mv a0, a1; not a0, a1; neg a0, a1
  zext.b a0, a1; seqz a0, a1; snez a0, a1; sltz a0, a1; sgtz a0, a1
  zext.h a0, a1; sext.b a0, a1; rev8 a0, a1; sgt a0, a1, a2; sgtu a0, a1, a2
  beqz a0, start; bnez a0, 1f; blez a0, 1f; bgez a0, 1f
1:bltz a0, 1b; bgtz a0, 1f; bgt a0, a1, 1f
1:
  ble a0, a1, end; bgtu a0, a1, end; bleu x10, fp, end
  j start; jal end; jal t0, end; jr a0; jalr a0; jalr a0, 8(a1); jalr a0, a1, -8; ret
  call end; tail end; la a0, table; lla a1, start
  lw a0, SIZE+4(sp); lbu t6, %lo(0x12345678)(t6); lui t0, %hi(0x12345fff)
  lui a0, 0xfffff; auipc a0, 1; addi a0, a0, -2048; andi a0, a0, ~1; slli a0, a0, 31; rori a0, a0, 1; bseti a0, a0, 30
  csrr a0, mstatus; csrw sscratch, a0; csrs mstatus, a0; csrc mstatus, a0; csrwi 0x140, 31; csrsi mstatus, 8
  csrci mstatus, 8; csrrw t0, sscratch, t0; rdcycle a0; rdtime a0; rdinstret a0
  fscsr a0; fscsr a0, a1; frcsr a0; fsrm a0; frrm a0; fsflags a0; fsflags a0, a1; frflags a0
  fmv.s fa0, fa1; fabs.d fa0, fa1; fneg.s ft0, ft11; fgt.s a0, fa0, fa1; fge.d a0, fa0, fa1
  fadd.s fa0, fa1, fa2; fadd.d f10, f11, f12, rtz; fcvt.w.s a0, fa0, rne; fcvt.d.w fa0, a0; fcvt.d.s fa0, fa1
  fmadd.d fs0, fs1, fs2, fs3, rup; fsqrt.s fa0, fa0; fclass.d a0, fa0; flw fa0, 4(a0); fsd fa0, 8(a0)
  amoadd.w a0, a1, (a2); amoswap.w.aqrl a0, a1, (a2); lr.w.aq a0, (a1); sc.w.rl a0, a1, 0(a2)
  fence; fence rw, w; fence.tso; fence.i; pause; ecall; ebreak; mret; sret; wfi
  sfence.vma; sfence.vma a0; sfence.vma a0, a1; hfence.gvma a0, a1; hlv.w a0, (a1); hlvx.wu a0, (a1)
  hsv.b a0, (a1); sinval.vma a0, a1; cbo.zero (a0); cbo.flush 0(a0); wrs.nto # the end
  .align 4
table:
  .byte 1, -1, 'a', '#'
  .half 0x1234, -2
  .word end - table, 0xffffffff
  .dword -1, 0x8000000000000000
  .ascii "a;b, c#\\n"
  .asciz "end"
  .zero 3
  .balign 8, 0xaa
  .skip SIZE / 2 * 3 - (1 + 1)
end:
`;

/** Code that one width alone has, before {@link PROGRAM}. */
const BEGINNINGS = {
  32: `
  li a0, 0x12345678; li a1, -2048; li a2, 0xfffff800; li a3, 0x7ffff800; li a4, 4096; call end
  .option rvc
  c.jal 1f; c.flw fa0, 4(a0); c.fsw fa0, 8(a1); c.flwsp ft0, 252(sp); c.fswsp ft1, 4(sp); c.slli a0, 31; c.srli a0, 1; c.nop
  .option norvc
1:
`,
  64: `
  negw a0, a1; sext.w a0, a1; zext.w a0, a1; ld a0, (sp); sd a0, -8(sp); slli a0, a0, 63; sraiw a0, a0, 31
  amoswap.d.aqrl a0, a1, (a2); sc.d.rl a0, a1, 0(a2); hlv.d a0, (a1); .dword end, -1
  .option rvc
  c.addiw a0, 1; c.ld a0, 8(a1); c.sd a0, 8(a1); c.ldsp a0, 0(sp); c.sdsp a0, 8(sp); c.slli a0, 63; c.srai a0, 32
  c.nop
  .option norvc
`,
};

describe('the assembler', () => {
  test.skipIf(!isThere).each(widths)(
    'agrees with GNU as on pseudo-instructions, labels and directives of RV%i',
    (xlen) => {
      const origin = 0x8000_0000n;
      const program = BEGINNINGS[xlen] + PROGRAM;
      const { bytes } = assemble(program, { origin, csrs: CSRS, xlen });
      const theirs = gnuAssemble(program, origin, xlen);
      expect(hex(bytes)).toBe(hex(theirs.subarray(0, bytes.length)));
      // GNU ld pads the section to its alignment.
      expect(theirs.length - bytes.length).toBeLessThan(16);
    },
  );

  test.each(widths)('reads what the disassembler writes for RV%i', (xlen) => {
    const exact = /^fcvt\.(d\.(s|w|wu|h)|s\.h)$/;
    const encodings = fc.constantFrom(...instructionsFor(xlen)).chain((instruction) => {
      const { format } = instruction;
      const isLegal = (random: number): boolean => !format.isReserved(format.decode(random));
      return fc
        .integer()
        .filter(isLegal)
        .map((random) => {
          const operands = instruction.format.decode(random);
          const rm = operands.rm === 5 || operands.rm === 6 || exact.test(instruction.name) ? 0 : operands.rm;
          // Both sets of a fence must be written, and nothing else is.
          const imm = instruction.name === 'fence' ? (operands.imm & 0xff) | 0x11 : operands.imm;
          return (instruction.match | instruction.format.encode({ ...operands, rm, imm })) >>> 0;
        });
    });
    fc.assert(
      fc.property(encodings, (bits) => {
        const decoded = decoders[xlen](bits);
        if (decoded === undefined) throw new Error(`${bits.toString(16)} is not legal`);
        const pc = 0x8000_0000n;
        const { bytes } = assemble(disassemble(decoded, { pc, xlen }), { origin: pc, xlen });
        expect(new DataView(bytes.buffer).getUint32(0, true).toString(16)).toBe(bits.toString(16));
      }),
      { numRuns: 5000 },
    );
  });

  test.each(widths)(
    'reads what the disassembler writes, for every compressed instruction of RV%i',
    (xlen) => {
      const pc = 0x8000_0000n;
      for (let bits = 0; bits < 0x1_0000; bits++) {
        const decoded = (bits & 3) === 3 ? undefined : decoders[xlen](bits);
        if (decoded === undefined) continue;
        const text = disassemble(decoded, { pc, xlen });
        const { bytes } = assemble(text, { origin: pc, xlen });
        if (bytes.length !== 2 || bytes[0] + bytes[1] * 256 !== bits) expect.fail(`${text} is ${hex(bytes)}`);
      }
    },
  );

  test('loads every constant with at most eight instructions', () => {
    const constants = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc
        .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -0x1000, max: 0x1000 }))
        .map(([shift, value]) => BigInt.asIntN(64, BigInt(value) << BigInt(shift))),
      fc.constantFrom(0n, -1n, 2047n, 2048n, -2049n, 0x7fff_f800n, 0x7fff_ffffn, 0x8000_0000n, 2n ** 63n),
    );
    fc.assert(
      fc.property(constants, (value) => {
        const { bytes } = assemble(`li a0, ${value}`);
        const steps = new Uint32Array(bytes.buffer);
        expect(steps.length).toBeLessThanOrEqual(8);
        expect(steps.reduce(step, 0n)).toBe(BigInt.asIntN(64, value));
      }),
      { numRuns: 2000 },
    );
  });

  test('loads every constant of RV32 with at most two instructions', () => {
    const constants = fc.oneof(
      fc.bigInt({ min: -(2n ** 31n), max: 2n ** 32n - 1n }),
      fc.constantFrom(0n, -1n, 2047n, 2048n, -2049n, 0x7fff_f800n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_f7ffn),
    );
    fc.assert(
      fc.property(constants, (value) => {
        const { bytes } = assemble(`li a0, ${value}`, { xlen: 32 });
        const steps = new Uint32Array(bytes.buffer);
        expect(steps.length).toBeLessThanOrEqual(2);
        expect(BigInt.asIntN(32, steps.reduce(step, 0n))).toBe(BigInt.asIntN(32, value));
        expect(words(`li a0, ${value}`, 32).some((bits) => bits.endsWith('1b'))).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  test('knows what is of the other width', () => {
    const assemble32 = (source: string) => () => assemble(source, { xlen: 32 });
    expect(assemble32('ld a0, (a1)')).toThrow("line 1: instruction 'ld' is not known on RV32");
    expect(assemble32('slli a0, a0, 32')).toThrow('32 is not in the range 0 to 31');
    expect(assemble32('c.slli a0, 32')).toThrow('32 is not in the range 0 to 31');
    expect(assemble32('li a0, 1 << 32')).toThrow('4294967296 does not fit in 32 bits');
    expect(() => assemble('c.jal 4')).toThrow("line 1: instruction 'c.jal' is not known");
    // Distances count modulo 2^32.
    expect(words('j 0xfffffffc', 32)).toEqual(words('j -4'));
    expect(words('call 0xfffff000', 32)).toEqual(words('call -4096'));
  });

  test('accepts code at any address and returns its symbols', () => {
    const { bytes, symbols } = assemble('nop\nhere: j here\n.equ TWO, 2', { origin: 0xffff_ffff_8000_0000n });
    expect(bytes.length).toBe(8);
    expect(symbols).toEqual(
      new Map([
        ['here', 0xffff_ffff_8000_0004n],
        ['TWO', 2n],
      ]),
    );
  });

  test('encodes compressed instructions where they are written', () => {
    expect(hex(assemble('c.nop\nc.li a0, -1\nc.j 0\nc.lwsp a0, 4(sp)').bytes)).toBe('01007d55f5bf1245');
  });

  test('gives CSRs without a name by number', () => {
    expect(words('csrrs a0, 0x300, x0')).toEqual(words('csrr a0, mstatus'));
  });

  test.each([
    ['nop\nfrob a0', /^line 2: instruction 'frob' is not known$/],
    ['add a0, a1', /^line 1: expected rd, rs1, rs2, found 'a0, a1'$/],
    ['ecall a0', /expected no operands/],
    ['add a0, a1, fa0', /'fa0' is not an integer register/],
    ['fadd.s fa0, fa1, a2', /'a2' is not a floating-point register/],
    ['addi a0, a0, 2048', /2048 is not in the range -2048 to 2047/],
    ['slliw a0, a0, 32', /32 is not in the range 0 to 31/],
    ['lui a0, 0x100000', /does not fit in 20 bits/],
    ['beq a0, a1, far\n.zero 5000\nfar:', /^line 1: 5004 is not in the range -4096 to 4094/],
    ['j 3', /3 is not a multiple of 2/],
    ['j nowhere', /'nowhere' is not defined/],
    ['\n\nj 1f\n1:\nj 2b', /^line 5: '2b' is not defined/],
    ['a:\na:', /^line 2: 'a' is already defined/],
    ['csrr a0, nosuch', /'nosuch' is not defined/],
    ['csrr a0, 4096', /CSR 4096 is not in the range 0 to 4095/],
    ['fadd.s fa0, fa1, fa2, up', /'up' is not a rounding mode/],
    ['lw a0, a1', /'a1' is not an address/],
    ['lr.w a0, 4(a1)', /4 is an offset, which the instruction cannot have/],
    ['fence wr, rw', /'wr' is not a set/],
    ['add.aq a0, a0, a0', /instruction 'add.aq' is not known/],
    ['li a0, 1 << 64', /does not fit in 64 bits/],
    ['li a0, later\nlater:', /^line 1: 'later' is not defined/],
    ['la a0, far\n.equ far, 1 << 40', /more than 2 GiB away/],
    ['.byte 256', /256 does not fit in 8 bits/],
    ['.word 1 +', /ends where a value should be/],
    ['.word (1', /lacks a closing parenthesis/],
    ['.word 1 1', /'1' does not belong/],
    ['.word ?', /'\?' is not a number or symbol/],
    ['.word 1 / 0', /division by zero/],
    ['.ascii text', /'text' is not a string/],
    ['.balign 3', /'3' is not an alignment/],
    ['.zero -1', /-1 is not a number of bytes/],
    ['.zero 8\n.org 4', /^line 2: .org 4 lies behind/],
    ['.equ 1, 2', /expected a symbol and a value/],
    ['.frob', /directive '.frob' is not known/],
    ['c.mv a0, zero', /these operands are reserved/],
    ['c.lwsp zero, 0(sp)', /these operands are reserved/],
    ['c.lw a0, 0(t0)', /the rs1 register cannot be encoded/],
    ['c.addi a0, 32', /32 is not in the range -32 to 31/],
  ])('explains %j', (source, message) => {
    expect(() => assemble(source, { csrs: CSRS })).toThrow(AssemblyError);
    expect(() => assemble(source, { csrs: CSRS })).toThrow(message);
  });
});

/** Carries out one instruction of what `li a0` makes. */
function step(a0: bigint, bits: number): bigint {
  const decoded = decoders[64](bits);
  const imm = BigInt(decoded?.imm ?? 0);
  const source = decoded?.rs1 === 10 ? a0 : 0n;
  switch (decoded?.instruction.name) {
    case 'lui':
      return imm;
    case 'addi':
      return BigInt.asIntN(64, source + imm);
    case 'addiw':
      return BigInt.asIntN(32, source + imm);
    case 'slli':
      return BigInt.asIntN(64, source << imm);
    default:
      throw new Error(`${decoded?.instruction.name} should not be here`);
  }
}
