import type { CheckOptions, RegionCodeBytes } from '../../jit/index.ts';
import { align, array, i32, many, struct, u8 } from '../../layout/struct.ts';

/** Words of what a hart has compiled at most; it compiles longer ones itself. */
const MOST_WORDS = 1 << 14;
/** Base registers with checks of several accesses, by place. */
const MOST_CHECKS = 1024;
/** Bytes of a module, far more than a region of the most instructions has. */
const MOST_BYTES = 1 << 19;

/**
 * Regions that harts compile themselves before a thread for that is worth its start: some 80 ms of CPU time. A program
 * with a few hot loops has fewer, a booting Linux some hundred.
 */
const WORTH_A_THREAD = 16;

/** Characters of the reason why code did not compile. */
const LONGEST_REASON = 1000;

/** Desks of a hart: so many regions are asked for at most before the first one is there. */
export const DESKS = 4;

/** Whose turn it is at a desk. */
const TURN = { free: 0, asked: 1, answered: 2 } as const;

const DESK = struct({
  turn: align(64, i32),
  /** What is asked. */
  ungrouped: i32,
  ungroupedBases: i32,
  wordCount: i32,
  words: array(i32, MOST_WORDS),
  /** What is answered; instead of a module there may be the reason why there is none, in UTF-8. */
  isRefused: i32,
  checkCount: i32,
  checks: array(i32, 2 * MOST_CHECKS),
  byteCount: i32,
  bytes: align(64, array(u8, MOST_BYTES)),
});

const SHARED = struct({
  /** Counts up with all that may be news for the compiler's thread. */
  bell: align(64, i32),
  /** 1: the thread waits for its bell. */
  sleeps: i32,
  /** 1: the thread is there. */
  ready: i32,
  /** 1: the machine has ended. */
  stopped: i32,
  /** Regions that harts have compiled themselves. */
  compiled: i32,
  desks: many(DESK),
});

const AT = SHARED.word;
const ASK = DESK.word;

/** The memory by which the harts of a machine have their code compiled: it can be sent to threads. */
export type CompilerMemory = SharedArrayBuffer;

export function createCompilerMemory(harts: number): CompilerMemory {
  return new SharedArrayBuffer(SHARED.wordsFor(harts * DESKS) * Int32Array.BYTES_PER_ELEMENT);
}

function deskAddress(desk: number): number {
  return SHARED.bytes + desk * DESK.bytes;
}

/** What a hart has compiled. */
export interface CompileQuestion extends CheckOptions {
  /** `graphToWords` */
  readonly words: ArrayLike<number>;
}

/** The code, or the reason why there is none. */
export type CompileAnswer = RegionCodeBytes | { readonly refused: string };

/** A hart's side of its desks: it asks, and goes on until the answer is there. */
export class CompilerPort {
  readonly #shared: Int32Array;
  readonly #buffer: CompilerMemory;
  readonly #desks: readonly { readonly address: number; readonly words: Int32Array }[];
  readonly #want: () => void;

  /** @param want is called when there should be a thread to serve the harts: once, of all harts */
  constructor(memory: CompilerMemory, hart: number, want: () => void) {
    this.#want = want;
    this.#buffer = memory;
    this.#shared = new Int32Array(memory);
    this.#desks = Array.from({ length: DESKS }, (_, index) => {
      const address = deskAddress(hart * DESKS + index);
      return { address, words: DESK.over(memory, address) };
    });
  }

  /** Somebody will answer. */
  get isServed(): boolean {
    // Meets the store in `CompilerDesks.open`.
    return Atomics.load(this.#shared, AT.ready) === 1;
  }

  /** Counts a region that this hart compiles itself. */
  countOwn(): void {
    // Meets itself on other threads: each number is met once.
    if (Atomics.add(this.#shared, AT.compiled, 1) + 1 === WORTH_A_THREAD) this.#want();
  }

  /**
   * Asks at one of the desks, at which no answer is due.
   *
   * @returns false when there is more of it than the desk has room for
   */
  ask(desk: number, { words, ungrouped, ungroupedBases }: CompileQuestion): boolean {
    if (words.length > MOST_WORDS) return false;
    const own = this.#desks[desk].words;
    own[ASK.ungrouped] = ungrouped ? 1 : 0;
    own[ASK.ungroupedBases] = ungroupedBases;
    own[ASK.wordCount] = words.length;
    own.set(words, ASK.words);
    // Meets the load in `CompilerDesks.wait`, behind which the thread sees all of the question.
    Atomics.store(own, ASK.turn, TURN.asked);
    ring(this.#shared);
    return true;
  }

  isAnswered(desk: number): boolean {
    // Meets the store in `CompilerDesks.answer`.
    return Atomics.load(this.#desks[desk].words, ASK.turn) === TURN.answered;
  }

  /** Takes the answer that is there. */
  take(desk: number): CompileAnswer {
    const { address, words } = this.#desks[desk];
    // The engine takes no shared memory.
    const bytes = new Uint8Array(DESK.view('bytes', this.#buffer, address).subarray(0, words[ASK.byteCount]));
    const isRefused = words[ASK.isRefused] === 1;
    const wideChecks = new Map<number, number>();
    for (let check = 0; check < words[ASK.checkCount]; check++) {
      wideChecks.set(words[ASK.checks + 2 * check], words[ASK.checks + 2 * check + 1]);
    }
    // Meets the load in `CompilerDesks.wait`: what is behind it may be written over.
    Atomics.store(words, ASK.turn, TURN.free);
    return isRefused ? { refused: new TextDecoder().decode(bytes) } : { bytes, wideChecks };
  }
}

/** The side of the thread that compiles for all harts of a machine. */
export class CompilerDesks {
  readonly #buffer: CompilerMemory;
  readonly #shared: Int32Array;
  readonly #count: number;
  #last = 0;

  constructor(memory: CompilerMemory) {
    this.#buffer = memory;
    this.#shared = new Int32Array(memory);
    this.#count = (memory.byteLength - SHARED.bytes) / DESK.bytes;
  }

  /** From now on harts ask. */
  open(): void {
    // Meets the load in `CompilerPort.isServed`.
    Atomics.store(this.#shared, AT.ready, 1);
  }

  /** The machine has ended. */
  get isStopped(): boolean {
    // Meets the store in `stopCompiler`.
    return Atomics.load(this.#shared, AT.stopped) === 1;
  }

  /** Waits until a hart has asked, or the machine has ended. @returns the desk; undefined at the end */
  wait(): number | undefined {
    for (;;) {
      // Before the look at the desks: a bell that rings later ends the wait.
      const bell = Atomics.load(this.#shared, AT.bell);
      if (this.isStopped) return undefined;
      const desk = this.#next();
      if (desk !== undefined) return desk;
      // Meets the load in `ring`, as the wait meets its add and its notify.
      Atomics.store(this.#shared, AT.sleeps, 1);
      Atomics.wait(this.#shared, AT.bell, bell);
      // Meets the load in `ring`.
      Atomics.store(this.#shared, AT.sleeps, 0);
    }
  }

  /** Each desk in turn. */
  #next(): number | undefined {
    for (let step = 1; step <= this.#count; step++) {
      const desk = (this.#last + step) % this.#count;
      // Meets the store in `CompilerPort.ask`.
      if (Atomics.load(this.#words(desk), ASK.turn) !== TURN.asked) continue;
      this.#last = desk;
      return desk;
    }
    return undefined;
  }

  question(desk: number): CompileQuestion & { readonly words: Int32Array } {
    const own = this.#words(desk);
    return {
      words: own.slice(ASK.words, ASK.words + own[ASK.wordCount]),
      ungrouped: own[ASK.ungrouped] === 1,
      ungroupedBases: own[ASK.ungroupedBases],
    };
  }

  answer(desk: number, answer: CompileAnswer): void {
    if ('refused' in answer) {
      this.#give(desk, new TextEncoder().encode(answer.refused.slice(0, LONGEST_REASON)), [], 1);
      return;
    }
    const { bytes } = answer;
    const checks = [...answer.wideChecks];
    if (bytes.length > MOST_BYTES || checks.length > MOST_CHECKS) {
      throw new Error('its code is too long to be handed over');
    }
    this.#give(desk, bytes, checks.flat(), 0);
  }

  #give(desk: number, bytes: Uint8Array, checks: readonly number[], isRefused: number): void {
    const own = this.#words(desk);
    own[ASK.isRefused] = isRefused;
    own[ASK.checkCount] = checks.length / 2;
    own.set(checks, ASK.checks);
    own[ASK.byteCount] = bytes.length;
    DESK.view('bytes', this.#buffer, deskAddress(desk)).set(bytes);
    // Meets the load in `CompilerPort.isAnswered`, behind which the hart sees all of the answer.
    Atomics.store(own, ASK.turn, TURN.answered);
  }

  #words(desk: number): Int32Array {
    return DESK.over(this.#buffer, deskAddress(desk));
  }
}

/** Has the compiler's thread leave, for good. */
export function stopCompiler(memory: CompilerMemory): void {
  const shared = new Int32Array(memory);
  // Meets the load in `CompilerDesks.isStopped`.
  Atomics.store(shared, AT.stopped, 1);
  ring(shared);
}

function ring(shared: Int32Array): void {
  // Meets the load and the wait in `CompilerDesks.wait`: whoever has not slept yet does not.
  Atomics.add(shared, AT.bell, 1);
  // Meets the store in `CompilerDesks.wait`, which comes before its wait: the bell moved before that, or it is heard.
  if (Atomics.load(shared, AT.sleeps) === 1) Atomics.notify(shared, AT.bell);
}
