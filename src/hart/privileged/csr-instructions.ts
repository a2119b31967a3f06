/** csrrw, csrrs, csrrc and their immediate forms. */
import type { Decoded } from '../../isa/instruction.ts';
import { CAUSE } from '../exceptions.ts';
import { type Context, OUTCOME, type Outcome, raise } from './context.ts';
import { VERDICT } from './csr-definition.ts';
import type { CsrTable } from './csr-table.ts';

type Operation = 'write' | 'set' | 'clear';

/** Whether an instruction on CSRs writes: csrrs and csrrc with x0, or with an immediate of 0, do not. */
function writesCsr({ instruction, rs1, imm }: Decoded): boolean {
  const { name } = instruction;
  if (name.startsWith('csrrw')) return true;
  return (name.endsWith('i') ? imm : rs1) !== 0;
}

/**
 * stimecmp and vstimecmp, and the CSRs that they are compared with or count for: htimedelta, menvcfg and henvcfg, and
 * the upper halves of all.
 */
const TIMER_CSRS: readonly number[] = [0x14d, 0x15d, 0x24d, 0x25d, 0x605, 0x615, 0x30a, 0x31a, 0x60a, 0x61a];

/** Whether an instruction on CSRs may move the time at which a timer is due. */
export function writesTimer(decoded: Decoded): boolean {
  return TIMER_CSRS.includes(decoded.csr) && writesCsr(decoded);
}

/** The change that an instruction makes to a CSR, with the operand in two halves; without `writes` it only reads. */
interface CsrAccess {
  readonly operation: Operation;
  readonly writes: boolean;
  readonly low: number;
  readonly high: number;
}

/** An instruction on CSRs; `immediate` forms take their operand from `imm` instead of rs1. */
export function csrInstruction(operation: Operation, immediate: boolean) {
  return (context: Context, table: CsrTable, decoded: Decoded): Outcome => {
    const { state } = context;
    const low = immediate ? decoded.imm : state.xLow(decoded.rs1);
    const high = immediate ? 0 : state.xHigh(decoded.rs1);
    const writes = operation === 'write' || (immediate ? decoded.imm : decoded.rs1) !== 0;
    const verdict = table.check(context, decoded.csr, writes);
    if (verdict !== VERDICT.allowed) {
      const cause = verdict === VERDICT.illegal ? CAUSE.illegalInstruction : CAUSE.virtualInstruction;
      return raise(context, cause, decoded.bits | 0);
    }
    access(context, table, decoded, { operation, writes, low, high });
    return OUTCOME.next;
  };
}

function changed(operation: Operation, now: number, operand: number): number {
  if (operation === 'write') return operand;
  return operation === 'set' ? now | operand : now & ~operand;
}

function access(
  context: Context,
  table: CsrTable,
  decoded: Decoded,
  { operation, writes, low, high }: CsrAccess,
): void {
  const definition = table.effective(decoded.csr, context.state.virtual);
  if (definition === undefined) return;
  context.instructions = 1;
  definition.read(context);
  const { low: oldLow, high: oldHigh } = context;
  if (writes) {
    if (operation !== 'write') definition.modify?.(context);
    const { low: nowLow, high: nowHigh } = context;
    const nextLow = changed(operation, nowLow, low);
    // On RV32 the upper half is a register of its own, or there is none.
    const kept = definition.upper === undefined ? 0 : nowHigh;
    const nextHigh = context.features.xlen === 64 ? changed(operation, nowHigh, high) : kept;
    if (definition.exchange === undefined) definition.write(context, nextLow, nextHigh);
    else definition.exchange(context, oldLow, oldHigh, nextLow, nextHigh);
  }
  context.instructions = 0;
  context.state.setX(decoded.rd, oldLow, oldHigh);
}
