/** Zicbom and Zicboz: the modes that may operate on cache blocks. */
import type { Decoded } from '../../isa/instruction.ts';
import { CAUSE } from '../exceptions.ts';
import { CSR } from '../layout.ts';
import { type Context, OUTCOME, type Outcome, raise } from './context.ts';
import { VERDICT, type Verdict } from './csr-definition.ts';
import { ENVCFG, MODE } from './registers.ts';

type Operation = 'clean' | 'flush' | 'inval' | 'zero';

const ENABLE: Readonly<Record<Operation, number>> = {
  clean: ENVCFG.cbcfe,
  flush: ENVCFG.cbcfe,
  inval: ENVCFG.cbie,
  zero: ENVCFG.cbze,
};

/** menvcfg decides for everything below M-mode, henvcfg for guests, senvcfg for user mode. */
function permission(context: Context, enable: number): Verdict {
  const { csr, privilege, virtual } = context.state;
  if (privilege === MODE.machine) return VERDICT.allowed;
  if (((csr[CSR.menvcfg] as number) & enable) === 0) return VERDICT.illegal;
  if (virtual !== 0 && ((csr[CSR.henvcfg] as number) & enable) === 0) return VERDICT.virtual;
  if (privilege === MODE.user && ((csr[CSR.senvcfg] as number) & enable) === 0) {
    return virtual !== 0 ? VERDICT.virtual : VERDICT.illegal;
  }
  return VERDICT.allowed;
}

/**
 * `cbo.inval` becomes a flush where any level above says so; where it stays an invalidation, memory without caches
 * in front of it makes no difference between the two.
 */
export function cacheBlock(operation: Operation) {
  return (context: Context, _table: unknown, { bits, rs1 }: Decoded): Outcome => {
    const verdict = permission(context, ENABLE[operation]);
    if (verdict === VERDICT.illegal) return raise(context, CAUSE.illegalInstruction, bits | 0);
    if (verdict === VERDICT.virtual) return raise(context, CAUSE.virtualInstruction, bits | 0);
    const { state } = context;
    const done = context.hooks.cacheBlock(operation, state.xLow(rs1), state.addressHigh(rs1));
    return done ? OUTCOME.next : OUTCOME.exception;
  };
}
