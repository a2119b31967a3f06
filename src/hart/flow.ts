import type { CodeCache } from './code-cache.ts';
import type { HartDebug } from './debug/hart-debug.ts';
import type { ExceptionRow } from './exception-row.ts';
import { CAUSE, fillException } from './exceptions.ts';
import type { Exclusion } from './exclusion.ts';
import type { Fetcher } from './fetcher.ts';
import type { InstructionCount } from './instruction-count.ts';
import { CALL_RESULT } from './interpreter/call-outs.ts';
import { EXIT, type Exit, FIELD } from './layout.ts';
import type { Position } from './position.ts';
import type { Privileged } from './privileged/index.ts';
import type { RunTime } from './run-time.ts';
import type { HartState } from './state.ts';

/** A run ends after so many exceptions with no instruction in between, since only its caller can end that. */
const LONGEST_ROW = 1024;

/** The parts of a hart that decide where it goes on. */
export interface FlowParts {
  readonly state: HartState;
  readonly privileged: Privileged;
  readonly code: CodeCache;
  readonly fetcher: Fetcher;
  readonly position: Position;
  readonly count: InstructionCount;
  readonly time: RunTime;
  readonly exceptionRow: ExceptionRow;
  readonly debug: HartDebug;
  readonly exclusion: Exclusion;
}

/**
 * Where a hart goes on whenever generated code has asked TypeScript: at the code for pc, in a handler, or not at all.
 * The numbers that methods return are {@link CALL_RESULT}.
 */
export class Flow {
  /** Privilege or address space has changed: the next instruction must be looked up anew. */
  contextChanged = false;
  readonly #state: FlowParts['state'];
  readonly #privileged: FlowParts['privileged'];
  readonly #code: FlowParts['code'];
  readonly #fetcher: FlowParts['fetcher'];
  readonly #position: FlowParts['position'];
  readonly #count: FlowParts['count'];
  readonly #time: FlowParts['time'];
  readonly #exceptionRow: FlowParts['exceptionRow'];
  readonly #debug: FlowParts['debug'];
  readonly #exclusion: FlowParts['exclusion'];
  readonly #memoryWords: Int32Array;

  constructor(parts: FlowParts) {
    this.#state = parts.state;
    this.#privileged = parts.privileged;
    this.#code = parts.code;
    this.#fetcher = parts.fetcher;
    this.#position = parts.position;
    this.#count = parts.count;
    this.#time = parts.time;
    this.#exceptionRow = parts.exceptionRow;
    this.#debug = parts.debug;
    this.#exclusion = parts.exclusion;
    this.#memoryWords = new Int32Array(parts.state.memory.buffer);
  }

  /** Ends the run, for this reason. */
  leave(exit: Exit): number {
    this.#state.words[FIELD.exit >> 2] = exit;
    return CALL_RESULT.leave;
  }

  /** Whether somebody wants the hart out of its code. */
  exitRequested(): boolean {
    const { addresses } = this.#state;
    // Pairs with the store of a kick: whoever wants the hart out sets this word last.
    return Atomics.load(this.#memoryWords, (addresses[FIELD.exitRequest >> 2] as number) / 4) !== 0;
  }

  /**
   * Makes the code at pc current. Exceptions on the way are taken, which may lead elsewhere: then the status is
   * `changed`, or `leave` when the host must handle one or they do not end.
   */
  goToPc(): number {
    this.contextChanged = false;
    for (let status: number = CALL_RESULT.proceed; ; status = CALL_RESULT.changed) {
      const low = this.#state.pcLow;
      const high = this.#state.pcHigh;
      if (this.#fetcher.enter(low, high)) return status;
      if (this.enterTrap(low, high)) return CALL_RESULT.leave;
    }
  }

  /** Puts an exception into the record. */
  raiseAt(cause: number, tvalLow: number, tvalHigh: number): void {
    const isAddress = this.#state.virtual !== 0 && cause !== CAUSE.illegalInstruction;
    fillException(this.#privileged.exception, cause, tvalLow, tvalHigh, isAddress);
  }

  /** Takes the exception that is in the record. True: `run` must return, the host handles it. */
  enterTrap(epcLow: number, epcHigh: number): boolean {
    const { cause } = this.#privileged.exception;
    const target = this.#privileged.enterTrap(epcLow, epcHigh);
    if (target !== 'VS' && this.#state.hsHost) {
      this.leave(EXIT.trap);
      return true;
    }
    const length = this.#exceptionRow.note(this.#count.retired + this.#count.inChunk, cause, epcLow, epcHigh);
    if (length % LONGEST_ROW !== 0) return false;
    this.#position.enterNothing();
    this.leave(EXIT.yield);
    return true;
  }

  /** Goes on at pc after a trap or a jump by TypeScript. */
  resume(): number {
    if (this.#debug.stepping) return this.#endStep();
    return this.goToPc() === CALL_RESULT.leave ? CALL_RESULT.leave : this.#arrive();
  }

  /** Goes on at pc behind a jump of generated code that knows no code there. */
  fetch(): number {
    if (this.#debug.stepping) return this.#endStep();
    const status = this.goToPc();
    return status === CALL_RESULT.changed ? this.#arrive() : status;
  }

  /** Fetches the second half of an instruction from the next page. */
  straddle(): number {
    this.#position.savePc();
    const { pcLow, pcHigh } = this.#state;
    if (this.#fetcher.straddle(pcLow, pcHigh)) return CALL_RESULT.proceed;
    return this.enterTrap(pcLow, pcHigh) ? CALL_RESULT.leave : this.resume();
  }

  /** The current instruction has raised the exception in the record: it does not retire, and its trap is taken. */
  trap(): number {
    this.#count.takeBack();
    this.#position.savePc();
    if (this.#debug.hit !== undefined) return this.leave(EXIT.debug);
    if (this.enterTrap(this.#state.pcLow, this.#state.pcHigh)) return CALL_RESULT.leave;
    return this.resume();
  }

  /** The current instruction is none. @param bits its encoding */
  illegal(bits: () => number): number {
    const { slot } = this.#position;
    if (this.#debug.stepping && this.#fetcher.isBehindAlone(slot)) return this.#behindStep();
    if (this.#code.isMarkedSlot(slot)) return this.#atMark();
    const encoding = bits();
    this.raiseAt(CAUSE.illegalInstruction, (encoding & 3) === 3 ? encoding | 0 : encoding & 0xffff, 0);
    return this.trap();
  }

  /**
   * The poll of generated code for the jumps that it does not see: a guest may go round in traps and xRETs for ever
   * without a taken branch.
   */
  #arrive(): number {
    if (this.#time.spend()) this.#count.restrict(0);
    if (!this.#count.chunkIsOver) return CALL_RESULT.changed;
    const wanted = this.exitRequested() || this.#exclusion.isOwned;
    return wanted || this.#count.fuelIsUsedUp ? this.leave(EXIT.yield) : CALL_RESULT.changed;
  }

  /** The step is over, and the hart is at pc. */
  #endStep(): number {
    this.#position.enterNothing();
    return this.leave(EXIT.yield);
  }

  /** The instruction of a step is done, and did not jump. */
  #behindStep(): number {
    this.#count.takeBack();
    return this.leave(EXIT.yield);
  }

  /** A debugger wants to stop here, or at another virtual address of the same code. */
  #atMark(): number {
    this.#count.takeBack();
    this.#position.savePc();
    const { pcLow, pcHigh } = this.#state;
    if (this.#debug.points.isCode(pcLow, pcHigh)) return this.leave(EXIT.debug);
    if (this.#fetcher.alone(pcLow, pcHigh, false)) return CALL_RESULT.changed;
    return this.enterTrap(pcLow, pcHigh) ? CALL_RESULT.leave : this.resume();
  }
}
