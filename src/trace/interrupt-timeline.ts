import { type ClaimCounts, ClaimLedger, type CpuSummary, EdgeLedger, type LostSet } from './ledger.ts';
import type { MomentStep } from './moments.ts';
import { interruptName, vcpuInterruptName } from './names.ts';
import { type Argument, Name } from './perfetto.ts';
import { MODE_NUMBERS, spanOf } from './recorder.ts';
import type { RecordBatch } from './ring.ts';
import { NumberedNames, type Stage } from './stage.ts';
import { KIND } from './words.ts';

/** The software interrupt in HVIP. */
export const SOFTWARE = 2;
/** Causes as a guest has them. */
const CAUSE = { software: 1, timer: 5, external: 9 } as const;
const MODE_NAMES = Object.keys(MODE_NUMBERS);
/** Arrows through one event at most. */
const MOST_FLOWS = 64;

/** An interrupt on its way, for live watchers. */
export interface InterruptEvent {
  /** Milliseconds since the start of the trace. */
  readonly time: number;
  /** The vCPU or hart that it is for; -1 as long as that is not known. */
  readonly cpu: number;
  readonly what: (typeof INTERRUPT_STEPS)[number];
  /** As the guest knows it: 1 software, 5 timer, 9 external. */
  readonly cause: number;
  /** Source of the interrupt controller, or identity of the interrupt file; 0 if it is not known. */
  readonly source: number;
  /** The same number in all events of one interrupt; 0 if it has none. */
  readonly flow: number;
}

/** The steps in the life of an interrupt. */
export const INTERRUPT_STEPS = ['set', 'injected', 'taken', 'raised', 'claimed', 'spurious', 'lost'] as const;

/** The same in pictures. */
const STEP_OF: Readonly<Record<InterruptEvent['what'], MomentStep>> = {
  ...{ set: 'set', injected: 'inject', taken: 'take', raised: 'raise', claimed: 'claim' },
  ...{ spurious: 'spurious', lost: 'lost' },
};

/** Interrupts that are claimed, with the words for them. */
export type SourceSummary = ClaimCounts & { readonly name: string };

class CpuInterrupts {
  /** Arrows of levels that are on their way to it. */
  levels: number[] = [];
  /** When its timer was set last, in milliseconds. */
  armed = Number.NEGATIVE_INFINITY;
  externals = 0;
  timers = 0;
  latestTimer = 0;
  spurious = 0;
  /** It has claimed something since it took its last external interrupt. */
  hasClaimed = true;
}

/**
 * Follows interrupts through the records: arrows from their origin to the guest's claim, and the fate of each.
 */
export class InterruptTimeline {
  readonly #stage: Stage;
  readonly #watch: ((event: InterruptEvent) => void) | undefined;
  readonly #cpus: readonly CpuInterrupts[];
  readonly #software: EdgeLedger;
  readonly #claims = new ClaimLedger();
  /** By 64 times the vCPU, and the interrupt. */
  readonly #sets = new NumberedNames((n) => `set ${vcpuInterruptName(n & 63)} of vCPU ${n >> 6}`);
  readonly #injections = new NumberedNames((irq) => `inject ${vcpuInterruptName(irq)}`);
  readonly #taken = new NumberedNames(interruptName);
  readonly #kicks: NumberedNames;
  readonly #due = new Name('timer is due');
  /** How late the timer is that is being told of, in milliseconds. */
  #late = 0;

  constructor(stage: Stage, watch?: (event: InterruptEvent) => void) {
    this.#stage = stage;
    const what = stage.subject.kind === 'domain' ? 'vCPU' : 'hart';
    this.#kicks = new NumberedNames((cpu) => `kick ${what} ${cpu}`);
    this.#watch = watch;
    this.#cpus = stage.cpus.map(() => new CpuInterrupts());
    this.#software = new EdgeLedger(stage.cpus.length, SOFTWARE);
  }

  summary(): readonly CpuSummary[] {
    return this.#cpus.map(({ timers, externals, spurious, latestTimer }, index) => ({
      software: { ...this.#software.counts(index) },
      ...{ timers, externals, spurious, latestTimer },
    }));
  }

  sources(): readonly SourceSummary[] {
    return [...this.#claims.counts()].map(([name, counts]) => ({ name, ...counts }));
  }

  set(ring: number, record: RecordBatch): void {
    const { subject, a: irq } = record;
    const { out, tracks } = this.#stage;
    const flow = this.#stage.newFlow();
    this.#stage.thread(ring).set = flow;
    if (irq === SOFTWARE) this.#software.set(subject, flow, record.time, ring);
    const name = this.#sets.get(subject * 64 + irq);
    out.begin(tracks.ring(ring), this.#stage.threadTime(ring, record), name, { flows: [flow] });
    this.#tell(record.time, subject, 'set', irq - 1, 0, flow, this.#stage.laneOf(ring));
  }

  setDone(ring: number, record: RecordBatch): void {
    const { subject, a: irq, b: kicked, time } = record;
    if (irq === SOFTWARE) this.#software.setDone(subject, time, ring);
    if (kicked !== 0)
      this.#stage.moment(
        time,
        'kick',
        this.#stage.laneOf(ring),
        subject,
        irq - 1,
        0,
        this.#stage.thread(ring).set,
      );
    this.#stage.out.end(this.#stage.tracks.ring(ring), this.#stage.threadTime(ring, record));
  }

  /** @param stayEnd the end of the stay before, in milliseconds */
  inject(record: RecordBatch, stayEnd: number): void {
    const { subject, a: bits } = record;
    const { out, tracks } = this.#stage;
    const flows = some(this.#software.inject(subject, bits, record.time, stayEnd));
    for (let irq = 0; irq < 32; irq++) {
      if (((bits >>> irq) & 1) === 0) continue;
      const own = irq === SOFTWARE ? flows : [];
      out.instant(tracks.cpu(subject), this.#stage.time(record.time), this.#injections.get(irq), {
        flows: own,
      });
      this.#tell(record.time, subject, 'injected', irq - 1, 0, own[0] ?? 0);
    }
  }

  /**
   * A stay in the guest is over.
   *
   * @param flushed behind its flush, in milliseconds
   * @param stayEnd the end of the one before
   * @returns arrows of interrupts that the guest has cleared without a trap
   */
  stay(record: RecordBatch, flushed: number, stayEnd: number): readonly number[] {
    const { subject, b: hvip } = record;
    const { lost, cleared } = this.#software.stay(subject, stayEnd, flushed, hvip & 0xffff, hvip >>> 16);
    if (lost.length > 0) this.#tellLost(subject, lost, record.time);
    return some(cleared);
  }

  /** An announcement to a vCPU is void. */
  withdraw(record: RecordBatch): void {
    this.#software.withdraw(record.subject, record.time);
  }

  arm(record: RecordBatch): void {
    this.#cpu(record.subject).armed = record.time;
  }

  taken(record: RecordBatch): void {
    const { subject, a: cause, c: low, d: high } = record;
    const args: Argument[] = [{ name: 'pc', low, high }];
    if (this.#stage.subject.kind === 'bare') args.push({ name: 'mode', text: MODE_NAMES[record.b] ?? '' });
    const parts = { args, flows: [] as readonly number[], ends: [] as readonly number[] };
    if (this.#stage.subject.kind === 'domain' && cause === CAUSE.software) {
      const by = this.#software.setBy(subject);
      if (by !== undefined) args.push({ name: 'set by', text: by });
      parts.ends = some(this.#software.taken(subject));
    } else if (this.#stage.subject.kind === 'domain' && cause === CAUSE.timer) {
      parts.ends = [this.#timer(record, args)];
    } else {
      const cpu = this.#cpu(subject);
      cpu.externals++;
      cpu.hasClaimed = false;
      parts.flows = cpu.levels.filter((flow) => this.#claims.isOpen(flow));
      cpu.levels = [];
    }
    const { out, tracks } = this.#stage;
    out.instant(tracks.cpu(subject), this.#stage.time(record.time), this.#taken.get(cause), parts);
    this.#tell(record.time, subject, 'taken', cause, 0, parts.ends[0] ?? parts.flows[0] ?? 0);
    this.#late = 0;
  }

  /** @returns the arrow from when it was due */
  #timer(record: RecordBatch, args: Argument[]): number {
    const cpu = this.#cpu(record.subject);
    // A deadline in the past makes the interrupt pending when it is set.
    const due = Math.max(record.time - spanOf(record.e), cpu.armed);
    const late = Math.max(0, record.time - due);
    cpu.timers++;
    cpu.latestTimer = Math.max(cpu.latestTimer, late);
    args.push({ name: 'nanoseconds late', number: Math.round(late * 1e6) });
    const flow = this.#stage.newFlow();
    const { out, tracks } = this.#stage;
    out.instant(tracks.cpu(record.subject), this.#stage.time(due), this.#due, { flows: [flow] });
    this.#late = late;
    return flow;
  }

  /** A wire has risen or fallen. */
  wire(ring: number, record: RecordBatch): void {
    const { subject: source, kind } = record;
    if (kind === KIND.lower) return;
    const key = this.#sourceName(source);
    const flow = this.#claims.raise(key, this.#stage.newFlow());
    this.#stage.threadInstant(ring, record, `raise ${key}`, { flows: [flow] });
    const thread = this.#stage.thread(ring);
    thread.raised = flow;
    thread.source = key;
    this.#tell(record.time, -1, 'raised', CAUSE.external, source, flow, this.#stage.laneOf(ring));
  }

  message(ring: number, record: RecordBatch): void {
    const { subject, a: identity, b: file } = record;
    const key = messageName(subject, file, identity);
    const flow = this.#claims.raise(key, this.#stage.newFlow());
    const thread = this.#stage.thread(ring);
    const ends = thread.raised !== 0 && thread.source !== '' ? [thread.raised] : [];
    // The controller has turned the wire's rise into this message.
    if (ends.length > 0) this.#claims.pass(thread.source);
    this.#stage.threadInstant(ring, record, `send ${key}`, { flows: [flow], ends });
    thread.raised = flow;
    thread.source = '';
    this.#tell(record.time, subject, 'raised', CAUSE.external, identity, flow, this.#stage.laneOf(ring));
  }

  kick(ring: number, record: RecordBatch): void {
    const { subject } = record;
    const thread = this.#stage.thread(ring);
    const raised = this.#claims.isOpen(thread.raised) ? thread.raised : 0;
    const { levels } = this.#cpu(subject);
    if (raised !== 0 && !levels.includes(raised) && levels.length < MOST_FLOWS) levels.push(raised);
    const name = this.#kicks.get(subject);
    this.#stage.threadInstant(ring, record, name, raised === 0 ? undefined : { flows: [raised] });
    this.#stage.moment(record.time, 'kick', this.#stage.laneOf(ring), subject, 0, 0, raised);
  }

  claim(record: RecordBatch): void {
    const { subject, a: source } = record;
    if (source !== 0) {
      this.#claimed(record, this.#sourceName(source), source);
      return;
    }
    const cpu = this.#cpu(subject);
    const { out, tracks } = this.#stage;
    const time = this.#stage.time(record.time);
    if (cpu.hasClaimed) {
      // Drivers claim until nothing is left.
      out.instant(tracks.cpu(subject), time, 'claim: none left');
      return;
    }
    cpu.spurious++;
    cpu.hasClaimed = true;
    out.instant(tracks.cpu(subject), time, 'claim: SPURIOUS');
    this.#tell(record.time, subject, 'spurious', CAUSE.external, 0, 0);
  }

  messageClaim(record: RecordBatch): void {
    const { subject, a: identity, b: file } = record;
    this.#claimed(record, messageName(subject, file, identity), identity);
  }

  #claimed(record: RecordBatch, key: string, source: number): void {
    const { subject } = record;
    const { out, tracks } = this.#stage;
    const flow = this.#claims.claim(key);
    const cpu = this.#cpu(subject);
    cpu.hasClaimed = true;
    cpu.levels = cpu.levels.filter((each) => each !== flow);
    const parts = flow === 0 ? undefined : { ends: [flow] };
    out.instant(tracks.cpu(subject), this.#stage.time(record.time), `claim ${key}`, parts);
    this.#tell(record.time, subject, 'claimed', CAUSE.external, source, flow);
  }

  /** Records were lost: nothing is known of interrupts under way. */
  forget(): void {
    this.#software.forget();
    this.#claims.forget();
    for (const cpu of this.#cpus) cpu.levels = [];
  }

  /** Looks for a vCPU that sleeps although it should have been woken. */
  look(cpu: number, since: number, now: number): void {
    this.#tellLost(cpu, this.#software.asleep(cpu, since, now), now);
  }

  finish(): void {
    this.#software.finish();
  }

  #tellLost(cpu: number, lost: readonly LostSet[], now: number): void {
    const { out, tracks } = this.#stage;
    for (const { flow, began } of lost) {
      const args = [{ name: 'nanoseconds since it was set', number: Math.round((now - began) * 1e6) }];
      out.instant(tracks.cpu(cpu), this.#stage.time(now), 'LOST software interrupt', { args, ends: [flow] });
      this.#tell(now, cpu, 'lost', CAUSE.software, 0, flow);
    }
  }

  #tell(
    time: number,
    cpu: number,
    what: InterruptEvent['what'],
    cause: number,
    source: number,
    flow: number,
    lane = cpu,
  ): void {
    this.#watch?.({ time: time - this.#stage.start, cpu, what, cause, source, flow });
    this.#stage.moment(time, STEP_OF[what], lane, cpu, cause, source, flow, this.#late);
  }

  #sourceName(source: number): string {
    const name = this.#stage.subject.sources.get(source);
    return name === undefined ? `source ${source}` : `source ${source} (${name})`;
  }

  #cpu(index: number): CpuInterrupts {
    const cpu = this.#cpus[index];
    if (cpu === undefined) throw new RangeError(`the trace has no processor ${index}`);
    return cpu;
  }
}

function messageName(cpu: number, file: number, identity: number): string {
  return `message ${identity} to file ${file} of ${cpu}`;
}

/** A guest can set an interrupt as often as it likes, and one event does not get an arrow for each time. */
function some(flows: readonly number[]): readonly number[] {
  return flows.length > MOST_FLOWS ? flows.slice(-MOST_FLOWS) : flows;
}
