/** Checks of debug runs: whether the owner of a vCPU's interrupts keeps the order of its calls. */
import type { OwnerState } from './protocol.ts';
import { runState } from './run-state.ts';
import type { VcpuWords } from './words.ts';
import { OWNER, RunState } from './words.ts';

/** The vCPU loop broke a rule that no protocol can repair. A defect of hartvisor, never a mistake of a user. */
export class InterruptRuleError extends Error {
  override readonly name = 'InterruptRuleError';
}

/** Where the vCPU is in { enter · flush · guest · exit · sync }, as its own thread knows it. */
export const Phase = {
  UNLOADED: 'not loaded by this object',
  SYNCED: 'outside its guest',
  ENTERING: 'entering its guest',
  FLUSHED: 'in its guest',
  EXITED: 'out of its guest but not synced',
} as const;

export type Phase = (typeof Phase)[keyof typeof Phase];

/** A call that the owner may make in one phase only. */
export interface OwnersCall {
  readonly what: string;
  readonly phase: Phase;
  /** The phase that the caller's object is in. */
  readonly own: Phase;
  /** Number of the caller's pCPU plus 1; 0 if it has never loaded the vCPU. */
  readonly ownerTag: number;
}

/** @throws InterruptRuleError unless the vCPU is in the phase of the call, for the caller's object and in its words. */
export function requirePhase(words: VcpuWords, { what, phase, own, ownerTag }: OwnersCall): void {
  if (own !== phase) {
    throw new InterruptRuleError(`${what} needs a vCPU that is ${phase}, but it is ${own}`);
  }
  // Meets `#claim` and `#release` of other objects on the same words.
  const owner = Atomics.load(words, OWNER);
  if (owner !== ownerTag) {
    throw new InterruptRuleError(
      `${what} on pCPU ${ownerTag - 1}, but the vCPU is loaded on ${owner === 0 ? 'none' : `pCPU ${owner - 1}`}`,
    );
  }
  const state = runState(words);
  const inside = own === Phase.ENTERING || own === Phase.FLUSHED;
  if (state !== (inside ? RunState.IN_GUEST : RunState.OUTSIDE_GUEST)) {
    throw new InterruptRuleError(`${what} while ${own}, but the published run state is ${state}`);
  }
}

/**
 * Between a flush and the next sync only the guest changes HVIP, and only where it may.
 *
 * @param changedLo bits 31:0 of HVIP that differ from the flush's
 * @throws InterruptRuleError when there are others
 */
export function checkLevels(local: OwnerState, changedLo: number, changedHi: number): void {
  const lo = changedLo & ~local.guestWritableLo;
  const hi = changedHi & ~local.guestWritableHi;
  if ((lo | hi) === 0) return;
  throw new InterruptRuleError(
    `HVIP bits ${hex(hi)}:${hex(lo)}, which a guest cannot write, differ from what the flush asked for: ` +
      'the flush was not written to HVIP, or something else wrote it',
  );
}

function hex(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, '0');
}
