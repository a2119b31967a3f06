import type { GuestMemory } from '../../memory/guest-memory.ts';
import { Hart } from '../hart.ts';
import type { HartOptions } from '../hart-options.ts';
import { EXIT, type Exit, FIELD } from '../layout.ts';
import type { PlacedRegion } from '../tiers/regions-options.ts';
import { copyMemory, memoryDifferences, STATE_RANGES, sameState, stateDifferences } from './differences.ts';
import { describeMemory, describeStretch } from './report.ts';
import { Tape } from './tape.ts';

/** Instructions between two comparisons of registers and CSRs. */
const SLICE = 1024;
/** Instructions between two comparisons of memory. */
const MEMORY_INTERVAL = 64 << 20;

/** How a hart is held in lock step. */
export interface LockstepOptions {
  /** Is told of the first difference, for people. From then on the hart does nothing. */
  onDifference(report: string): void;
  /** {@link LockstepHart.slice} at first. */
  readonly slice?: number;
  /** Instructions after which memory is compared; 0 compares it at the end of each run. */
  readonly memoryInterval?: number;
  /** Linear memory for the interpreting hart, as large as that of the other one; a new one unless given. */
  readonly memory?: WebAssembly.Memory;
}

/**
 * A hart that compiles, and beside it one that interprets the same guest in a memory of its own. What the surroundings
 * answer to the first one (time, interrupt lines, devices) is answered to the second one too; after every stretch of
 * code both must be in the same state.
 *
 * The first one decides where a stretch ends, as the interpreter can stop at any taken jump, trap and return, and
 * compiled code at some of them. Guest memory must be written by nobody else: there are no other harts, and the host
 * writes with the {@link GuestMemory} of the options.
 */
export class LockstepHart extends Hart {
  readonly shadow: Hart;
  /** Instructions after which registers and CSRs are compared, 1 or more. */
  slice: number;
  readonly #tape: Tape;
  readonly #ram: GuestMemory;
  readonly #shadowRam: GuestMemory;
  readonly #lockstep: LockstepOptions;
  readonly #regionsByRecord: Map<number, PlacedRegion>;
  readonly #memoryWords: Int32Array;
  /** The first hart is at work: its calls of itself are not for both. */
  #busy = false;
  #started = false;
  #differs = false;
  #memoryComparedAt = 0;

  constructor(options: HartOptions, lockstep: LockstepOptions) {
    const { linear } = options.ram;
    const pages = linear.buffer.byteLength / 0x1_0000;
    // The same layout, so that addresses in linear memory are the same too.
    const shadowRam = options.ram.within(
      lockstep.memory ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    );
    const tape = new Tape(options.ram, shadowRam);
    const regions = new Map<number, PlacedRegion>();
    super({
      ...options,
      compile: true,
      platform: tape.recordPlatform(options.platform),
      devices: tape.recordDevices(options.devices),
      onRegion: (placed) => {
        regions.set(placed.record, placed);
        options.onRegion?.(placed);
      },
    });
    this.#tape = tape;
    this.#lockstep = lockstep;
    this.slice = lockstep.slice ?? SLICE;
    this.#regionsByRecord = regions;
    this.#memoryWords = new Int32Array(linear.buffer);
    this.#ram = options.ram;
    this.#shadowRam = shadowRam;
    this.shadow = new Hart({
      ...options,
      compile: false,
      ram: shadowRam,
      platform: tape.replayPlatform(options.platform),
      devices: tape.replayDevices(),
    });
  }

  /** Whether a difference has been found. */
  get differs(): boolean {
    return this.#differs;
  }

  override run(fuel: number): Exit {
    if (!this.#started) this.#start();
    for (let left = fuel; !this.#differs; ) {
      const before = this.instructions;
      const wanted = Math.min(left, this.slice);
      const untilOverflow = this.privileged.untilOverflow();
      const exit = this.#stretch(wanted);
      const done = this.instructions - before;
      left -= done;
      this.#compareMemoryNowAndThen(left <= 0);
      // A stretch that ends early has a reason, which is for the caller; so is a counter that has overflowed.
      const isForCaller = done < wanted || done >= untilOverflow;
      if (exit !== EXIT.yield || isForCaller || left <= 0 || this.#hasToLeave()) return exit;
    }
    return EXIT.yield;
  }

  override both(action: (hart: Hart) => void): void {
    if (this.#busy) {
      action(this);
      return;
    }
    this.#copyState();
    this.#tape.record(() => this.#alone(() => action(this)));
    this.#tape.replay(() => action(this.shadow));
  }

  override resumeGuest(): void {
    if (this.#busy) super.resumeGuest();
    else this.both((hart) => hart.resumeGuest());
  }

  override interruptGuest(): void {
    if (this.#busy) super.interruptGuest();
    else this.both((hart) => hart.interruptGuest());
  }

  override reflectToGuest(cause: number): void {
    if (this.#busy) super.reflectToGuest(cause);
    else this.both((hart) => hart.reflectToGuest(cause));
  }

  /** Does nothing: answers of a file are on the tape, so generated code does not get to it. */
  override useInterruptFile(): void {}

  override flushTranslations(): void {
    if (this.#busy) super.flushTranslations();
    else this.both((hart) => hart.flushTranslations());
  }

  override fenceI(): void {
    if (this.#busy) super.fenceI();
    else this.both((hart) => hart.fenceI());
  }

  /** Makes all RAM of the interpreting hart equal to that of the other one: somebody has written to it anywhere. */
  copyMemory(): void {
    copyMemory(this.#ram, this.#shadowRam);
    this.#started = true;
  }

  /** Compares RAM now. */
  compareMemory(): void {
    if (this.#differs || !this.#started) return;
    const found = memoryDifferences(this.#ram, this.#shadowRam);
    if (found.length > 0) this.#fail(describeMemory(found, this.#memoryComparedAt, this.instructions));
    this.#memoryComparedAt = this.instructions;
  }

  override finish(): void {
    this.compareMemory();
  }

  #start(): void {
    this.copyMemory();
    this.#copyState();
  }

  #alone(action: () => void): void {
    this.#busy = true;
    try {
      action();
    } finally {
      this.#busy = false;
    }
  }

  /** Between runs the caller changes registers and CSRs of the first hart only. */
  #copyState(): void {
    const { words } = this.state;
    for (const [start, end] of STATE_RANGES) {
      this.shadow.state.words.set(words.subarray(start >> 2, end >> 2), start >> 2);
    }
  }

  #stretch(fuel: number): Exit {
    const { shadow } = this;
    this.#copyState();
    const startPc = pcOf(this);
    const startInstructions = this.instructions;
    const exceptions = this.exceptionRow.total;
    const shadowExceptions = shadow.exceptionRow.total;
    this.state.words[FIELD.lastRegion >> 2] = 0;
    let compiled: Exit = EXIT.yield;
    this.#tape.record(() => {
      this.#alone(() => {
        compiled = super.run(fuel);
      });
    });
    const target = {
      exit: compiled,
      instructions: this.instructions - startInstructions,
      exceptions: this.exceptionRow.total - exceptions,
    };
    const interpreted = this.#follow(target, shadowExceptions);
    const strayed = this.#tape.difference;
    const same = interpreted === compiled && sameState(this.state.words, shadow.state.words);
    if (same && strayed === undefined) return compiled;
    this.#fail(
      describeStretch({
        startPc,
        startInstructions,
        instructions: { compiled: this.instructions, interpreted: shadow.instructions },
        exit: { compiled, interpreted },
        differences: stateDifferences(this.state.words, shadow.state.words),
        strayed,
        region: this.#regionsByRecord.get(this.state.addresses[FIELD.lastRegion >> 2]),
      }),
    );
    return compiled;
  }

  /** Runs the interpreting hart to where the other one has stopped; further if it does not come by there. */
  #follow(target: Target, exceptionsBefore: number): Exit {
    const { shadow } = this;
    const before = shadow.instructions;
    let exit: Exit = EXIT.yield;
    this.#tape.replay(() => {
      exit = shadow.run(target.instructions);
      for (;;) {
        const left = target.instructions - (shadow.instructions - before);
        const exceptionsLeft = target.exceptions - (shadow.exceptionRow.total - exceptionsBefore);
        if (exit !== EXIT.yield || left < 0 || exceptionsLeft < 0) return;
        if (left === 0 && exceptionsLeft === 0 && target.exit === EXIT.yield) return;
        exit = shadow.goOn(left);
      }
    });
    return exit;
  }

  #compareMemoryNowAndThen(atEnd: boolean): void {
    const interval = this.#lockstep.memoryInterval ?? MEMORY_INTERVAL;
    const due = interval === 0 ? atEnd : this.instructions - this.#memoryComparedAt >= interval;
    if (due) this.compareMemory();
  }

  /** Somebody wants it out, or its guest waits. */
  #hasToLeave(): boolean {
    if (this.pausedOften) return true;
    // Meets the store of a kick, as the poll of the hart itself.
    return Atomics.load(this.#memoryWords, this.state.addresses[FIELD.exitRequest >> 2] / 4) !== 0;
  }

  #fail(report: string): void {
    if (this.#differs) return;
    this.#differs = true;
    this.#lockstep.onDifference(report);
  }
}

/** Where a stretch ended. */
interface Target {
  readonly exit: Exit;
  readonly instructions: number;
  readonly exceptions: number;
}

function pcOf({ state }: Hart): bigint {
  return (BigInt(state.pcHigh >>> 0) << 32n) | BigInt(state.pcLow >>> 0);
}
