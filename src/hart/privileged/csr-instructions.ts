/** csrrw, csrrs, csrrc and their immediate forms. */
import type { Decoded } from '../../isa/instruction.ts';
import { CAUSE } from '../exceptions.ts';
import { type Context, OUTCOME, type Outcome, raise } from './context.ts';
import { VERDICT } from './csr-definition.ts';
import type { CsrTable } from './csr-table.ts';

type Operation = 'write' | 'set' | 'clear';

/** Whether an instruction on CSRs writes: csrrs and csrrc with x0, or with an immediate of 0, do not. */
export function writesCsr({ instruction, rs1, imm }: Decoded): boolean {
  const { name } = instruction;
  if (name.startsWith('csrrw')) return true;
  return (name.endsWith('i') ? imm : rs1) !== 0;
}

/** An instruction on CSRs; `immediate` forms take their operand from `imm` instead of rs1. */
export function csrInstruction(operation: Operation, immediate: boolean) {
  return (hart: Context, table: CsrTable, decoded: Decoded): Outcome => {
    const { state } = hart;
    const operandLow = immediate ? decoded.imm : state.xLow(decoded.rs1);
    const operandHigh = immediate ? 0 : state.xHigh(decoded.rs1);
    const writes = operation === 'write' || (immediate ? decoded.imm : decoded.rs1) !== 0;
    const verdict = table.check(hart, decoded.csr, writes);
    if (verdict !== VERDICT.allowed) {
      const cause = verdict === VERDICT.illegal ? CAUSE.illegalInstruction : CAUSE.virtualInstruction;
      return raise(hart, cause, decoded.bits | 0);
    }
    access(hart, table, decoded, operation, writes, operandLow, operandHigh);
    return OUTCOME.next;
  };
}

function access(
  hart: Context,
  table: CsrTable,
  decoded: Decoded,
  operation: Operation,
  writes: boolean,
  operandLow: number,
  operandHigh: number,
): void {
  const definition = table.effective(decoded.csr, hart.state.virtual);
  if (definition === undefined) return;
  hart.instructions = 1;
  definition.read(hart);
  const { low: oldLow, high: oldHigh } = hart;
  if (writes) {
    if (operation === 'write') {
      definition.write(hart, operandLow, operandHigh);
    } else {
      definition.modify?.(hart);
      const { low, high } = hart;
      if (operation === 'set') definition.write(hart, low | operandLow, high | operandHigh);
      else definition.write(hart, low & ~operandLow, high & ~operandHigh);
    }
  }
  hart.instructions = 0;
  hart.state.setX(decoded.rd, oldLow, oldHigh);
}
