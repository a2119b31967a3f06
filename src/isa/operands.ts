/** The operands of a decoded instruction; fields that a format lacks are 0. */
export interface Operands {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  /** Sign-extended immediate, shift amount, or CSR immediate. */
  readonly imm: number;
  /** CSR number of Zicsr instructions. */
  readonly csr: number;
  /** Rounding mode field, 7 = dynamic; of atomics, their ordering: aq << 1 | rl. */
  readonly rm: number;
}
