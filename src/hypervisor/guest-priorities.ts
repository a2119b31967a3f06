import type { Hart } from '../hart/index.ts';
import { CSR } from '../hart/layout.ts';
import { csrNumber } from '../hart/privileged/index.ts';
import { isPriority } from '../hart/privileged/registers.ts';
import { instructionNamed } from '../isa/index.ts';

/** The lowest 7 bits of an encoding. */
const OPCODE = 0x7f;
const SYSTEM = instructionNamed('csrrw').match & OPCODE;
const SIREG = csrNumber('sireg');

/**
 * Carries out a guest's access to `sireg` where that is a register of its `iprio` array: the array of a guest is the
 * hypervisor's to provide ("Configuring priorities of major interrupts at VS level" of the AIA specification), and all
 * bytes of it may be read-only zeros. stval has the instruction that trapped.
 *
 * @returns whether it was one, and is done but for the step to the next instruction
 */
export function skipsPriorities({ state }: Hart): boolean {
  const { csr, xlen } = state;
  const bits = csr[CSR.stval] as number;
  // Of SYSTEM instructions those with bits 13:12 other than 0 access CSRs, but for hlv and its like, which have 14
  // only.
  if ((bits & OPCODE) !== SYSTEM || (bits & 0x3000) === 0 || bits >>> 20 !== SIREG) return false;
  const select = csr[CSR.vsiselect] as number;
  if (!isPriority(select) || (xlen === 64 && (select & 1) !== 0)) return false;
  state.setX((bits >>> 7) & 31, 0, 0);
  return true;
}
