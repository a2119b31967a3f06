import { MOMENT_COUNTS, type MomentCount } from '../../src/trace/moments.ts';
import { element } from '../dom.ts';
import type { TimelineStore } from './model/store.ts';

/** Counts that are shown, with words for them and what they mean. */
const SHOWN: readonly (readonly [name: MomentCount, title: string, about: string])[] = [
  ['set', 'set', 'calls of set'],
  [
    'coalesced',
    'coalesced',
    'sets that reached the guest together with another one, as one interrupt: no fault',
  ],
  ['injected', 'injected', 'flushes that made the bit rise in HVIP'],
  ['taken', 'taken', 'traps into the guest’s handler'],
  ['timers', 'timers', 'timer interrupts that were taken'],
  ['externals', 'external', 'external interrupts that were taken'],
  ['spurious', 'spurious', 'injected, though nobody had set it'],
  [
    'nothingToClaim',
    'nothing to claim',
    'external interrupts whose handler found nothing: what x86 calls spurious',
  ],
  ['lost', 'LOST', 'set, and neither injected nor pending at a flush that came later for sure'],
];
const BAD: readonly MomentCount[] = ['spurious', 'lost'];

/** Sums of the counts of all vCPUs, how fast events come, and how many did not find room. */
export class CountsLine {
  readonly root = element('dl', { class: 'tl-counts' });
  readonly #cells: ReadonlyMap<string, HTMLElement>;
  #received = 0;
  #at = 0;

  constructor() {
    const cells = new Map<string, HTMLElement>();
    const add = (name: string, title: string, about: string) => {
      const cell = element('dd', {}, '0');
      cells.set(name, cell);
      this.root.append(element('div', { title: about }, element('dt', {}, title), cell));
    };
    for (const [name, title, about] of SHOWN) add(name, title, about);
    add('rate', 'events/s', 'events that reach this picture in a second');
    add(
      'missing',
      'not shown',
      'events that did not find room on their way to this picture; they are in the counts',
    );
    this.#cells = cells;
  }

  /** @param now this thread's clock in milliseconds */
  update(store: TimelineStore, now: number): void {
    const columns = MOMENT_COUNTS.length;
    for (const [name] of SHOWN) {
      let sum = 0;
      for (let at = MOMENT_COUNTS.indexOf(name); at < store.counts.length; at += columns)
        sum += store.counts[at] as number;
      this.#set(name, sum, BAD.includes(name) && sum > 0);
    }
    this.#set('missing', store.missing, false);
    if (this.#at > 0)
      this.#set(
        'rate',
        Math.round(((store.received - this.#received) * 1000) / Math.max(1, now - this.#at)),
        false,
      );
    this.#at = now;
    this.#received = store.received;
  }

  #set(name: string, value: number, isBad: boolean): void {
    const cell = this.#cells.get(name);
    if (cell === undefined) return;
    const text = value.toLocaleString('en');
    if (cell.textContent !== text) cell.textContent = text;
    cell.parentElement?.classList.toggle('tl-bad', isBad);
  }
}
