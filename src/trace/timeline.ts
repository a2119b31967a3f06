import {
  type InterruptEvent,
  InterruptTimeline,
  SOFTWARE,
  type SourceSummary,
} from './interrupt-timeline.ts';
import type { CpuSummary } from './ledger.ts';
import type { MomentSender, MomentStep } from './moments.ts';
import { CLEAR_IPI, stayEndName } from './names.ts';
import type { Argument, PerfettoWriter } from './perfetto.ts';
import { STAY_END, spanOf } from './recorder.ts';
import type { RecordBatch } from './ring.ts';
import { NumberedNames, Stage } from './stage.ts';
import type { TraceSubject } from './tracks.ts';
import { KIND, LEAVE } from './words.ts';

/** Finds the function that an address is in. */
export interface Symbols {
  /** @returns its name; undefined if the address is in none */
  name(low: number, high: number): string | undefined;
}

/** The parts that a timeline may do without. */
export interface TimelineParts {
  readonly symbols?: Symbols | undefined;
  /** Is told of each interrupt on its way. */
  readonly watch?: ((event: InterruptEvent) => void) | undefined;
  /** Gets all that happens, while somebody looks. */
  readonly moments?: MomentSender | undefined;
}

/** The counts of a trace. */
export interface TraceSummary {
  readonly kind: TraceSubject['kind'];
  readonly cpus: readonly CpuSummary[];
  readonly sources: readonly SourceSummary[];
  /** Records that did not find room in their ring: their news are missing in all of the above. */
  readonly lostRecords: number;
}

type Handler = (ring: number, record: RecordBatch) => void;

/** Makes events for people of the records of all rings, which it is given in the order of their times. */
export class Timeline {
  readonly #stage: Stage;
  readonly #out: PerfettoWriter;
  readonly #interrupts: InterruptTimeline;
  readonly #symbols: Symbols | undefined;
  readonly #handlers: readonly (Handler | undefined)[];
  /** By the word of a record that has the end and its detail. */
  readonly #exits = new NumberedNames((word) => stayEndName(word & 0xff, word >>> 8));
  #lostRecords = 0;

  /** @param start milliseconds of shared time that are 0 in the trace */
  constructor(out: PerfettoWriter, subject: TraceSubject, start: number, parts: TimelineParts = {}) {
    this.#out = out;
    this.#stage = new Stage(out, subject, start, parts.moments);
    this.#interrupts = new InterruptTimeline(this.#stage, parts.watch);
    this.#symbols = parts.symbols;
    this.#handlers = this.#allHandlers();
  }

  /** Takes the next record of a ring. */
  take(ring: number, record: RecordBatch): void {
    const { kind } = record;
    this.#stage.beginRecord();
    this.#settleLeave(ring, kind === KIND.stayAwake);
    this.#handlers[kind]?.(ring, record);
    if (kind !== KIND.raise && kind !== KIND.message && kind !== KIND.kick)
      this.#stage.thread(ring).raised = 0;
  }

  /** Looks for vCPUs that sleep although they should have been woken. @param now milliseconds of shared time */
  look(now: number): void {
    this.#stage.beginRecord();
    for (const [index, { asleep }] of this.#stage.cpus.entries()) {
      if (asleep < now) this.#interrupts.look(index, asleep, now);
    }
  }

  /** The counts of each vCPU or hart so far. */
  cpus(): readonly CpuSummary[] {
    return this.#interrupts.summary();
  }

  /** Ends all open states. @param now milliseconds of shared time */
  finish(now: number): void {
    this.look(now);
    this.#interrupts.finish();
    for (const ring of this.#stage.threads.keys()) this.#settleLeave(ring, false);
    this.#stage.finish(now);
  }

  summary(): TraceSummary {
    return {
      kind: this.#stage.subject.kind,
      cpus: this.#interrupts.summary(),
      sources: this.#interrupts.sources(),
      lostRecords: this.#lostRecords,
    };
  }

  #allHandlers(): readonly (Handler | undefined)[] {
    const interrupts = this.#interrupts;
    const handlers: Record<(typeof KIND)[keyof typeof KIND], Handler> = {
      [KIND.lost]: (ring, record) => this.#lose(ring, record),
      [KIND.stay]: (_, record) => this.#stay(record),
      [KIND.inject]: (_, record) => interrupts.inject(record, this.#stage.cpu(record.subject).stayEnd),
      [KIND.taken]: (_, record) => interrupts.taken(record),
      [KIND.load]: (ring, record) => this.#load(ring, record),
      [KIND.leave]: (ring, record) => this.#leave(ring, record),
      [KIND.stayAwake]: (_, record) => this.#enterHypervisor(record, 'awake'),
      [KIND.ready]: (ring, record) => this.#ready(ring, record),
      [KIND.idle]: (ring, record) => this.#idle(ring, record),
      [KIND.set]: (ring, record) => interrupts.set(ring, record),
      [KIND.setDone]: (ring, record) => interrupts.setDone(ring, record),
      [KIND.kick]: (ring, record) => interrupts.kick(ring, record),
      [KIND.raise]: (ring, record) => interrupts.wire(ring, record),
      [KIND.lower]: (ring, record) => interrupts.wire(ring, record),
      [KIND.claim]: (_, record) => interrupts.claim(record),
      [KIND.message]: (ring, record) => interrupts.message(ring, record),
      [KIND.messageClaim]: (_, record) => interrupts.messageClaim(record),
      [KIND.request]: (_, record) => this.#request(record),
      [KIND.compiled]: (ring, record) => this.#compiled(ring, record),
      [KIND.slept]: (_, record) => this.#slept(record),
      [KIND.restart]: (_, record) => interrupts.withdraw(record),
      [KIND.arm]: (_, record) => interrupts.arm(record),
    };
    return Array.from({ length: Math.max(...Object.values(KIND)) + 1 }, (_, kind) =>
      Object.hasOwn(handlers, kind) ? handlers[kind as keyof typeof handlers] : undefined,
    );
  }

  #stay(record: RecordBatch): void {
    const { subject, time } = record;
    const stage = this.#stage;
    const span = spanOf(record.a);
    const flushed = time - span;
    stage.moment(time, 'stay', subject, subject, record.c, record.b, 0, span);
    if (stage.subject.kind === 'bare') {
      stage.enterState(subject, stage.time(flushed), stage.names.code);
      stage.enterState(subject, stage.time(time), undefined);
      return;
    }
    stage.enterState(subject, stage.time(flushed), stage.names.guest);
    const cpu = stage.cpu(subject);
    const cleared = this.#interrupts.stay(record, flushed, cpu.stayEnd);
    cpu.stayEnd = time;
    this.#exit(record, cleared);
  }

  #exit(record: RecordBatch, ends: readonly number[]): void {
    const { subject, d: pcLow, e: pcHigh } = record;
    const end = record.c & 0xff;
    const detail = record.c >>> 8;
    const time = this.#stage.time(record.time);
    const args = this.#place(pcLow, pcHigh);
    this.#stage.enterState(subject, time, this.#exits.get(record.c), { args, ends });
    if (end === STAY_END.yield && this.#symbols !== undefined) {
      const name = this.#symbols.name(pcLow, pcHigh) ?? 'no function';
      this.#out.instant(this.#stage.tracks.samples(subject), time, name);
    }
    if (end === STAY_END.sbi && detail === CLEAR_IPI) this.#interrupts.withdraw(record);
  }

  #load(ring: number, record: RecordBatch): void {
    this.#stage.thread(ring).cpu = record.subject;
    this.#enterHypervisor(record, 'load', ring);
    this.#stage.enterThreadState(
      ring,
      this.#stage.time(record.time),
      this.#stage.names.vcpu.get(record.subject),
    );
  }

  #enterHypervisor(record: RecordBatch, step: MomentStep, pcpu = 0): void {
    const { subject } = record;
    this.#stage.moment(record.time, step, subject, subject, 0, pcpu);
    const cpu = this.#stage.cpu(subject);
    cpu.isLoaded = true;
    cpu.asleep = Number.POSITIVE_INFINITY;
    this.#stage.enterState(subject, this.#stage.time(record.time), this.#stage.names.hypervisor);
  }

  /** A pCPU has left its vCPU, unless its next record is that the vCPU stays awake. */
  #settleLeave(ring: number, stays: boolean): void {
    const thread = this.#stage.thread(ring);
    const { leftAt } = thread;
    thread.leftAt = undefined;
    if (leftAt === undefined || stays) return;
    thread.cpu = -1;
    this.#stage.enterThreadState(ring, leftAt, undefined);
  }

  #leave(ring: number, record: RecordBatch): void {
    const time = this.#stage.time(record.time);
    const { subject, a: how, b: enabled } = record;
    const cpu = this.#stage.cpu(subject);
    cpu.isLoaded = false;
    if (how === LEAVE.block && (enabled & (1 << SOFTWARE)) !== 0) cpu.asleep = record.time;
    const { wfi, runnable, stopped } = this.#stage.names;
    const name = how === LEAVE.block ? wfi : how === LEAVE.yield ? runnable : stopped;
    this.#stage.enterState(subject, time, name);
    const step = how === LEAVE.block ? 'sleep' : how === LEAVE.yield ? 'yield' : 'stop';
    this.#stage.moment(record.time, step, subject, subject);
    this.#stage.thread(ring).leftAt = time;
  }

  #ready(ring: number, record: RecordBatch): void {
    const { subject } = record;
    this.#stage.moment(record.time, 'wake', this.#stage.laneOf(ring), subject);
    const cpu = this.#stage.cpu(subject);
    cpu.asleep = Number.POSITIVE_INFINITY;
    if (!cpu.isLoaded)
      this.#stage.enterState(subject, this.#stage.time(record.time), this.#stage.names.runnable);
  }

  #idle(ring: number, record: RecordBatch): void {
    this.#stage.enterThreadState(
      ring,
      this.#stage.time(record.time - spanOf(record.a)),
      this.#stage.names.idle,
    );
    this.#stage.enterThreadState(ring, this.#stage.time(record.time), undefined);
  }

  #slept(record: RecordBatch): void {
    const { subject, time, a: span } = record;
    const began = time - spanOf(span);
    this.#stage.enterState(subject, this.#stage.time(began), this.#stage.names.wfi);
    this.#stage.enterState(subject, this.#stage.time(time), undefined);
    this.#stage.moment(began, 'sleep', subject, subject);
    this.#stage.moment(time, 'wake', subject, subject);
  }

  #request(record: RecordBatch): void {
    const { subject: device, b: queue, c: head, d: written } = record;
    const track = this.#stage.tracks.queue(device, queue);
    const args = [
      { name: 'descriptor', number: head >>> 0 },
      { name: 'bytes for the guest', number: written >>> 0 },
    ];
    this.#out.begin(track, this.#stage.time(record.time - spanOf(record.a)), 'request', { args });
    this.#out.end(track, this.#stage.time(record.time));
  }

  #compiled(ring: number, record: RecordBatch): void {
    const { b: deep, c: bytes, d: low, e: high } = record;
    const track = this.#stage.tracks.compiler(ring);
    const args = [...this.#place(low, high), { name: 'bytes of WebAssembly', number: bytes >>> 0 }];
    const began = this.#stage.time(record.time - spanOf(record.a));
    this.#out.begin(track, began, deep === 0 ? 'compile' : 'compile deeper', { args });
    this.#out.end(track, this.#stage.time(record.time));
  }

  /** Where in the guest's code, for people. */
  #place(low: number, high: number): readonly Argument[] {
    const pc = { name: 'pc', low, high };
    const name = this.#symbols?.name(low, high);
    return name === undefined ? [pc] : [pc, { name: 'function', text: name }];
  }

  #lose(ring: number, record: RecordBatch): void {
    this.#lostRecords += record.a;
    this.#interrupts.forget();
    this.#stage.moment(record.time, 'gap', this.#stage.laneOf(ring), -1, 0, record.a);
    for (const cpu of this.#stage.cpus) cpu.stayEnd = Number.NEGATIVE_INFINITY;
    this.#stage.threadInstant(ring, record, `${record.a} records lost`);
  }
}
