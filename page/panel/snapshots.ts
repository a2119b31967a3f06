import type { VmImage } from 'hartvisor/web';
import { download, element, errorText, sizeText } from '../dom.ts';
import type { Beginning, MachineSession } from '../machine/session.ts';
import type { Settings } from '../machine/settings.ts';

/** Snapshots that the page keeps in its memory. */
const MOST_KEPT = 5;
const ENDING = '.snapshot';

/** A machine as it was, with what its console showed. */
interface Kept {
  readonly name: string;
  readonly image: VmImage;
  readonly screen: string;
  readonly settings: Settings;
}

/** Services for the part of the panel for snapshots. */
export interface SnapshotsOptions {
  readonly session: MachineSession;
  /** The text on the console, to be shown again with the machine. */
  screen(): string;
  announce(text: string): void;
  /** Goes on with a machine as it was. */
  restore(beginning: Beginning, settings: Settings, screen: string): void;
}

/** Takes snapshots, goes on from them, and gives them as files. */
export class SnapshotsPart {
  readonly root: HTMLElement;
  readonly #options: SnapshotsOptions;
  readonly #list = element('ul', { class: 'list', 'aria-label': 'Snapshots' });
  readonly #take: HTMLButtonElement;
  readonly #kept: Kept[] = [];
  #count = 0;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#take = element(
      'button',
      { type: 'button', class: 'button', disabled: true, onclick: () => this.take() },
      'Take a snapshot',
    );
    const input = element('input', { type: 'file', accept: ENDING, hidden: true, 'aria-label': 'Snapshot' });
    input.addEventListener('change', () => {
      const [file] = input.files ?? [];
      if (file !== undefined) this.restoreFile(file);
      input.value = '';
    });
    const open = element(
      'button',
      { type: 'button', class: 'button', onclick: () => input.click() },
      'From a file …',
    );
    this.root = element(
      'section',
      {},
      element('h2', {}, 'Snapshots'),
      element('div', { class: 'row' }, this.#take, open, input),
      this.#list,
    );
  }

  /** The machine is there, or is not. */
  update(): void {
    this.#take.disabled = !['running', 'paused'].includes(this.#options.session.phase);
  }

  async take(): Promise<void> {
    const { session, announce } = this.#options;
    const { vm, settings } = session;
    if (vm === undefined) return;
    this.#take.disabled = true;
    try {
      const image = await vm.snapshot();
      const name = `Snapshot ${++this.#count}`;
      this.#kept.push({ name, image, settings, screen: this.#options.screen() });
      if (this.#kept.length > MOST_KEPT) this.#kept.shift();
      this.#render();
      announce(`${name} was taken: ${sizeText(image.size)}.`);
    } catch (error) {
      announce(errorText(error));
    } finally {
      this.update();
    }
  }

  /** Goes on with a machine of a file. */
  restoreFile(file: File): void {
    const { session, restore } = this.#options;
    restore({ kind: 'image', image: file, name: file.name }, session.settings, '');
  }

  #render(): void {
    const { restore } = this.#options;
    const rows = this.#kept.map((kept) => {
      const { name, image, settings, screen } = kept;
      const act = (text: string, onclick: () => void) =>
        element('button', { type: 'button', class: 'link', 'aria-label': `${text}: ${name}`, onclick }, text);
      return element(
        'li',
        {},
        element('span', { class: 'name' }, name),
        element('span', { class: 'note' }, sizeText(image.size)),
        act('Restore', () => restore({ kind: 'image', image, name }, settings, screen)),
        act('Save', () =>
          download(`hartvisor-${name.replace(' ', '-').toLowerCase()}${ENDING}`, pieces(image)),
        ),
        act('Drop', () => {
          this.#kept.splice(this.#kept.indexOf(kept), 1);
          this.#render();
        }),
      );
    });
    this.#list.replaceChildren(...rows);
  }
}

function* pieces(image: VmImage): Generator<BlobPart> {
  for (const piece of image) yield piece as Uint8Array<ArrayBuffer>;
}
