import { MOMENT_STEPS } from '../../../src/trace/moments.ts';
import type { TimelineStore } from './store.ts';

/** An event of the store. */
export interface EventPlace {
  readonly lane: number;
  /** As `LaneEvents` numbers them. */
  readonly number: number;
}

/** How long the effect of a kick may take until it is no more taken for its effect, in milliseconds. */
const LATEST_EFFECT = 20;
const STEP = Object.fromEntries(MOMENT_STEPS.map((step, number) => [step, number]));

/** All events of one interrupt that are kept, in the order of their times. */
export function pathOf(store: TimelineStore, flow: number): EventPlace[] {
  if (flow <= 0) return [];
  const found: EventPlace[] = [];
  for (const [lane, { events }] of store.lanes.entries()) {
    for (let number = events.first; number < events.end; number++) {
      if (events.flows[events.at(number)] === flow) found.push({ lane, number });
    }
  }
  return found.sort((one, other) => timeOf(store, one) - timeOf(store, other));
}

/** The effect of a kick or a wake-up: the exit of the vCPU, or that a pCPU loads it; undefined if neither has come. */
export function effectOf(store: TimelineStore, { lane, number }: EventPlace): EventPlace | undefined {
  const { events } = store.lanes[lane] as TimelineStore['lanes'][number];
  const at = events.at(number);
  const step = events.steps[at];
  if (step !== STEP.kick && step !== STEP.wake) return undefined;
  const target = events.cpus[at] as number;
  const others = store.lanes[target]?.events;
  if (others === undefined || target === lane) return undefined;
  const time = events.times[at] as number;
  for (let next = others.firstAt(time); next < others.end; next++) {
    const place = others.at(next);
    if ((others.times[place] as number) > time + LATEST_EFFECT) return undefined;
    const its = others.steps[place];
    if (its === STEP.load || (step === STEP.kick && its === STEP.stay)) return { lane: target, number: next };
  }
  return undefined;
}

export function timeOf(store: TimelineStore, { lane, number }: EventPlace): number {
  const events = store.lanes[lane]?.events;
  return events === undefined ? 0 : (events.times[events.at(number)] as number);
}

/** Whether an event is still kept. */
export function isKept(store: TimelineStore, { lane, number }: EventPlace): boolean {
  const events = store.lanes[lane]?.events;
  return events !== undefined && number >= events.first && number < events.end;
}

/**
 * The event of a lane that is nearest to a time, among those that are wanted.
 *
 * @param reach milliseconds that it may be away
 */
export function nearest(
  store: TimelineStore,
  lane: number,
  time: number,
  reach: number,
  isWanted: (number: number) => boolean,
): EventPlace | undefined {
  const events = store.lanes[lane]?.events;
  if (events === undefined) return undefined;
  let best: EventPlace | undefined;
  let distance = reach;
  for (let number = events.firstAt(time - reach); number < events.end; number++) {
    const away = (events.times[events.at(number)] as number) - time;
    if (away > distance) break;
    if (Math.abs(away) > distance || !isWanted(number)) continue;
    distance = Math.abs(away);
    best = { lane, number };
  }
  return best;
}

/** The next wanted event of a lane, in a direction. @param from number of an event, which is not looked at */
export function neighbor(
  store: TimelineStore,
  { lane, number }: EventPlace,
  direction: 1 | -1,
  isWanted: (place: EventPlace) => boolean,
): EventPlace | undefined {
  const events = store.lanes[lane]?.events;
  if (events === undefined) return undefined;
  for (let next = number + direction; next >= events.first && next < events.end; next += direction) {
    const place = { lane, number: next };
    if (isWanted(place)) return place;
  }
  return undefined;
}
