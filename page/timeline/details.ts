import places from 'virtual:source-places';
import { element } from '../dom.ts';
import type { PlaceName } from '../source-places/places.ts';
import type { LaneEvent } from './model/lane-events.ts';
import { type EventPlace, effectOf, isKept, pathOf } from './model/paths.ts';
import type { TimelineStore } from './model/store.ts';
import { spanText } from './model/view.ts';
import { stepOf, type Words } from './model/words.ts';

/** Texts about a selected event. */
export interface Told {
  readonly sentence: string;
  /** File and line. */
  readonly source: string;
}

/** The panel that explains the selected event, with the way of its interrupt as a list. */
export class Details {
  readonly root = element('aside', { class: 'tl-details', 'aria-label': 'Selected event', hidden: true });
  readonly #select: (place: EventPlace) => void;
  #words: Words | undefined;
  #store: TimelineStore | undefined;

  /** @param select another event is to be selected */
  constructor(select: (place: EventPlace) => void) {
    this.#select = select;
  }

  begin(store: TimelineStore, words: Words): void {
    this.#store = store;
    this.#words = words;
    this.root.hidden = true;
  }

  /** Explains an event. @returns what is told; undefined when it is no more kept */
  show(place: EventPlace): Told | undefined {
    const [store, words] = [this.#store, this.#words];
    if (store === undefined || words === undefined || !isKept(store, place)) return undefined;
    const event = eventAt(store, place);
    const path = pathOf(store, event.flow);
    const first = path[0] === undefined ? undefined : eventAt(store, path[0]);
    const origin = first === undefined || first.time === event.time ? undefined : first;
    const lane = store.lanes[place.lane]?.name ?? '';
    const told = { sentence: words.sentence(event, lane, origin), source: sourceOf(event, store) };
    const effect = effectOf(store, place);
    this.root.replaceChildren(
      element('h3', {}, words.label(event)),
      element('p', {}, told.sentence),
      element(
        'p',
        {},
        element('small', {}, `${lane}, ${event.time.toFixed(4)} ms after the start. `),
        element('code', {}, told.source),
      ),
      ...this.#list('The way of this interrupt', path, place, event.time),
      ...this.#list('Its effect', effect === undefined ? [] : [effect], place, event.time),
    );
    this.root.hidden = false;
    return told;
  }

  hide(): void {
    this.root.hidden = true;
  }

  #list(title: string, path: readonly EventPlace[], current: EventPlace, time: number): HTMLElement[] {
    const [store, words] = [this.#store, this.#words];
    if (path.length === 0 || store === undefined || words === undefined) return [];
    const items = path.slice(0, 100).map((place) => {
      const event = eventAt(store, place);
      const isCurrent = place.lane === current.lane && place.number === current.number;
      const away = isCurrent
        ? 'selected'
        : `${event.time < time ? '−' : '+'}${spanText(Math.abs(event.time - time))}`;
      const text = `${words.label(event)} · ${store.lanes[place.lane]?.name} `;
      const button = element(
        'button',
        {
          type: 'button',
          'aria-current': isCurrent ? 'true' : undefined,
          onclick: () => this.#select(place),
        },
        text,
        element('small', {}, away),
      );
      return element('li', {}, button);
    });
    return [element('h3', {}, title), element('ol', {}, ...items)];
  }
}

function eventAt(store: TimelineStore, { lane, number }: EventPlace): LaneEvent {
  const { events } = store.lanes[lane] as TimelineStore['lanes'][number];
  return events.event(number);
}

function sourceOf(event: LaneEvent, store: TimelineStore): string {
  const step = stepOf(event);
  if (step === 'stay') {
    return store.subject.kind === 'bare' ? places.bare : `${places.flush}, ${places.stay}`;
  }
  const name: PlaceName = step === 'raise' && event.cpu >= 0 ? 'message' : step;
  return places[name];
}
