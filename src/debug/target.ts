/** A machine as a debugger sees it: threads with registers, memory, and places at which it stops. */

/** The order for a thread when the machine goes on. */
export type Action = 'run' | 'step' | 'hold';

/** A place at which the machine stops: code that is about to be executed, or memory that is accessed. */
export type PointKind = 'code' | 'write' | 'read' | 'access';

/** Why the machine has stopped. */
export type Stop =
  /** A thread is about to execute the instruction at a code point. */
  | { readonly kind: 'code'; readonly thread: number }
  /** A thread is about to access watched memory, by the instruction at pc. */
  | { readonly kind: 'data'; readonly thread: number; readonly access: PointKind; readonly address: bigint }
  /** A thread has carried out one instruction. */
  | { readonly kind: 'step'; readonly thread: number };

/** How the machine has ended: by itself with an exit status, or by force. */
export type Ending = { readonly kind: 'exit'; readonly status: number } | { readonly kind: 'killed' };

/** The debugger's ear: called in any order with its own calls, once for each {@link DebugTarget.resume}. */
export interface DebugListener {
  /** The machine has stopped by itself; all its threads stand still. */
  stopped(stop: Stop): void;
  /** The machine has ended: it cannot be resumed any more. */
  ended(ending: Ending): void;
}

/** A control and status register that a debugger is told of. */
export interface CsrFact {
  /** As instructions have it: 0 to 4095. */
  readonly number: number;
  readonly name: string;
}

/**
 * A machine with a debugger. Registers, memory and points may be touched only while it stands still, between
 * {@link DebugTarget.pause}, or a stop, and {@link DebugTarget.resume}.
 *
 * Registers have the numbers of `registers.ts`, threads count from 0.
 */
export interface DebugTarget {
  readonly xlen: 32 | 64;
  /** Bytes of a vector register; 0 without vectors. */
  readonly vlenb: number;
  readonly threads: number;
  readonly csrs: readonly CsrFact[];
  /** A name for people, as `hart 1`. */
  threadName(thread: number): string;
  /** The state of the thread, for people: running, halted, in wfi. */
  threadState(thread: number): string;
  /** The value, unsigned; undefined where the thread has no such register. */
  readRegister(thread: number, register: number): bigint | undefined;
  /** Makes the value legal as an instruction would. @returns false where it cannot be written */
  writeRegister(thread: number, register: number, value: bigint): boolean;
  /** The guest-physical address behind a virtual one of the thread; undefined where nothing is mapped. */
  translate(thread: number, address: bigint): number | undefined;
  /** A copy of guest-physical memory; undefined unless all of it is RAM. */
  readMemory(address: number, length: number): Uint8Array | undefined;
  /** Writes guest-physical memory. @returns false, with nothing written, unless all of it is RAM */
  writeMemory(address: number, bytes: Uint8Array): boolean;
  /** Puts a point at a virtual address of all threads. @returns false if there is no room for more */
  insertPoint(kind: PointKind, address: bigint, length: number): boolean;
  /** @returns false if there is none */
  removePoint(kind: PointKind, address: bigint, length: number): boolean;
  /** Stops the machine; resolves when all its threads stand still, or when it has ended. */
  pause(): Promise<void>;
  /** Goes on: each thread does as `actions` says at its place. */
  resume(actions: readonly Action[]): void;
  /** Ends the machine. */
  kill(): void;
  /** Interrupts of a thread that are pending, and which of them it has enabled, for people: lines. */
  describePending(thread: number): readonly string[];
  /** Counters of a machine, for people: lines. */
  describeStatistics(): readonly string[];
  /** Sets the listener that is told of stops from now on; nobody, without a listener. */
  listen(listener: DebugListener | undefined): void;
}
