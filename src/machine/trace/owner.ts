import { LiveReceiver } from '../../trace/live.ts';
import { MomentReceiver } from '../../trace/moments.ts';
import { Recorder } from '../../trace/recorder.ts';
import { createTrace, stopTrace, type TracePlace, traceWords } from '../../trace/ring.ts';
import { roleName } from '../../trace/tracks.ts';
import type { Engine } from '../engine.ts';
import type { MachinePlan } from '../plan.ts';
import type { ThreadTrace, TraceReport, TraceStart } from '../thread.ts';
import { RECORDS, type TraceConfig } from './config.ts';
import { subjectOf } from './subject.ts';

/** The trace of a machine, on the thread that owns it. */
export class MachineTrace {
  /** Records the events of this thread. */
  readonly recorder: Recorder;
  /** Interrupts, for live watchers. */
  readonly live: LiveReceiver;
  /** All events, for watchers of those. */
  readonly moments: MomentReceiver;
  /** The counts; once the machine has ended. */
  report: TraceReport | undefined;
  readonly #place: TracePlace;
  readonly #subject: TraceStart['subject'];
  readonly #startedAt: number;

  /** @param startedAt shared time in milliseconds that is 0 in the trace */
  constructor(
    config: TraceConfig,
    plan: MachinePlan,
    engine: Engine,
    clockOffset: number,
    startedAt: number,
  ) {
    this.#subject = subjectOf(plan, engine);
    const { length } = this.#subject.rings;
    this.#place = createTrace(length, config.records ?? RECORDS);
    this.#startedAt = startedAt;
    this.live = new LiveReceiver(traceWords(this.#place));
    const { kind, cpus, rings, sources } = this.#subject;
    const threads = rings.map(roleName);
    this.moments = new MomentReceiver(traceWords(this.#place), { kind, cpus, threads, sources });
    this.recorder = new Recorder(this.#place, length - 1, clockOffset);
  }

  /** The settings with which a thread records. @param ring as `ringsOf` numbers the threads */
  of(ring: number): ThreadTrace {
    return { place: this.#place, ring };
  }

  /** The start of the thread that writes the trace. */
  start(thread: Pick<TraceStart, 'memory' | 'index' | 'engine' | 'xlen' | 'extensions'>): TraceStart {
    return {
      ...thread,
      kind: 'trace',
      place: this.#place,
      subject: this.#subject,
      startedAt: this.#startedAt,
    };
  }

  /** No thread records any more: the records in the rings are the end of the trace. */
  finish(): void {
    stopTrace(traceWords(this.#place));
  }
}
