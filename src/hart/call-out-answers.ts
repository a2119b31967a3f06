import type { Decode, Decoded } from '../isa/index.ts';
import type { CodeCache } from './code-cache.ts';
import type { Fetcher } from './fetcher.ts';
import type { Flow } from './flow.ts';
import type { InstructionCount } from './instruction-count.ts';
import { CALL_RESULT } from './interpreter/call-outs.ts';
import { EXIT, FIELD } from './layout.ts';
import type { MemoryAccess } from './memory-access.ts';
import type { Platform } from './platform.ts';
import type { Position } from './position.ts';
import { writesTimer } from './privileged/csr-instructions.ts';
import { OUTCOME, type Privileged } from './privileged/index.ts';
import { QUIET } from './privileged/registers.ts';
import type { RunTime } from './run-time.ts';
import type { HartState } from './state.ts';
import type { TakenInterrupts } from './taken-interrupts.ts';
import type { Regions } from './tiers/regions.ts';
import type { VectorUnit } from './vector/vector-unit.ts';

const INTEGER_LOADS: ReadonlySet<string> = new Set(['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld']);

/** The parts of a hart that do the work of call-outs. */
export interface CallOutParts {
  readonly state: HartState;
  readonly platform: Platform;
  readonly privileged: Privileged;
  readonly decode: Decode;
  readonly code: CodeCache;
  readonly access: MemoryAccess;
  readonly vector: VectorUnit | undefined;
  readonly fetcher: Fetcher;
  readonly flow: Flow;
  readonly position: Position;
  readonly count: InstructionCount;
  readonly time: RunTime;
  readonly interrupts: TakenInterrupts;
  readonly regions: Regions | undefined;
}

/**
 * TypeScript's answers to generated code where it calls out, and the decision behind each of them: go on, look up the
 * next code anew, or end the run. The numbers that methods return are {@link CALL_RESULT}; {@link CallOuts} says when
 * each of them is called.
 */
export class CallOutAnswers {
  readonly #words: Int32Array;
  readonly #state: CallOutParts['state'];
  readonly #platform: CallOutParts['platform'];
  readonly #privileged: CallOutParts['privileged'];
  readonly #decode: CallOutParts['decode'];
  readonly #code: CallOutParts['code'];
  readonly #access: CallOutParts['access'];
  readonly #vector: CallOutParts['vector'];
  readonly #fetcher: CallOutParts['fetcher'];
  readonly #flow: CallOutParts['flow'];
  readonly #position: CallOutParts['position'];
  readonly #count: CallOutParts['count'];
  readonly #time: CallOutParts['time'];
  readonly #interrupts: CallOutParts['interrupts'];
  readonly #regions: CallOutParts['regions'];

  constructor(parts: CallOutParts) {
    this.#words = parts.state.words;
    this.#state = parts.state;
    this.#platform = parts.platform;
    this.#privileged = parts.privileged;
    this.#decode = parts.decode;
    this.#code = parts.code;
    this.#access = parts.access;
    this.#vector = parts.vector;
    this.#fetcher = parts.fetcher;
    this.#flow = parts.flow;
    this.#position = parts.position;
    this.#count = parts.count;
    this.#time = parts.time;
    this.#interrupts = parts.interrupts;
    this.#regions = parts.regions;
  }

  decode(): void {
    this.#code.decodeFrom(this.#position.pageSlots, this.#position.slot);
  }

  sample(): void {
    if (this.#time.spend()) this.#hurry();
    this.#regions?.sample();
  }

  stretch(): void {
    this.#regions?.sampleStretch();
  }

  deoptimize(): void {
    this.#regions?.deoptimize();
  }

  time(): void {
    const ticks = this.#platform.ticks();
    if (this.#time.seen(ticks)) this.#hurry();
    const high = Math.floor(ticks / 2 ** 32) | 0;
    this.#words[FIELD.mailboxValue >> 2] = ticks | 0;
    this.#words[(FIELD.mailboxValue >> 2) + 1] = high;
    this.#words[FIELD.lastTicks >> 2] = ticks | 0;
    this.#words[(FIELD.lastTicks >> 2) + 1] = high;
  }

  illegal(): number {
    return this.#flow.illegal(() => this.#currentBits());
  }

  load(kind: number): number {
    if (!this.#access.load(kind)) return this.#flow.trap();
    return this.#time.spend() ? this.#leaveBehindLoad() : CALL_RESULT.proceed;
  }

  store(bytes: number): number {
    if (!this.#access.store(bytes)) return this.#flow.trap();
    if (this.#time.spend()) return this.#leaveBehindCurrent();
    return this.#access.storedToDevice ? this.#afterDevice() : CALL_RESULT.proceed;
  }

  message(pending: number): number {
    this.#access.messageArrived(pending);
    return this.#time.spend() ? this.#leaveBehindCurrent() : this.#afterDevice();
  }

  atomic(argument: number): number {
    if (!this.#access.atomic(argument)) return this.#flow.trap();
    if (this.#time.spend()) this.#hurry();
    return CALL_RESULT.proceed;
  }

  system(): number {
    const bits = this.#currentBits();
    const decoded = this.#decode(bits);
    if (decoded === undefined) throw new Error(`a system operation was decoded from ${bits.toString(16)}`);
    this.#position.savePc();
    switch (this.#execute(decoded)) {
      case OUTCOME.next:
        this.#position.skip(decoded.length);
        return this.#afterSystem(this.#endsFuel(decoded) || this.#time.spend());
      case OUTCOME.fenced:
        this.#position.skip(decoded.length);
        return this.#flow.resume();
      case OUTCOME.jumped:
        return this.#afterSystem(true);
      case OUTCOME.again:
        this.#count.takeBack();
        return this.#flow.leave(EXIT.yield);
      case OUTCOME.wait:
        this.#position.skip(decoded.length);
        return this.#flow.leave(EXIT.wait);
      default:
        return this.#flow.trap();
    }
  }

  #execute(decoded: Decoded): number {
    if (decoded.instruction.vector === undefined || this.#vector === undefined) {
      return this.#privileged.execute(decoded);
    }
    return this.#vector.execute(decoded);
  }

  /** The caller of `run` measured the fuel by the timer as it was: a new deadline may come earlier. */
  #endsFuel(decoded: Decoded): boolean {
    if (!writesTimer(decoded)) return false;
    this.#count.restrict(this.#platform.fuelForTimer?.() ?? 0);
    return true;
  }

  /** Interrupts are looked at after every system instruction, as xRET and writes to CSRs demand. */
  #afterSystem(jumped: boolean): number {
    const target = this.#interrupts.take();
    if (this.#interrupts.isForHost(target)) return this.#flow.leave(EXIT.trap);
    if (target === undefined && !jumped && !this.#flow.contextChanged) return CALL_RESULT.proceed;
    return this.#flow.resume();
  }

  /** The encoding of the current instruction. */
  #currentBits(): number {
    return this.#regions?.firstBits(this.#position.slot) ?? this.#fetcher.currentBits();
  }

  /**
   * Behind a store to a device, which may have raised an interrupt of this very hart: it is taken before the next
   * instruction, not at the next poll. Fuel is looked at so that a hart that follows in lock step, which nobody asks to
   * leave, can stop there too.
   */
  #afterDevice(): number {
    if (!this.#flow.exitRequested() && !this.#count.fuelIsUsedUp) return CALL_RESULT.proceed;
    return this.#leaveBehindCurrent();
  }

  #leaveBehindCurrent(): number {
    return this.#leaveBehind((this.#currentBits() & 3) === 3 ? 4 : 2);
  }

  /** Goes on behind an instruction of `length` bytes, which is done, after a look whether to go on at all. */
  #leaveBehind(length: number): number {
    this.#position.savePc();
    this.#position.skip(length);
    this.#count.endEarly();
    return this.#flow.resume();
  }

  /**
   * The time of the run is over: the loaded value goes from the mailbox to its register here, if it is a plain load.
   */
  #leaveBehindLoad(): number {
    const decoded = this.#decode(this.#currentBits());
    if (decoded === undefined || !INTEGER_LOADS.has(decoded.instruction.name)) {
      this.#hurry();
      return CALL_RESULT.proceed;
    }
    const value = FIELD.mailboxValue >> 2;
    this.#state.setX(decoded.rd, this.#words[value] as number, this.#words[value + 1] as number);
    return this.#leaveBehind(decoded.length);
  }

  /** The time of the run is over, in the middle of an instruction: ends it at the next poll or system instruction. */
  #hurry(): void {
    this.#count.exhaust();
    this.#words[FIELD.quiet >> 2] = QUIET.no;
  }
}
