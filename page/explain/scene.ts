import { element } from '../dom.ts';
import type { Frame } from './frames.ts';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Threads above, words below, and between them the access of the step. It is for the eye: the steps are told in words.
 */
export class Scene {
  readonly root = element('div', { class: 'xp-scene', 'aria-hidden': 'true' });
  readonly #threads = element('div', { class: 'xp-threads' });
  readonly #words = element('div', { class: 'xp-words' });
  readonly #arrows = document.createElementNS(SVG, 'svg');
  readonly #boxes = new Map<string, HTMLElement>();
  #frame: Frame | undefined;

  constructor() {
    this.#arrows.classList.add('xp-arrows');
    this.root.append(this.#threads, this.#words, this.#arrows);
    new ResizeObserver(() => this.#drawArrow()).observe(this.root);
  }

  /** Other threads, other words. */
  begin(threads: readonly string[], words: readonly string[]): void {
    this.#boxes.clear();
    const box = (kind: string, name: string) => {
      const made = element('div', { class: 'xp-box' }, element('b', {}, name), element('span', {}, ''));
      this.#boxes.set(`${kind} ${name}`, made);
      return made;
    };
    this.#threads.replaceChildren(...threads.map((name) => box('thread', name)));
    this.#words.replaceChildren(...words.map((name) => box('word', name)));
  }

  show(frame: Frame): void {
    this.#frame = frame;
    for (const [key, box] of this.#boxes) {
      box.classList.toggle(
        'xp-active',
        key === `thread ${frame.thread}` || (key === `word ${frame.word}` && frame.word !== ''),
      );
      if (key.startsWith('thread ')) this.#setText(box, key === `thread ${frame.thread}` ? frame.text : '');
    }
    for (const { name, value, isNew } of frame.values) {
      const box = this.#boxes.get(`word ${name}`);
      if (box === undefined) continue;
      this.#setText(box, value);
      box.classList.remove('xp-new');
      if (!isNew) continue;
      // So that the animation begins anew.
      void box.offsetWidth;
      box.classList.add('xp-new');
    }
    this.#drawArrow();
  }

  #setText(box: HTMLElement, text: string): void {
    const place = box.querySelector('span');
    if (place !== null) place.textContent = text;
  }

  #drawArrow(): void {
    const frame = this.#frame;
    this.#arrows.replaceChildren();
    const from = frame && this.#boxes.get(`thread ${frame.thread}`);
    const to = frame && this.#boxes.get(`word ${frame.word}`);
    if (frame === undefined || from === undefined || to === undefined) return;
    const origin = this.root.getBoundingClientRect();
    const [above, below] = [from.getBoundingClientRect(), to.getBoundingClientRect()];
    const [x1, y1] = [above.left + above.width / 2 - origin.left, above.bottom - origin.top + 2];
    const [x2, y2] = [below.left + below.width / 2 - origin.left, below.top - origin.top - 2];
    const middle = (y1 + y2) / 2;
    const line = document.createElementNS(SVG, 'path');
    line.setAttribute('d', `M${x1} ${y1} C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`);
    line.setAttribute('pathLength', '1');
    this.#arrows.append(line);
    if (frame.access !== 'reads') this.#arrows.append(head(x2, y2, 1));
    if (frame.access !== 'writes') this.#arrows.append(head(x1, y1, -1));
    this.#arrows.classList.toggle('xp-up', frame.access === 'reads');
  }
}

/** @param direction 1 downwards, -1 upwards */
function head(x: number, y: number, direction: 1 | -1): SVGPathElement {
  const made = document.createElementNS(SVG, 'path');
  made.setAttribute('d', `M${x - 5} ${y - 8 * direction} L${x} ${y} L${x + 5} ${y - 8 * direction}`);
  made.classList.add('xp-head');
  return made;
}
