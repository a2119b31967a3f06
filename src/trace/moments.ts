/**
 * All that happens to the processors of a machine and to their interrupts, live, for a picture: more than
 * `vm.interrupts()` tells, and as rows of numbers, for there may be a hundred thousand a second.
 */

import type { CpuSummary } from './ledger.ts';
import { MissingStream } from './missing-stream.ts';
import { TRACE } from './words.ts';

/** The kinds of moments. The number of a kind in a row is its place in this list. */
export const MOMENT_STEPS = [
  /** A vCPU was in its guest for `span`: a flush before it, an exit and a sync behind it. */
  'stay',
  /** A thread sets an interrupt of a vCPU. */
  'set',
  /** A thread makes a vCPU look at its interrupts. */
  'kick',
  /** A wire to the interrupt controller rises, or a message is sent to an interrupt file. */
  'raise',
  /** A flush has put an interrupt into HVIP that was not there. */
  'inject',
  /** The guest is in the handler of an interrupt. */
  'take',
  /** The guest has claimed a source, or an identity. */
  'claim',
  /** The guest has looked for something to claim, and there was nothing. */
  'spurious',
  /** An interrupt was set, and is nowhere. */
  'lost',
  /** A vCPU waits for an interrupt, and is on no pCPU any more. */
  'sleep',
  /** It was about to sleep, and has found something to do. */
  'awake',
  /** It is on the run queue. */
  'wake',
  /** Its turn is over, and it waits for the next. */
  'yield',
  /** It has stopped. */
  'stop',
  /** A pCPU has taken it from the run queue. */
  'load',
  /** Records were lost before this moment: `detail` of them. */
  'gap',
] as const;

/** The kind of a moment, as {@link MOMENT_STEPS} explains. */
export type MomentStep = (typeof MOMENT_STEPS)[number];

/** Places of the numbers in a row. */
export const MOMENT = {
  /** Milliseconds since the start of the trace. Of a stay, of its end. */
  time: 0,
  /** {@link MOMENT_STEPS} */
  step: 1,
  /** Where it happens: the number of a vCPU, or behind those 1 for each thread of {@link MomentSubject}. */
  lane: 2,
  /** The vCPU that it is for; -1 where that is not known. */
  cpu: 3,
  /** As the guest knows it: 1 software, 5 timer, 9 external. Of a stay, its end: `STAY_END | detail << 8`. */
  cause: 4,
  /** Source or identity; of a stay, HVIP at its begin, and at its end in the upper half; of a load, the pCPU. */
  detail: 5,
  /** The same number in all moments of one interrupt; 0 if it has none. */
  flow: 6,
  /** Milliseconds: of a stay its length, of a timer's `take` how late it is. */
  span: 7,
} as const;

/** Numbers of a row. */
export const MOMENT_ROW = 8;

/** Counts of one vCPU, in the order of their numbers in a batch. */
export const MOMENT_COUNTS = [
  'set',
  'coalesced',
  'injected',
  'taken',
  'own',
  'cleared',
  'withdrawn',
  'spurious',
  'lost',
  'timers',
  'externals',
  'nothingToClaim',
] as const;

/** The name of one of {@link MOMENT_COUNTS}. */
export type MomentCount = (typeof MOMENT_COUNTS)[number];

/** Rows that go to the thread that owns the machine together. */
export interface MomentBatch {
  readonly rows: Float64Array;
  /** Moments before these that did not find room. */
  readonly missing: number;
  /** {@link MOMENT_COUNTS} of each vCPU since the start of the trace; moments that did not find room are in them. */
  readonly counts: Float64Array;
}

/** The meaning of the lanes and numbers of moments. */
export interface MomentSubject {
  readonly kind: 'domain' | 'bare';
  readonly cpus: number;
  /** The lanes behind those of the vCPUs, one for each thread that has a ring. */
  readonly threads: readonly string[];
  readonly sources: ReadonlyMap<number, string>;
}

/** Moments of a machine, from now on. */
export interface Moments extends AsyncIterableIterator<MomentBatch> {
  readonly subject: MomentSubject;
}

const NUMBERS = Object.fromEntries(MOMENT_STEPS.map((step, number) => [step, number])) as Readonly<
  Record<MomentStep, number>
>;

/** Moments of a batch, and batches that may be under way; those beyond are counted as missing. */
const MOST_MOMENTS = 1 << 15;
const MOST_BATCHES = 8;

/** The sending end, on the thread that follows the interrupts. */
export class MomentSender {
  readonly #words: Int32Array;
  readonly #send: (batch: MomentBatch) => void;
  readonly #rows = new Float64Array(MOST_MOMENTS * MOMENT_ROW);
  #count = 0;
  #missing = 0;
  #sent = 0;

  /** @param words those before the rings */
  constructor(words: Int32Array, send: (batch: MomentBatch) => void) {
    this.#words = words;
    this.#send = send;
  }

  /** Whether somebody looks; asked once for each record. */
  get isWatched(): boolean {
    // Meets the adds in `MomentReceiver`.
    return Atomics.load(this.#words, TRACE.word.viewers) !== 0;
  }

  add(
    time: number,
    step: MomentStep,
    lane: number,
    cpu: number,
    cause = 0,
    detail = 0,
    flow = 0,
    span = 0,
  ): void {
    if (this.#count === MOST_MOMENTS) {
      this.#missing++;
      return;
    }
    const rows = this.#rows;
    const at = this.#count * MOMENT_ROW;
    rows[at + MOMENT.time] = time;
    rows[at + MOMENT.step] = NUMBERS[step];
    rows[at + MOMENT.lane] = lane;
    rows[at + MOMENT.cpu] = cpu;
    rows[at + MOMENT.cause] = cause;
    rows[at + MOMENT.detail] = detail;
    rows[at + MOMENT.flow] = flow;
    rows[at + MOMENT.span] = span;
    this.#count++;
  }

  /** Sends the moments that there are, if the receiver has kept up. @param summary of all vCPUs, if it is sent */
  flush(summary: () => readonly CpuSummary[]): void {
    if (this.#count === 0) return;
    const { shown } = TRACE.word;
    // Meets the add in `MomentReceiver.receive`. Both counts go round modulo 2^32.
    if (((this.#sent - Atomics.load(this.#words, shown)) | 0) >= MOST_BATCHES) {
      this.#missing += this.#count;
    } else {
      const rows = this.#rows.slice(0, this.#count * MOMENT_ROW);
      // Moments that did not find room came behind these, and are told with the next ones.
      this.#send({ rows, missing: this.#takeMissing(), counts: countsOf(summary()) });
      this.#sent = (this.#sent + 1) | 0;
    }
    this.#count = 0;
  }

  #takeMissing(): number {
    const missing = this.#missing;
    this.#missing = 0;
    return missing;
  }
}

function countsOf(cpus: readonly CpuSummary[]): Float64Array {
  const counts = new Float64Array(cpus.length * MOMENT_COUNTS.length);
  for (const [index, { software, timers, externals, spurious }] of cpus.entries()) {
    const all: Record<MomentCount, number> = { ...software, timers, externals, nothingToClaim: spurious };
    for (const [place, name] of MOMENT_COUNTS.entries())
      counts[index * MOMENT_COUNTS.length + place] = all[name];
  }
  return counts;
}

/** The receiving end, on the thread that owns the machine. */
export class MomentReceiver {
  readonly #words: Int32Array;
  readonly #subject: MomentSubject;
  readonly #streams = new Set<MomentStream>();
  #hasEnded = false;

  constructor(words: Int32Array, subject: MomentSubject) {
    this.#words = words;
    this.#subject = subject;
  }

  receive(batch: MomentBatch): void {
    // Meets the load in `MomentSender.flush`.
    Atomics.add(this.#words, TRACE.word.shown, 1);
    for (const stream of this.#streams) stream.put(batch);
  }

  /** No more moments come. */
  end(): void {
    this.#hasEnded = true;
    for (const stream of this.#streams) stream.end();
  }

  /** @param limit batches that wait for a slow reader at most; their moments are counted as missing */
  watch(limit: number): Moments {
    const stream = new MomentStream(this.#subject, limit, () => {
      // Meets the load in `MomentSender.isWatched`.
      if (this.#streams.delete(stream)) Atomics.sub(this.#words, TRACE.word.viewers, 1);
    });
    if (this.#hasEnded) stream.end();
    else {
      this.#streams.add(stream);
      // Meets the load in `MomentSender.isWatched`.
      Atomics.add(this.#words, TRACE.word.viewers, 1);
    }
    return stream;
  }
}

class MomentStream extends MissingStream<MomentBatch> implements Moments {
  readonly subject: MomentSubject;

  constructor(subject: MomentSubject, limit: number, leave: () => void) {
    super(limit, ({ rows }) => rows.length / MOMENT_ROW, leave);
    this.subject = subject;
  }
}
