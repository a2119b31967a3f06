import { element } from '../dom.ts';
import { GROUP_TITLES, GROUPS, STATES } from './model/moment-facts.ts';

/** The actions of the controls above the picture. */
export interface ToolbarActions {
  togglePause(): void;
  zoomBy(factor: number): void;
  fit(): void;
  search(text: string): void;
  findNext(direction: 1 | -1): void;
  setGroup(group: number, isOn: boolean): void;
}

/** The buttons above the picture, and the legend, whose boxes switch marks on and off. */
export class Toolbar {
  readonly bar = element('div', { class: 'tl-bar', role: 'toolbar', 'aria-label': 'Timeline' });
  readonly legend = element('fieldset', { class: 'tl-legend' });
  readonly searchBox: HTMLInputElement;
  readonly #pause: HTMLButtonElement;
  readonly #found = element('span', { class: 'tl-keys', 'aria-live': 'polite' });

  constructor(actions: ToolbarActions) {
    const button = (text: string, label: string, onclick: () => void) =>
      element('button', { type: 'button', title: label, 'aria-label': label, onclick }, text);
    this.#pause = button('Pause', 'Pause the picture (space)', () => actions.togglePause());
    this.searchBox = element('input', {
      type: 'search',
      placeholder: 'Search: set vcpu 1, lost, flow:17',
      'aria-label': 'Search events, by words of their labels',
      oninput: () => actions.search(this.searchBox.value),
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === 'Enter') actions.findNext(event.shiftKey ? -1 : 1);
      },
    });
    this.bar.append(
      this.#pause,
      button('−', 'Zoom out (-)', () => actions.zoomBy(2)),
      button('+', 'Zoom in (+)', () => actions.zoomBy(0.5)),
      button('All', 'Show all that is kept (0)', () => actions.fit()),
      this.searchBox,
      button('◂', 'Event before that fits (Shift+N)', () => actions.findNext(-1)),
      button('▸', 'Next event that fits (N)', () => actions.findNext(1)),
      this.#found,
    );
    this.legend.append(element('legend', { class: 'tl-said' }, 'Events that are shown'));
    for (const [group, name] of GROUPS.entries()) {
      const box: HTMLInputElement = element('input', {
        type: 'checkbox',
        checked: true,
        onchange: () => actions.setGroup(group, box.checked),
      });
      this.legend.append(
        element(
          'label',
          {},
          box,
          element('i', { style: `background: var(--hv-moment-${name})` }),
          GROUP_TITLES[name],
        ),
      );
    }
    for (const state of STATES.slice(1)) {
      const swatch = element('i', { style: `background: var(--hv-state-${state.toLowerCase()})` });
      this.legend.append(element('span', {}, swatch, state));
    }
  }

  setPaused(isPaused: boolean): void {
    this.#pause.setAttribute('aria-pressed', String(isPaused));
    this.#pause.textContent = isPaused ? 'Go on' : 'Pause';
  }

  /** Shows the result of a search. */
  say(text: string): void {
    this.#found.textContent = text;
  }
}
