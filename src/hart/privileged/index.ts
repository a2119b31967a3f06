import type { Decoded } from '../../isa/instruction.ts';
import { CAUSE, type Exception } from '../exceptions.ts';
import { FIELD } from '../layout.ts';
import type { Platform } from '../platform.ts';
import type { HartState } from '../state.ts';
import {
  Context,
  type Features,
  type PrivilegedHooks,
  type PrivilegedOptions,
  raise,
  type TrapTarget,
} from './context.ts';
import { noticeOverflows, untilOverflow } from './counting.ts';
import { CsrTable } from './csr-table.ts';
import { takeInterrupt } from './interrupts.ts';
import { reset } from './reset.ts';
import { foldFloat, refreshFloatOff, setMode } from './status.ts';
import { HANDLERS, type Handler } from './system.ts';
import { enterException, returnFromSupervisor } from './trap.ts';
import { nextDeadline, wakePending } from './wait.ts';

export {
  type Features,
  OUTCOME,
  type PrivilegedHooks,
  type PrivilegedOptions,
  type TrapTarget,
} from './context.ts';
export { EVENT_COUNTER_BITS } from './counting.ts';
export { updatesAccessedDirty } from './csr-environment.ts';
export { csrName, csrNumber } from './csr-table.ts';
export { supervisorStatusBits } from './status.ts';

/**
 * The privileged architecture of one hart: CSRs, traps, interrupts and system instructions in M, HS, U, VS and VU
 * (RISC-V privileged specification with the hypervisor extension, Sstc, Svinval, Smstateen). State is in linear
 * memory; this object holds nothing that outlives a call except the result fields below.
 */
export class Privileged {
  /** The exception on its way to {@link Privileged.enterTrap}; shared with everything that can raise one. */
  readonly exception: Exception;
  readonly features: Features;
  readonly #context: Context;
  readonly #table: CsrTable;
  /** Handlers by instruction id, filled as instructions are met. */
  readonly #handlers: (Handler | undefined)[] = [];

  constructor(state: HartState, platform: Platform, hooks: PrivilegedHooks, options: PrivilegedOptions) {
    this.#context = new Context(state, platform, hooks, options);
    this.#table = new CsrTable(this.#context.features);
    this.exception = this.#context.exception;
    this.features = this.#context.features;
  }

  /**
   * Architectural reset: M-mode, interrupts off, nothing delegated; memory-mapped state is not touched and pc is not
   * set. With `hsHost` M-mode is absent: privilege is HS, and everything that M-mode could hand on is handed on.
   */
  reset(): void {
    reset(this.#context, this.#table);
  }

  /**
   * Carries out a system instruction: Zicsr, environment calls, xRET, WFI, fences of address translation, cache-block
   * operations, hlv/hlvx/hsv. All checks of privilege and enables are made here.
   *
   * @returns an OUTCOME; the caller advances pc
   */
  execute(decoded: Decoded): number {
    const { id } = decoded.instruction;
    const handler = this.#handlers[id] ?? this.#lookUp(decoded);
    return handler(this.#context, this.#table, decoded);
  }

  #lookUp({ instruction }: Decoded): Handler {
    const handler =
      HANDLERS.get(instruction.name) ??
      ((context, _table, { bits }) => raise(context, CAUSE.illegalInstruction, bits | 0));
    this.#handlers[instruction.id] = handler;
    return handler;
  }

  /** Takes the exception in {@link Privileged.exception}; `epc` is the instruction that raised it. pc is set. */
  enterTrap(epcLow: number, epcHigh: number): TrapTarget {
    return enterException(this.#context, epcLow, epcHigh);
  }

  /** Puts the hart into a mode, from any other: its state was written from outside. */
  enterMode(privilege: number, virtual: number): void {
    setMode(this.#context, privilege, virtual);
  }

  /** Takes the interrupt of highest priority that may be taken now, if any: pc is where it returns to. */
  takeInterrupt(): TrapTarget | undefined {
    return takeInterrupt(this.#context);
  }

  /** WFI may complete: a locally enabled interrupt is pending, regardless of global enables and delegation. */
  wakePending(): boolean {
    return wakePending(this.#context);
  }

  /** Earliest time in ticks at which stimecmp or vstimecmp will raise an interrupt; Infinity if none. */
  nextDeadline(): number {
    return nextDeadline(this.#context);
  }

  /**
   * Instructions until a counter overflows that says so (Sscofpmf): the longest that a run may be, behind which
   * {@link noticeOverflows} is due. Infinity if that is far away.
   */
  untilOverflow(): number {
    return untilOverflow(this.#context);
  }

  /** Looks for overflows of counters since {@link untilOverflow}, which may raise an interrupt. */
  noticeOverflows(): void {
    noticeOverflows(this.#context);
  }

  /** SRET as HS-mode executes it, without checks: how a host that plays HS-mode enters or resumes its guest. */
  returnFromSupervisor(): void {
    returnFromSupervisor(this.#context);
  }

  /** Brings FS of the status registers and {@link FIELD.floatOff} up to date, for readers of raw state. */
  foldFloat(): void {
    foldFloat(this.#context.state);
    refreshFloatOff(this.#context.state);
  }

  /** Low half of the last {@link Privileged.readCsr}. */
  get low(): number {
    return this.#context.low;
  }

  /** High half of the last {@link Privileged.readCsr}. */
  get high(): number {
    return this.#context.high;
  }

  /**
   * Reads a CSR for a debugger, the hypervisor or a test: no checks, and `sstatus` is the one of HS even if V=1
   * (`time` is that of the current V).
   * The value is left in {@link Privileged.low} and {@link Privileged.high}.
   *
   * @param virtual 1: the register that a guest means by the number, as vsstatus by that of `sstatus`
   * @returns false if the hart has no such CSR
   */
  readCsr(number: number, virtual = 0): boolean {
    const definition = this.#table.effective(number, virtual);
    if (definition === undefined) return false;
    definition.read(this.#context);
    return true;
  }

  /** Writes a CSR as {@link Privileged.readCsr} reads it; the value is made legal as for an instruction. */
  writeCsr(number: number, low: number, high: number, virtual = 0): boolean {
    const definition = this.#table.effective(number, virtual);
    if (definition === undefined) return false;
    definition.write(this.#context, low, high);
    return true;
  }
}
