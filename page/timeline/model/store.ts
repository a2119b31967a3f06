import {
  MOMENT,
  MOMENT_ROW,
  MOMENT_STEPS,
  type MomentBatch,
  type MomentSubject,
} from '../../../src/trace/moments.ts';
import { LaneEvents } from './lane-events.ts';
import { LaneStates } from './lane-states.ts';
import { groupOf, STATE } from './moment-facts.ts';

/** Events that all lanes keep together, unless another number is given: ten seconds of a very busy machine, 32 MB. */
const EVENTS = 1 << 20;
const LEAST_PER_LANE = 1 << 10;

const GROUP_BY_STEP = MOMENT_STEPS.map(groupOf);
const STEP = Object.fromEntries(MOMENT_STEPS.map((step, number) => [step, number])) as Readonly<
  Record<(typeof MOMENT_STEPS)[number], number>
>;

/** A lane of the timeline: of a vCPU, or of a thread that acts on vCPUs. */
export interface Lane {
  readonly name: string;
  readonly events: LaneEvents;
  /** Of a vCPU. */
  readonly states: LaneStates | undefined;
}

/** All that the timeline knows, in bounded memory: the oldest is forgotten first. */
export class TimelineStore {
  readonly subject: MomentSubject;
  readonly lanes: readonly Lane[];
  /** Counts of each vCPU since the start of the machine, as `MOMENT_COUNTS` names them. */
  counts: Float64Array = new Float64Array();
  /** Moments that did not find room on their way here. */
  missing = 0;
  /** All that ever came. */
  received = 0;
  /** Milliseconds since the start of the trace: the last moment. */
  latest = 0;
  #hasSkipped = false;
  #earliest = Number.POSITIVE_INFINITY;

  /** @param events that all lanes keep together */
  constructor(subject: MomentSubject, events = EVENTS) {
    this.subject = subject;
    const { cpus, threads, kind } = subject;
    // Other threads do little: they get a sixteenth of a vCPU's room.
    const share = events / (cpus + threads.length / 16);
    const room = (part: number) => Math.max(LEAST_PER_LANE, 2 ** Math.floor(Math.log2(part)));
    const what = kind === 'domain' ? 'vCPU' : 'hart';
    this.lanes = [
      ...Array.from({ length: cpus }, (_, cpu) => ({
        name: `${what} ${cpu}`,
        events: new LaneEvents(room(share)),
        states: new LaneStates(room(share)),
      })),
      ...threads.map((name) => ({ name, events: new LaneEvents(room(share / 16)), states: undefined })),
    ];
  }

  /** Milliseconds since the start of the trace: the oldest that is kept of every lane. */
  get earliest(): number {
    let earliest = Math.min(this.#earliest, this.latest);
    for (const { events } of this.lanes) {
      if (events.first > 0) earliest = Math.max(earliest, events.times[events.at(events.first)] as number);
    }
    return earliest;
  }

  append({ rows, missing, counts }: MomentBatch): void {
    this.missing += missing;
    this.counts = counts;
    if (missing > 0 || this.#hasSkipped) this.#forgetStates(rows[MOMENT.time] ?? this.latest);
    this.#hasSkipped = false;
    const last = rows.length - MOMENT_ROW;
    for (let at = 0; at <= last; at += MOMENT_ROW) this.#take(rows, at);
  }

  /** A batch that is not kept: what comes next does not follow what there is. */
  skip({ missing, counts, rows }: MomentBatch): void {
    this.missing += missing + rows.length / MOMENT_ROW;
    this.counts = counts;
    this.#hasSkipped = true;
  }

  #take(rows: Float64Array, row: number): void {
    const time = rows[row + MOMENT.time] as number;
    const step = rows[row + MOMENT.step] as number;
    const cpu = rows[row + MOMENT.cpu] as number;
    const cause = rows[row + MOMENT.cause] as number;
    const detail = rows[row + MOMENT.detail] as number;
    const span = rows[row + MOMENT.span] as number;
    const lane = this.lanes[rows[row + MOMENT.lane] as number];
    const group = GROUP_BY_STEP[step];
    if (lane === undefined || group === undefined) return;
    lane.events.push(time, step, group, cpu, cause, detail, rows[row + MOMENT.flow] as number, span);
    this.received++;
    if (time > this.latest) this.latest = time;
    if (time < this.#earliest) this.#earliest = time - span;
    this.#enter(step, this.lanes[cpu]?.states, time, cause, detail, span);
  }

  #enter(
    step: number,
    states: LaneStates | undefined,
    time: number,
    cause: number,
    detail: number,
    span: number,
  ): void {
    if (step === STEP.gap) {
      this.#forgetStates(time);
      return;
    }
    if (states === undefined) return;
    switch (step) {
      case STEP.stay:
        states.enter(time - span, STATE.guest, detail);
        states.enter(time, STATE.hypervisor, cause);
        break;
      case STEP.load:
      case STEP.awake:
        states.enter(time, STATE.hypervisor, -1);
        break;
      case STEP.sleep:
        states.enter(time, STATE.wfi, 0);
        break;
      case STEP.yield:
        states.enter(time, STATE.runnable, 0);
        break;
      case STEP.stop:
        states.enter(time, STATE.stopped, 0);
        break;
      case STEP.wake:
        if (states.now === STATE.wfi || states.now === STATE.stopped || states.now === STATE.unknown)
          states.enter(time, STATE.runnable, 0);
        break;
    }
  }

  /** Something is missing here. */
  #forgetStates(time: number): void {
    for (const lane of this.lanes) lane.states?.enter(time, STATE.unknown, 0);
  }
}
