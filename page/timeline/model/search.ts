import { MOMENT_STEPS } from '../../../src/trace/moments.ts';
import type { LaneEvents } from './lane-events.ts';
import { GROUPS } from './moment-facts.ts';
import { type EventPlace, timeOf } from './paths.ts';
import type { TimelineStore } from './store.ts';
import type { Words } from './words.ts';

/** Distinct events whose answer is remembered; a guest can make any number of them. */
const MOST_REMEMBERED = 1 << 14;
const STAY = MOMENT_STEPS.indexOf('stay');

/**
 * Which events are wanted: those of the groups that are on, and of a text all whose words are in the event's label or
 * its lane's name. `flow:17` stands for the events of one interrupt.
 */
export class Search {
  readonly #words: Words;
  readonly #store: TimelineStore;
  #terms: readonly string[] = [];
  #flow = 0;
  #groups = (1 << GROUPS.length) - 1;
  /** By lane, step and vCPU, and then by what else the label is made of. */
  #answers = new Map<number, Map<number, boolean>>();
  #remembered = 0;

  constructor(store: TimelineStore, words: Words) {
    this.#store = store;
    this.#words = words;
  }

  /** Whether there is a text to look for. */
  get hasText(): boolean {
    return this.#terms.length > 0 || this.#flow > 0;
  }

  /** Bits of the groups that are on. */
  get groups(): number {
    return this.#groups;
  }

  setText(text: string): void {
    const terms = text
      .toLowerCase()
      .split(/\s+/)
      .filter((term) => term !== '');
    const flow = terms.find((term) => /^flow:\d+$/.test(term));
    this.#flow = flow === undefined ? 0 : Number(flow.slice('flow:'.length));
    this.#terms = terms.filter((term) => term !== flow);
    this.#answers = new Map();
    this.#remembered = 0;
  }

  setGroup(group: number, isOn: boolean): void {
    this.#groups = isOn ? this.#groups | (1 << group) : this.#groups & ~(1 << group);
  }

  /** Whether an event fits the text; also one of a group that is off. */
  fits(lane: number, events: LaneEvents, number: number): boolean {
    const at = events.at(number);
    if (this.#flow > 0 && events.flows[at] !== this.#flow) return false;
    if (this.#terms.length === 0) return true;
    const step = events.steps[at] as number;
    const cause = (events.causes[at] as number) >>> 0;
    // Of a stay the label does not tell HVIP; of all others the cause is a small number.
    const what = step === STAY ? cause : cause * 2 ** 32 + ((events.details[at] as number) >>> 0);
    const who = (lane * 256 + step) * 65_536 + (events.cpus[at] as number) + 1;
    let answers = this.#answers.get(who);
    if (answers === undefined) {
      answers = new Map();
      this.#answers.set(who, answers);
    }
    const known = answers.get(what);
    if (known !== undefined) return known;
    const label = `${this.#words.label(events.event(number))} ${this.#store.lanes[lane]?.name}`.toLowerCase();
    const answer = this.#terms.every((term) => label.includes(term));
    if (this.#remembered++ < MOST_REMEMBERED) answers.set(what, answer);
    return answer;
  }

  /** Whether an event is shown and fits. */
  wants({ lane, number }: EventPlace): boolean {
    const events = this.#store.lanes[lane]?.events;
    if (events === undefined || ((this.#groups >>> (events.groups[events.at(number)] as number)) & 1) === 0)
      return false;
    return this.fits(lane, events, number);
  }

  /** The next event of any lane that is wanted, in a direction from a time; undefined if there is none. */
  next(time: number, direction: 1 | -1): EventPlace | undefined {
    let best: EventPlace | undefined;
    for (const [lane, { events }] of this.#store.lanes.entries()) {
      const border = events.firstAt(time);
      for (
        let number = direction > 0 ? border : border - 1;
        number >= events.first && number < events.end;
        number += direction
      ) {
        const place = { lane, number };
        const its = timeOf(this.#store, place);
        if (direction > 0 ? its <= time : its >= time) continue;
        if (best !== undefined && (its - timeOf(this.#store, best)) * direction >= 0) break;
        if (!this.wants(place)) continue;
        best = place;
        break;
      }
    }
    return best;
  }
}
