import { element } from '../dom.ts';

/** A listing of one source, with the line that is carried out. */
export class SourceView {
  readonly root = element('figure', { class: 'xp-source' });
  readonly #find: (file: string) => Promise<string | undefined>;
  readonly #caption = element('figcaption');
  readonly #code = element('pre', { tabindex: 0, 'aria-label': 'Source' });
  #file = '';
  #wanted = '';

  /** @param find the text of a source by its file's name */
  constructor(find: (file: string) => Promise<string | undefined>) {
    this.#find = find;
    this.root.append(this.#caption, this.#code);
  }

  /** Another text is to be shown under the same name. */
  forget(): void {
    this.#file = '';
  }

  /** Shows a place, `file:line`. */
  async show(place: string): Promise<void> {
    this.#wanted = place;
    const [file = '', line = '0'] = place.split(':');
    if (file !== '' && file !== this.#file) {
      const text = await this.#find(file);
      if (this.#wanted !== place) return;
      this.#file = file;
      this.#code.replaceChildren(
        ...(text ?? '')
          .split('\n')
          .map((each, index) => element('code', { 'data-line': index + 1 }, `${each}\n`)),
      );
    }
    this.#caption.textContent = file === '' ? 'Not in the code of the protocol.' : place;
    for (const each of this.#code.querySelectorAll('[aria-current]')) each.removeAttribute('aria-current');
    const current = this.#code.querySelector<HTMLElement>(`[data-line="${file === '' ? 0 : Number(line)}"]`);
    if (current === null) return;
    current.setAttribute('aria-current', 'true');
    // Not `scrollIntoView`, which would move the page as well.
    this.#code.scrollTop = current.offsetTop - this.#code.clientHeight / 2;
  }
}
