import type { MomentSender, MomentStep } from './moments.ts';
import { type EventParts, Name, type PerfettoWriter } from './perfetto.ts';
import type { RecordBatch } from './ring.ts';
import { type TraceSubject, Tracks } from './tracks.ts';

const NANOSECONDS_PER_MS = 1e6;
const MOST_NUMBERED = 1024;

/** A vCPU or bare hart, as its track shows it. */
class CpuState {
  /** A slice of its track is open. */
  isOpen = false;
  isLoaded = false;
  /** The last time on its track, in nanoseconds. */
  last = 0;
  /** The end of its last stay, in milliseconds. */
  stayEnd = Number.NEGATIVE_INFINITY;
  /** When it fell asleep with the software interrupt enabled; Infinity while it does not sleep so. */
  asleep = Number.POSITIVE_INFINITY;
}

/** The thread of a ring, as its track shows it. */
class ThreadState {
  last = 0;
  isOpen = false;
  /** The vCPU that it has loaded, or its own hart; -1 if it has none. */
  cpu = -1;
  /** When it left a vCPU that was to sleep, and may find that it need not; undefined if its next record has said so. */
  leftAt: number | undefined;
  /** The arrow of the interrupt that it sets, or has set last. */
  set = 0;
  /**
   * The arrow of the wire that it has raised, or of the message that it has sent, just now; 0 if it has gone on since.
   */
  raised = 0;
  /** The source whose wire that was; empty if it was a message. */
  source = '';
}

/** Names that depend on numbers, each made once. */
export class NumberedNames {
  readonly #names = new Map<number, Name>();
  readonly #make: (number: number) => string;

  constructor(make: (number: number) => string) {
    this.#make = make;
  }

  get(number: number): Name {
    const known = this.#names.get(number);
    if (known !== undefined) return known;
    const name = new Name(this.#make(number));
    // A guest can call any extension of the SBI that does not exist.
    if (this.#names.size < MOST_NUMBERED) this.#names.set(number, name);
    return name;
  }
}

/** Names of states, which are most of a trace. */
class Names {
  readonly guest = new Name('guest');
  readonly code = new Name('code');
  readonly hypervisor = new Name('hypervisor');
  readonly wfi = new Name('WFI');
  readonly runnable = new Name('runnable');
  readonly stopped = new Name('stopped');
  readonly idle = new Name('idle');
  readonly vcpu = new NumberedNames((vcpu) => `vCPU ${vcpu}`);
}

/** Where events happen: the tracks, with the open states of each of them. */
export class Stage {
  readonly out: PerfettoWriter;
  readonly tracks: Tracks;
  readonly subject: TraceSubject;
  /** Milliseconds of shared time that are 0 in the trace. */
  readonly start: number;
  readonly cpus: readonly CpuState[];
  readonly threads: readonly ThreadState[];
  readonly names = new Names();
  readonly #moments: MomentSender | undefined;
  #isWatched = false;
  #flow = 0;

  /** @param moments gets all that happens while somebody looks */
  constructor(out: PerfettoWriter, subject: TraceSubject, start: number, moments?: MomentSender) {
    this.#moments = moments;
    this.out = out;
    this.subject = subject;
    this.tracks = new Tracks(out, subject);
    this.start = start;
    this.cpus = Array.from({ length: subject.cpus }, () => new CpuState());
    this.threads = subject.rings.map((role) => {
      const state = new ThreadState();
      if (role.kind === 'hart') state.cpu = role.index;
      return state;
    });
  }

  /** Before the moments of the next record. */
  beginRecord(): void {
    this.#isWatched = this.#moments?.isWatched ?? false;
  }

  /** Tells watchers of a moment, as `MOMENT` names its numbers. @param time milliseconds of shared time */
  moment(
    time: number,
    step: MomentStep,
    lane: number,
    cpu: number,
    cause = 0,
    detail = 0,
    flow = 0,
    span = 0,
  ): void {
    if (this.#isWatched) this.#moments?.add(time - this.start, step, lane, cpu, cause, detail, flow, span);
  }

  /** The lane of a ring's thread for its actions on others: of its vCPU, on whose behalf it does that, or its own. */
  laneOf(ring: number): number {
    const { cpu } = this.thread(ring);
    return cpu >= 0 ? cpu : this.cpus.length + ring;
  }

  /** A number for an arrow that nothing else has. */
  newFlow(): number {
    return ++this.#flow;
  }

  cpu(index: number): CpuState {
    return element(this.cpus, index, 'processor');
  }

  thread(ring: number): ThreadState {
    return element(this.threads, ring, 'ring');
  }

  /** Shared milliseconds as whole nanoseconds since the start of the trace. */
  time(milliseconds: number): number {
    return Math.max(0, Math.round((milliseconds - this.start) * NANOSECONDS_PER_MS));
  }

  /** A slice of a vCPU's track ends, and another one begins unless there is no name for it. */
  enterState(index: number, time: number, name: Name | undefined, parts?: EventParts): void {
    const cpu = this.cpu(index);
    const track = this.tracks.cpu(index);
    // Clocks of threads differ by a little, and slices must not overlap.
    const at = Math.max(time, cpu.last);
    if (cpu.isOpen) this.out.end(track, at);
    cpu.isOpen = name !== undefined;
    if (name !== undefined) this.out.begin(track, at, name, parts);
    cpu.last = at;
  }

  /** The same for the track of a thread, on which other slices lie within. */
  enterThreadState(ring: number, time: number, name: Name | undefined): void {
    const thread = this.thread(ring);
    const track = this.tracks.ring(ring);
    const at = Math.max(time, thread.last);
    if (thread.isOpen) this.out.end(track, at);
    thread.isOpen = name !== undefined;
    if (name !== undefined) this.out.begin(track, at, name);
    thread.last = at;
  }

  /** The time of a record on the track of its ring's thread. */
  threadTime(ring: number, record: RecordBatch): number {
    const thread = this.thread(ring);
    thread.last = Math.max(thread.last, this.time(record.time));
    return thread.last;
  }

  /** An event of a moment on the track of a ring's thread. */
  threadInstant(ring: number, record: RecordBatch, name: string | Name, parts?: EventParts): void {
    this.out.instant(this.tracks.ring(ring), this.threadTime(ring, record), name, parts);
  }

  /** Ends all open states. @param now milliseconds of shared time */
  finish(now: number): void {
    const time = this.time(now);
    for (const [index, cpu] of this.cpus.entries()) if (cpu.isOpen) this.enterState(index, time, undefined);
    for (const [ring, thread] of this.threads.entries())
      if (thread.isOpen) this.enterThreadState(ring, time, undefined);
  }
}

function element<T>(list: readonly T[], index: number, what: string): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`the trace has no ${what} ${index}`);
  return found;
}
