import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AssemblyError,
  assemble,
  createDecoder,
  disassemble,
  type Extension,
  instructionsFor,
} from './index.ts';

const PREFIX = 'riscv64-linux-gnu-';
const MARCH = 'rv64gh_zba_zbb_zbs_zicbom_zicboz_zawrs_svinval_zihintpause_zicsr_zifencei';
const CSRS = new Map([
  ['mstatus', 0x300],
  ['sscratch', 0x140],
]);

const hasBinutils = ['as', 'objcopy', 'ld'].every(
  (tool) => spawnSync(`${PREFIX}${tool}`, ['--version']).status === 0,
);
if (!hasBinutils) console.warn(`skipped: comparison with ${PREFIX}as, which is not installed`);

const everything = new Set<Extension>([
  ...instructionsFor(64).map(({ extension }) => extension),
  'c',
  'svinval',
]);
const decode = createDecoder({ extensions: everything, xlen: 64 });

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const words = (source: string): string[] => {
  const { buffer } = assemble(source, { csrs: CSRS }).bytes;
  return [...new Uint32Array(buffer)].map((word) => word.toString(16).padStart(8, '0'));
};

/** What GNU as and ld make of a source, linked at `origin`. */
function gnuAssemble(source: string, origin: bigint): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'hartvisor-as-'));
  try {
    writeFileSync(join(directory, 'code.s'), `.option norelax\n.option norvc\n${source}`);
    const run = (tool: string, ...args: string[]): void => {
      const { status, stderr } = spawnSync(`${PREFIX}${tool}`, args, { cwd: directory, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${tool} failed: ${stderr}`);
    };
    run('as', `-march=${MARCH}`, 'code.s', '-o', 'code.o');
    run('ld', '--no-relax', `-Ttext=0x${origin.toString(16)}`, '-e', '0', 'code.o', '-o', 'code.elf');
    run('objcopy', '-O', 'binary', '-j', '.text', 'code.elf', 'code.bin');
    return readFileSync(join(directory, 'code.bin'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const PROGRAM = `
  .equ SIZE, 1 << 4        # a symbol
start:
  nop; mv a0, a1; not a0, a1; neg a0, a1; negw a0, a1; sext.w a0, a1
  zext.b a0, a1; seqz a0, a1; snez a0, a1; sltz a0, a1; sgtz a0, a1
  zext.w a0, a1; sgt a0, a1, a2; sgtu a0, a1, a2
  beqz a0, start; bnez a0, 1f; blez a0, 1f; bgez a0, 1f
1:bltz a0, 1b; bgtz a0, 1f; bgt a0, a1, 1f
1:
  ble a0, a1, end; bgtu a0, a1, end; bleu x10, fp, end
  j start; jal end; jal t0, end; jr a0; jalr a0; jalr a0, 8(a1); jalr a0, a1, -8; ret
  call end; tail end; la a0, table; lla a1, start
  lw a0, SIZE+4(sp); ld a0, (sp); sd a0, -8(sp); lbu t6, %lo(0x12345678)(t6); lui t0, %hi(0x12345fff)
  lui a0, 0xfffff; auipc a0, 1; addi a0, a0, -2048; andi a0, a0, ~1; slli a0, a0, 63; sraiw a0, a0, 31
  csrr a0, mstatus; csrw sscratch, a0; csrs mstatus, a0; csrc mstatus, a0; csrwi 0x140, 31; csrsi mstatus, 8
  csrci mstatus, 8; csrrw t0, sscratch, t0; rdcycle a0; rdtime a0; rdinstret a0
  fscsr a0; fscsr a0, a1; frcsr a0; fsrm a0; frrm a0; fsflags a0; fsflags a0, a1; frflags a0
  fmv.s fa0, fa1; fabs.d fa0, fa1; fneg.s ft0, ft11; fgt.s a0, fa0, fa1; fge.d a0, fa0, fa1
  fadd.s fa0, fa1, fa2; fadd.d f10, f11, f12, rtz; fcvt.w.s a0, fa0, rne; fcvt.d.w fa0, a0; fcvt.d.s fa0, fa1
  fmadd.d fs0, fs1, fs2, fs3, rup; fsqrt.s fa0, fa0; fclass.d a0, fa0; flw fa0, 4(a0); fsd fa0, 8(a0)
  amoadd.w a0, a1, (a2); amoswap.d.aqrl a0, a1, (a2); lr.w.aq a0, (a1); sc.d.rl a0, a1, 0(a2)
  fence; fence rw, w; fence.tso; fence.i; pause; ecall; ebreak; mret; sret; wfi
  sfence.vma; sfence.vma a0; sfence.vma a0, a1; hfence.gvma a0, a1; hlv.d a0, (a1); hlvx.wu a0, (a1)
  hsv.b a0, (a1); sinval.vma a0, a1; cbo.zero (a0); cbo.flush 0(a0); wrs.nto # the end
  .align 4
table:
  .byte 1, -1, 'a', '#'
  .half 0x1234, -2
  .word end - table, 0xffffffff
  .dword start, -1, 0x8000000000000000
  .ascii "a;b, c#\\n"
  .asciz "end"
  .zero 3
  .balign 8, 0xaa
  .skip SIZE / 2 * 3 - (1 + 1)
end:
`;

describe('the assembler', () => {
  test.skipIf(!hasBinutils)('agrees with GNU as on pseudo-instructions, labels and directives', () => {
    const origin = 0x8000_0000n;
    const { bytes } = assemble(PROGRAM, { origin, csrs: CSRS });
    const theirs = gnuAssemble(PROGRAM, origin);
    expect(hex(bytes)).toBe(hex(theirs.subarray(0, bytes.length)));
    // GNU ld pads the section to its alignment.
    expect(theirs.length - bytes.length).toBeLessThan(16);
  });

  test('reads what the disassembler writes', () => {
    const exact = /^fcvt\.d\.(s|w|wu)$/;
    const encodings = fc.constantFrom(...instructionsFor(64)).chain((instruction) =>
      fc.integer().map((random) => {
        const operands = instruction.format.decode(random);
        const rm = operands.rm === 5 || operands.rm === 6 || exact.test(instruction.name) ? 0 : operands.rm;
        // Both sets of a fence must be written, and nothing else is.
        const imm = instruction.name === 'fence' ? (operands.imm & 0xff) | 0x11 : operands.imm;
        return (instruction.match | instruction.format.encode({ ...operands, rm, imm })) >>> 0;
      }),
    );
    fc.assert(
      fc.property(encodings, (bits) => {
        const decoded = decode(bits);
        if (decoded === undefined) throw new Error(`${bits.toString(16)} is not legal`);
        const pc = 0x8000_0000n;
        const { bytes } = assemble(disassemble(decoded, { pc }), { origin: pc });
        expect(new DataView(bytes.buffer).getUint32(0, true).toString(16)).toBe(bits.toString(16));
      }),
      { numRuns: 5000 },
    );
  });

  test('reads what the disassembler writes, for every compressed instruction', () => {
    const pc = 0x8000_0000n;
    for (let bits = 0; bits < 0x1_0000; bits++) {
      const decoded = (bits & 3) === 3 ? undefined : decode(bits);
      if (decoded === undefined) continue;
      const text = disassemble(decoded, { pc });
      const { bytes } = assemble(text, { origin: pc });
      if (bytes.length !== 2 || bytes[0] + bytes[1] * 256 !== bits) expect.fail(`${text} is ${hex(bytes)}`);
    }
  });

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
  const decoded = decode(bits);
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
