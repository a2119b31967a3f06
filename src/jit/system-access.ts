import type { Decoded } from '../isa/index.ts';

/** How an instruction changes a CSR. */
export const CSR_CHANGE = { write: 0, set: 1, clear: 2, none: 3 } as const;

/** One of {@link CSR_CHANGE}. */
export type CsrChange = (typeof CSR_CHANGE)[keyof typeof CSR_CHANGE];

/** An access to a CSR, as far as its encoding says it. */
export interface CsrAccess {
  readonly change: CsrChange;
  /** The operand; undefined if it is in rs1. */
  readonly immediate: number | undefined;
  /** Bits that the operand must not have; else the interpreter has to carry out the access. */
  readonly refused: number;
  /** It may change SUM: entries found in the TLB before hold no more. */
  readonly translates: boolean;
}

/** CSRs of which any access leaves translation, and the right to use floating point, as they are. */
const PLAIN_CSRS: ReadonlySet<number> = new Set([
  ...[0x140, 0x141, 0x142, 0x143], // sscratch, sepc, scause, stval
  ...[0x340, 0x341, 0x342, 0x343], // mscratch, mepc, mcause, mtval
]);
const SSTATUS = 0x100;
const MSTATUS = 0x300;
const TIME = 0xc01;
/**
 * SIE, MIE, SPIE, MPIE, SPP, and SUM, which kernels set around each copy from and to user memory. Of the others MXR, FS
 * and VS matter to the code of a region.
 */
const ALLOWED_STATUS = 0x4_01aa;

const CHANGES: Readonly<Record<string, CsrChange>> = {
  csrrw: CSR_CHANGE.write,
  csrrs: CSR_CHANGE.set,
  csrrc: CSR_CHANGE.clear,
  csrrwi: CSR_CHANGE.write,
  csrrsi: CSR_CHANGE.set,
  csrrci: CSR_CHANGE.clear,
};

/**
 * The access to a CSR of an instruction that compiled code has carried out by a function of the interpreter. It may not
 * change the state that the region has found legal when it began.
 *
 * @returns undefined for other instructions, at which a region ends
 */
export function csrAccessOf({ instruction, csr, rs1, imm }: Decoded): CsrAccess | undefined {
  const change = CHANGES[instruction.name];
  if (change === undefined) return undefined;
  const isImmediate = instruction.format.fields.has('imm');
  const immediate = isImmediate ? imm : rs1 === 0 ? 0 : undefined;
  // x0 and an immediate of 0 change nothing at all, unless they are written.
  const reads = change !== CSR_CHANGE.write && immediate === 0;
  if (reads && (PLAIN_CSRS.has(csr) || csr === SSTATUS || csr === MSTATUS || csr === TIME)) {
    return { change: CSR_CHANGE.none, immediate, refused: 0, translates: false };
  }
  if (PLAIN_CSRS.has(csr)) return { change, immediate, refused: 0, translates: false };
  if ((csr !== SSTATUS && csr !== MSTATUS) || change === CSR_CHANGE.write) return undefined;
  // An immediate has 5 bits.
  return { change, immediate, refused: ~ALLOWED_STATUS, translates: immediate === undefined };
}
