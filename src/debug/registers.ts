import type { CsrFact, DebugTarget } from './target.ts';

/**
 * The numbers of registers, those that gdb itself gives them (gdb, `riscv-tdep.h`): x0 to x31, pc, f0 to f31, the CSRs
 * by their own number, the privilege, and v0 to v31.
 */
export const REGISTER = {
  pc: 32,
  firstFloat: 33,
  firstCsr: 65,
  privilege: 65 + 4096,
  firstVector: 65 + 4097,
} as const;

const VECTORS = 32;

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

/** Bytes of a register: those of floating point have 8, with each width of the others; vectors have their own. */
export function registerBytes(
  { xlen, vlenb }: Pick<DebugTarget, 'xlen' | 'vlenb'>,
  register: number,
): number {
  if (vectorOfRegister(register) !== undefined) return vlenb;
  const isFloat = register >= REGISTER.firstFloat && register < REGISTER.firstCsr;
  return isFloat ? 8 : xlen / 8;
}

/** The CSR that a register number stands for; undefined for other registers. */
export function csrOfRegister(register: number): number | undefined {
  const number = register - REGISTER.firstCsr;
  return number >= 0 && number < 4096 ? number : undefined;
}

/** The vector register that a register number stands for; undefined for other registers. */
export function vectorOfRegister(register: number): number | undefined {
  const number = register - REGISTER.firstVector;
  return number >= 0 && number < VECTORS ? number : undefined;
}

/**
 * The description of the target that a debugger asks for (gdb manual, "RISC-V Features"): with it gdb knows all
 * registers by name, with any file that it has been given.
 */
export function targetDescription(target: Pick<DebugTarget, 'xlen' | 'vlenb' | 'csrs'>): string {
  const { xlen, vlenb, csrs } = target;
  const ofFloat = csrs.filter(({ name }) => FLOAT_CSRS.includes(name));
  const others = csrs.filter(({ name }) => !FLOAT_CSRS.includes(name));
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    `<architecture>riscv:rv${xlen}</architecture>`,
    // As a debugger of Linux' programs gdb would step by breakpoints and let interrupts in, with all other threads
    // held.
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
    ...(vlenb === 0 ? [] : [feature('vector', vectorRegisters(vlenb))]),
    '</target>',
    '',
  ].join('\n');
}

/** A register of double precision also holds one of single precision. */
const DOUBLE =
  '<union id="riscv_double"><field name="float" type="ieee_single"/>' +
  '<field name="double" type="ieee_double"/></union>';

/** The elements of a vector register that gdb can show, by their width in bits, and names as QEMU has them. */
const ELEMENTS = [
  [128, 'quads'],
  [64, 'longs'],
  [32, 'words'],
  [16, 'shorts'],
  [8, 'bytes'],
] as const;

function vectorRegisters(vlenb: number): string[] {
  const bits = 8 * vlenb;
  const types = ELEMENTS.map(
    ([width, name]) => `<vector id="${name}" type="uint${width}" count="${bits / width}"/>`,
  );
  const fields = ELEMENTS.map(([, name]) => `<field name="${name.slice(0, 1)}" type="${name}"/>`);
  return [
    ...types,
    `<union id="riscv_vector">${fields.join('')}</union>`,
    ...Array.from({ length: VECTORS }, (_, index) =>
      reg(`v${index}`, bits, REGISTER.firstVector + index, 'riscv_vector', 'vector'),
    ),
  ];
}

function feature(name: string, contents: readonly string[]): string {
  return [`<feature name="org.gnu.gdb.riscv.${name}">`, ...contents, '</feature>'].join('\n');
}

function reg(name: string, bits: number, number: number, type: string, group?: string): string {
  const inGroup = group === undefined ? '' : ` group="${group}"`;
  return `<reg name="${name}" bitsize="${bits}" regnum="${number}" type="${type}"${inGroup}/>`;
}

function csrReg({ name, number }: CsrFact, xlen: number): string {
  return reg(name, xlen, REGISTER.firstCsr + number, 'int', 'csr');
}
