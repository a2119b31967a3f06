import {
  MOMENT,
  MOMENT_COUNTS,
  MOMENT_ROW,
  MOMENT_STEPS,
  type MomentBatch,
  type MomentCount,
  type MomentStep,
  type MomentSubject,
  type Moments,
} from '../../src/trace/moments.ts';
import { STAY_END } from '../../src/trace/recorder.ts';

/** A made-up machine for trying and measuring the timeline: vCPUs that send each other IPIs at a given pace. */
export interface SyntheticOptions {
  readonly cpus: number;
  /** Events a second, of all vCPUs. */
  readonly rate: number;
  /** One set of so many is lost; none if it is 0. */
  readonly lostOf?: number;
  readonly seed?: number;
}

/** Events that one IPI makes: set, kick, exit, inject, take, and now and then sleep, wake, load. */
const EVENTS_PER_ROUND = 6.2;

/** The rest of a moment, as `MOMENT` names its numbers: 0 if it is left out, and the lane's own vCPU. */
interface More {
  readonly cpu?: number;
  readonly cause?: number;
  readonly detail?: number;
  readonly flow?: number;
  readonly span?: number;
}

/** Makes the moments of such a machine, always the same for the same options. */
export class SyntheticMachine {
  readonly subject: MomentSubject;
  readonly #options: SyntheticOptions;
  readonly #counts: Float64Array;
  #random: number;
  #time = 0;
  #flow = 0;
  #round = 0;
  #rows: number[] = [];

  constructor(options: SyntheticOptions) {
    this.#options = options;
    this.#random = options.seed ?? 1;
    const threads = [
      ...Array.from({ length: options.cpus }, (_, index) => `pCPU ${index}`),
      'I/O thread 0',
      'main thread',
    ];
    this.subject = { kind: 'domain', cpus: options.cpus, threads, sources: new Map([[10, 'uart16550']]) };
    this.#counts = new Float64Array(options.cpus * MOMENT_COUNTS.length);
  }

  /** All moments until a time, in milliseconds, that were not given before. */
  until(time: number): MomentBatch {
    const { cpus, rate } = this.#options;
    const pause = (1000 * EVENTS_PER_ROUND) / rate;
    this.#rows = [];
    while (this.#time < time) {
      this.#playRound(Math.floor(this.#next() * cpus), pause);
      this.#time += pause * (0.5 + this.#next());
    }
    const order = Array.from({ length: this.#rows.length / MOMENT_ROW }, (_, index) => index * MOMENT_ROW);
    order.sort((one, other) => (this.#rows[one] as number) - (this.#rows[other] as number));
    const rows = new Float64Array(this.#rows.length);
    for (const [index, from] of order.entries())
      rows.set(this.#rows.slice(from, from + MOMENT_ROW), index * MOMENT_ROW);
    return { rows, missing: 0, counts: this.#counts.slice() };
  }

  /** One vCPU sends an IPI to another one, which leaves its guest, or wakes up, and gets it. */
  #playRound(from: number, pause: number): void {
    const to = (from + 1 + Math.floor(this.#next() * (this.#options.cpus - 1))) % this.#options.cpus;
    const at = this.#time;
    const unit = Math.min(0.002, pause / 8);
    const flow = ++this.#flow;
    const isLost =
      this.#options.lostOf !== undefined &&
      this.#options.lostOf > 0 &&
      ++this.#round % this.#options.lostOf === 0;
    this.#put(at, 'set', from, { cpu: to, cause: 1, flow });
    this.#count(to, 'set');
    this.#put(at + unit, 'kick', from, { cpu: to, cause: 1, flow });
    if (this.#next() < 0.1) {
      this.#put(at + unit * 1.5, 'wake', from, { cpu: to });
      this.#put(at + unit * 2, 'load', to, { detail: to });
    } else {
      this.#put(at + unit * 2, 'stay', to, { cause: STAY_END.yield, span: unit * 2 });
    }
    if (isLost) {
      this.#put(at + unit * 6, 'lost', to, { cause: 1, flow });
      this.#count(to, 'lost');
      return;
    }
    this.#put(at + unit * 3, 'inject', to, { cause: 1, flow });
    this.#count(to, 'injected');
    this.#put(at + unit * 4, 'take', to, { cause: 1, flow });
    this.#count(to, 'taken');
    const end = this.#next();
    const why = end < 0.2 ? STAY_END.wfi : STAY_END.sbi | (0x735049 << 8);
    this.#put(at + unit * 6, 'stay', to, { cause: why, detail: 4, span: unit * 3 });
    if (end < 0.1) this.#put(at + unit * 7, 'sleep', to, {});
  }

  #put(time: number, step: MomentStep, lane: number, more: More): void {
    const { cpu = lane, cause = 0, detail = 0, flow = 0, span = 0 } = more;
    const row = new Array<number>(MOMENT_ROW).fill(0);
    row[MOMENT.time] = time;
    row[MOMENT.step] = MOMENT_STEPS.indexOf(step);
    row[MOMENT.lane] = lane;
    row[MOMENT.cpu] = cpu;
    row[MOMENT.cause] = cause;
    row[MOMENT.detail] = detail;
    row[MOMENT.flow] = flow;
    row[MOMENT.span] = span;
    this.#rows.push(...row);
  }

  #count(cpu: number, name: MomentCount): void {
    (this.#counts[cpu * MOMENT_COUNTS.length + MOMENT_COUNTS.indexOf(name)] as number)++;
  }

  /** From 0 up to 1 (xorshift32). */
  #next(): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return (this.#random >>> 0) / 2 ** 32;
  }
}

/** Batches that are given as they come. */
export class MomentQueue implements Moments {
  readonly subject: MomentSubject;
  readonly #batches: MomentBatch[] = [];
  #waiting: ((result: IteratorResult<MomentBatch>) => void) | undefined;
  #hasEnded = false;

  constructor(subject: MomentSubject) {
    this.subject = subject;
  }

  put(batch: MomentBatch): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#batches.push(batch);
    else waiting({ done: false, value: batch });
  }

  next(): Promise<IteratorResult<MomentBatch>> {
    const value = this.#batches.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<MomentBatch>> {
    this.#hasEnded = true;
    this.#waiting?.({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
