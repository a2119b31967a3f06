import type { CsrFact, DebugTarget } from './target.ts';

/**
 * The numbers of registers, those that gdb itself gives them (gdb, `riscv-tdep.h`): x0 to x31, pc, f0 to f31, the CSRs
 * by their own number, and the privilege.
 */
export const REGISTER = { pc: 32, firstFloat: 33, firstCsr: 65, privilege: 65 + 4096 } as const;

/** x, pc and f registers: those that a debugger reads all at once. */
export const GENERAL_REGISTERS = REGISTER.firstCsr;

const X_NAMES =
  'zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
    ' ',
  );
const F_NAMES = (
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 ' +
  'fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'
).split(' ');
const FLOAT_CSRS = ['fflags', 'frm', 'fcsr'];

/** Bytes of a register: those of floating point have 8, whatever the width of the others. */
export function registerBytes({ xlen }: Pick<DebugTarget, 'xlen'>, register: number): number {
  const isFloat = register >= REGISTER.firstFloat && register < REGISTER.firstCsr;
  return isFloat ? 8 : xlen / 8;
}

/** The CSR that a register number stands for; undefined for other registers. */
export function csrOfRegister(register: number): number | undefined {
  const number = register - REGISTER.firstCsr;
  return number >= 0 && number < 4096 ? number : undefined;
}

/**
 * The description of the target that a debugger asks for (gdb manual, "RISC-V Features"): with it gdb knows all
 * registers by name, whatever file it has been given.
 */
export function targetDescription(target: Pick<DebugTarget, 'xlen' | 'csrs'>): string {
  const { xlen, csrs } = target;
  const ofFloat = csrs.filter(({ name }) => FLOAT_CSRS.includes(name));
  const others = csrs.filter(({ name }) => !FLOAT_CSRS.includes(name));
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    `<architecture>riscv:rv${xlen}</architecture>`,
    // As a debugger of Linux' programs gdb would step by breakpoints and let interrupts in, with all other threads held.
    '<osabi>none</osabi>',
    feature('cpu', [
      ...X_NAMES.map((name, index) => reg(name, xlen, index, index === 2 ? 'data_ptr' : 'int')),
      reg('pc', xlen, REGISTER.pc, 'code_ptr'),
    ]),
    feature('fpu', [
      DOUBLE,
      ...F_NAMES.map((name, index) => reg(name, 64, REGISTER.firstFloat + index, 'riscv_double')),
      ...ofFloat.map((csr) => csrReg(csr, xlen)),
    ]),
    feature(
      'csr',
      others.map((csr) => csrReg(csr, xlen)),
    ),
    feature('virtual', [reg('priv', xlen, REGISTER.privilege, 'int')]),
    '</target>',
    '',
  ].join('\n');
}

/** A register of double precision also holds one of single precision. */
const DOUBLE =
  '<union id="riscv_double"><field name="float" type="ieee_single"/>' +
  '<field name="double" type="ieee_double"/></union>';

function feature(name: string, contents: readonly string[]): string {
  return [`<feature name="org.gnu.gdb.riscv.${name}">`, ...contents, '</feature>'].join('\n');
}

function reg(name: string, bits: number, number: number, type: string): string {
  return `<reg name="${name}" bitsize="${bits}" regnum="${number}" type="${type}"/>`;
}

function csrReg({ name, number }: CsrFact, xlen: number): string {
  return `<reg name="${name}" bitsize="${xlen}" regnum="${REGISTER.firstCsr + number}" type="int" group="csr"/>`;
}
