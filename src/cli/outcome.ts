import type { MachineEnd } from '../machine/machine-end.ts';
import { printableLine } from '../node/printable.ts';
import { type EndingSignal, signalStatus } from '../node/signals.ts';
import { EXIT_STATUS, statusOfGuestCode } from './exit-status.ts';

/** How a run ended: the process's exit status, and the words for the person. */
export interface Outcome {
  readonly status: number;
  readonly message?: string;
}

/** The facts that decide about the outcome beside the machine's own end. */
export interface OutcomeContext {
  /** Why the guest's kernel panicked, if it did. */
  readonly panicReason: string | undefined;
  /** A failure code of a bare machine's program becomes the exit status. */
  readonly kind: 'domain' | 'bare';
}

/** The outcome of a machine that ended by itself. */
export function outcomeOf(end: MachineEnd, context: OutcomeContext): Outcome {
  switch (end.reason) {
    case 'poweroff':
    case 'stopped':
      return { status: EXIT_STATUS.success };
    case 'reboot':
      // With panic=-1 a kernel that panics resets the machine.
      if (context.panicReason !== undefined) return panicOutcome(context.panicReason);
      return { status: EXIT_STATUS.reset, message: 'The guest asked for a reset.' };
    case 'failure':
      return failureOutcome(end.code, context.kind);
    case 'stuck':
      return { status: EXIT_STATUS.stuck, message: stuckText(end.message, context.kind) };
    case 'differs':
      return { status: EXIT_STATUS.differs, message: end.report };
    case 'defect':
      return { status: EXIT_STATUS.defect, message: defectText(end.error) };
  }
}

/** @param message - whole sentences */
function stuckText(message: string, kind: OutcomeContext['kind']): string {
  return `The guest is stuck: ${message} Check the ${kind === 'bare' ? 'program' : 'kernel'}.`;
}

/** The guest's kernel has panicked. */
export function panicOutcome(reason: string): Outcome {
  return { status: EXIT_STATUS.panic, message: `The guest's kernel panicked: ${printableLine(reason)}` };
}

/** `--timeout` has passed. */
export function timeoutOutcome(seconds: number): Outcome {
  return { status: EXIT_STATUS.timeout, message: `The guest still ran after ${seconds} s (--timeout).` };
}

/** A signal asked the process to end. */
export function signalOutcome(signal: EndingSignal): Outcome {
  return { status: signalStatus(signal), message: `Ended by ${signal}.` };
}

/** Words for a failure of hartvisor itself, with the facts that are needed to find it. */
export function defectText(error: unknown): string {
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `A defect of hartvisor. Please report it with the command line and this text:\n${details}`;
}

function failureOutcome(code: number, kind: OutcomeContext['kind']): Outcome {
  if (kind === 'domain') {
    return { status: EXIT_STATUS.guestFailure, message: 'The guest powered off and reported a failure.' };
  }
  return { status: statusOfGuestCode(code), message: `The program reported failure ${code}.` };
}
