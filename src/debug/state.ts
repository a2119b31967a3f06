import type { Points } from './points.ts';
import type { Action, DebugTarget } from './target.ts';

/** The state of a debugger's session while the machine stands still. */
export interface DebugState {
  readonly target: DebugTarget;
  readonly points: Points;
  /** The thread that registers and memory are of (`Hg`), and the one that goes on (`Hc`); -1 means all. */
  generalThread: number;
  resumeThread: number;
  /** Addresses are guest-physical. */
  physical: boolean;
  /** The debugger understands these words of stop replies. */
  wantsSoftware: boolean;
  wantsHardware: boolean;
  /** The reply that tells why the machine stands still. */
  readonly stopReply: string;
  /**
   * Lets the machine go on; the reply comes when it stops. A range: only then report a step when pc is outside of it.
   */
  resume(actions: readonly Action[], range?: StepRange): undefined;
  /** No `+` and `-` from the next packet on. */
  leaveOutAcks(): void;
  detach(): void;
  kill(): void;
}

/** A thread is stepped while its pc is within. */
export interface StepRange {
  readonly thread: number;
  readonly start: bigint;
  readonly end: bigint;
}

/** Carries out a command: the reply to it, empty for one that is not known, undefined if it comes later or never. */
export type Command = (state: DebugState, words: string) => string | undefined;

/** Errors of the protocol are numbers; these are those that QEMU gives. */
export const ERROR = { badValue: 'E22', noMemory: 'E14' } as const;

/** A thread of the protocol: its number from 1 on; 0 means any, -1 all of them. undefined: there is none such. */
export function parseThread(text: string, { threads }: DebugTarget): number | undefined {
  if (text === '-1') return -1;
  const number = /^[0-9a-f]{1,4}$/i.test(text) ? Number.parseInt(text, 16) : Number.NaN;
  if (number === 0) return 0;
  return number >= 1 && number <= threads ? number - 1 : undefined;
}

export function threadId(thread: number): string {
  return (thread + 1).toString(16);
}
