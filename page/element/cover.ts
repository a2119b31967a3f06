import { element } from '../dom.ts';
import type { Progress } from '../machine/session.ts';

/** A cover over a terminal without a machine: the reason why there is none, the progress, and a button. */
export class Cover {
  readonly root: HTMLElement;
  readonly #text = element('p', {});
  readonly #command = element('p', {});
  readonly #progress = element('progress', { max: 1, 'aria-label': 'Progress' });
  readonly #button: HTMLButtonElement;

  /** @param onStart the button was pressed */
  constructor(onStart: () => void) {
    this.#button = element('button', { type: 'button', onclick: onStart });
    this.root = element('div', { class: 'cover' }, this.#text, this.#command, this.#progress, this.#button);
  }

  /** @param command that is going to be typed */
  offer(text: string, button: string, command = ''): void {
    this.#show(text, button);
    this.#command.replaceChildren(...(command === '' ? [] : [element('code', {}, command)]));
  }

  progress({ message, fraction }: Progress): void {
    this.#show(message, '');
    this.#progress.hidden = false;
    if (fraction === undefined) this.#progress.removeAttribute('value');
    else this.#progress.value = fraction;
  }

  hide(): void {
    this.root.hidden = true;
  }

  #show(text: string, button: string): void {
    this.root.hidden = false;
    this.#text.textContent = text;
    this.#command.replaceChildren();
    this.#progress.hidden = true;
    this.#button.hidden = button === '';
    this.#button.textContent = button;
  }
}
