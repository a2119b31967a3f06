import type { Checker } from '../checker/checker.ts';
import { type Finding, OWN_FILE } from '../checker/questions.ts';
import { element } from '../dom.ts';
import { type Frame, framesOf, sentenceOf } from './frames.ts';
import { Scene } from './scene.ts';
import { SourceView } from './source-view.ts';

/** Milliseconds that a step is shown while it plays. */
const STEP_MS = 1600;

/** Shows a counterexample step by step: the threads and words, the list of all steps, and the line of source. */
export class Player {
  readonly root = element('div', { class: 'xp-player', hidden: true, tabindex: -1 });
  readonly #scene = new Scene();
  readonly #source: SourceView;
  readonly #steps = element('table', { class: 'xp-steps' });
  readonly #slider: HTMLInputElement;
  readonly #play: HTMLButtonElement;
  readonly #said = element('p', { class: 'xp-said', 'aria-live': 'polite' });
  #frames: readonly Frame[] = [];
  #code = '';
  #at = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(checker: Checker) {
    this.#source = new SourceView(async (file) => (file === OWN_FILE ? this.#code : checker.source(file)));
    const button = (text: string, label: string, onclick: () => void) =>
      element('button', { type: 'button', title: label, 'aria-label': label, onclick }, text);
    this.#play = button('Play', 'Play (space)', () => this.#togglePlay());
    this.#slider = element('input', {
      ...{ type: 'range', min: 0, value: 0, 'aria-label': 'Step' },
      oninput: () => this.#user(Number(this.#slider.value)),
    });
    const bar = element(
      'div',
      { class: 'xp-bar', role: 'group', 'aria-label': 'Steps' },
      button('|◂', 'To the beginning (Home)', () => this.#user(0)),
      button('◂', 'A step back (left)', () => this.#user(this.#at - 1)),
      this.#play,
      button('▸', 'A step forward (right)', () => this.#user(this.#at + 1)),
      button('▸|', 'To the end (End)', () => this.#user(this.#frames.length - 1)),
      this.#slider,
    );
    const left = element(
      'div',
      { class: 'xp-left' },
      this.#scene.root,
      this.#said,
      element('div', { class: 'xp-list' }, this.#steps),
    );
    this.root.append(bar, element('div', { class: 'xp-halves' }, left, this.#source.root));
    this.root.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** @param code of the person's own protocol, if it is about that */
  show(finding: Finding | undefined, code = ''): void {
    this.stop();
    this.#code = code;
    this.#source.forget();
    this.#frames = finding === undefined ? [] : framesOf(finding);
    this.root.hidden = this.#frames.length === 0;
    const [first] = this.#frames;
    if (finding === undefined || first === undefined) return;
    const threads = finding.threads;
    this.#scene.begin(
      threads,
      first.values.map(({ name }) => name),
    );
    this.#slider.max = String(this.#frames.length - 1);
    this.#list(threads);
    this.#go(0);
  }

  /** Ends the playing. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#play.textContent = 'Play';
    this.#play.setAttribute('aria-pressed', 'false');
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.#slider) return;
    const isButton = event.target instanceof HTMLButtonElement;
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.#user(this.#at - 1),
      ArrowRight: () => this.#user(this.#at + 1),
      Home: () => this.#user(0),
      End: () => this.#user(this.#frames.length - 1),
      ...(isButton ? {} : { ' ': () => this.#togglePlay() }),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  #togglePlay(): void {
    if (this.#timer !== undefined) {
      this.stop();
      return;
    }
    if (this.#at === this.#frames.length - 1) this.#go(0);
    this.#play.textContent = 'Pause';
    this.#play.setAttribute('aria-pressed', 'true');
    this.#timer = setTimeout(() => this.#onTime(), STEP_MS);
  }

  #onTime(): void {
    this.#go(this.#at + 1);
    if (this.#at === this.#frames.length - 1) this.stop();
    else this.#timer = setTimeout(() => this.#onTime(), STEP_MS);
  }

  #user(at: number): void {
    this.stop();
    this.#go(at);
  }

  #go(at: number): void {
    const last = this.#frames.length - 1;
    this.#at = Math.min(Math.max(at, 0), last);
    const frame = this.#frames[this.#at];
    if (frame === undefined) return;
    this.#slider.value = String(this.#at);
    this.#slider.setAttribute('aria-valuetext', `step ${this.#at} of ${last}`);
    this.#scene.show(frame);
    this.#said.textContent = sentenceOf(frame, last);
    for (const row of this.#steps.querySelectorAll<HTMLElement>('[data-step]')) {
      const step = Number(row.dataset.step);
      row.classList.toggle('xp-later', step > this.#at);
      if (step === this.#at) row.setAttribute('aria-current', 'step');
      else row.removeAttribute('aria-current');
    }
    this.#reveal();
    void this.#source.show(frame.source);
  }

  /** Scrolls the list, and nothing else. */
  #reveal(): void {
    const list = this.#steps.parentElement;
    const row = this.#steps.querySelector<HTMLElement>('[aria-current]');
    if (list === null || row === null) return;
    const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
    if (top < list.scrollTop) list.scrollTop = top - row.offsetHeight;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  }

  /** The table of a mail: a column for each thread, and the values of the words after each step. */
  #list(threads: readonly string[]): void {
    const names = this.#frames[0]?.values.map(({ name }) => name) ?? [];
    const head = ['', ...threads, ...names].map((name) => element('th', { scope: 'col' }, name));
    const rows = this.#frames.flatMap((frame) => {
      const { number, thread, text, notes, verdict, values, loops } = frame;
      const wide = threads.length + names.length + 1;
      const span = (content: string, kind: string) =>
        element(
          'tr',
          { class: kind, 'data-step': number },
          element('td', {}),
          element('td', { colspan: wide }, content),
        );
      const cells = threads.map((name) =>
        element(
          'td',
          {},
          ...(name === thread ? [...notes.map((note) => element('small', {}, `[${note}] `)), text] : []),
        ),
      );
      const row = element(
        'tr',
        { 'data-step': number, onclick: () => this.#user(number) },
        element('th', { scope: 'row' }, number === 0 ? 'start' : String(number)),
        ...cells,
        ...values.map(({ value, isNew }) => element('td', { class: isNew ? 'xp-changed' : '' }, value)),
      );
      return [
        ...(loops ? [span('From here on for ever:', 'xp-note')] : []),
        row,
        ...(verdict === '' ? [] : [span(verdict, 'xp-verdict')]),
      ];
    });
    this.#steps.replaceChildren(
      element('caption', { class: 'xp-hidden' }, 'All steps, with the values of the words after each'),
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...rows),
    );
  }
}
