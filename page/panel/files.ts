import type { FolderEntry } from 'hartvisor/web';
import { download, element, errorText, sizeText } from '../dom.ts';
import type { MachineSession } from '../machine/session.ts';
import { field } from './settings-form.ts';

/** Where one begins. */
const HOME = '/root';
/** Larger files are not fetched before somebody has dropped them somewhere. */
const MOST_DRAGGED = 16 * 2 ** 20;
/** More than a person looks through. */
const MOST_SHOWN = 500;

/** Services for the part of the panel for files. */
export interface FilesOptions {
  readonly session: MachineSession;
  announce(text: string): void;
}

/** The guest's files: they are put into it and taken out of it, by the mouse or by buttons. */
export class FilesPart {
  readonly root: HTMLElement;
  readonly #options: FilesOptions;
  readonly #path: HTMLInputElement;
  readonly #list = element('ul', { class: 'list', 'aria-label': 'Files in the guest' });
  readonly #note = element('p', { class: 'note', role: 'status' });
  readonly #buttons: readonly HTMLButtonElement[];

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#path = element('input', {
      value: HOME,
      spellcheck: 'false',
      autocapitalize: 'off',
      autocomplete: 'off',
    });
    const input = element('input', { type: 'file', multiple: true, hidden: true, 'aria-label': 'Files' });
    input.addEventListener('change', () => {
      void this.put([...(input.files ?? [])]);
      input.value = '';
    });
    const button = (text: string, onclick: () => void, type = 'button') =>
      element('button', { type, class: 'button', disabled: true, onclick }, text);
    const put = button('Put files in …', () => input.click());
    const look = button('Look', () => undefined, 'submit');
    this.#buttons = [look, put];
    this.root = element(
      'form',
      {
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          void this.look();
        },
      },
      element('h2', {}, 'Files'),
      field('Folder in the guest', this.#path),
      element('div', { class: 'row' }, look, put, input),
      this.#note,
      this.#list,
    );
    this.#say('Drop files on the terminal to put them into this folder.');
  }

  /** The machine is there, or is not. */
  update(): void {
    const isThere = this.#options.session.phase === 'running';
    for (const button of this.#buttons) button.disabled = !isThere;
    if (!isThere) this.#list.replaceChildren();
  }

  /** Shows what is in the folder. */
  async look(): Promise<void> {
    const { vm } = this.#options.session;
    if (vm === undefined) return;
    const folder = this.#path.value;
    try {
      const entries = (await vm.files.list(folder)).filter(
        ({ kind }) => kind === 'file' || kind === 'folder',
      );
      entries.sort(byKindAndName);
      const rows = entries.slice(0, MOST_SHOWN).map((entry) => this.#row(folder, entry));
      this.#list.replaceChildren(
        ...(folder === '/' ? [] : [this.#folderRow('..', parentOf(folder))]),
        ...rows,
      );
      const more = entries.length > MOST_SHOWN ? `, of which ${MOST_SHOWN} are shown` : '';
      this.#say(`${entries.length === 0 ? 'Nothing' : entries.length} in ${folder}${more}.`);
    } catch (error) {
      this.#list.replaceChildren();
      this.#say(errorText(error));
    }
  }

  /** Puts files into the folder, one after the other. */
  async put(files: readonly File[]): Promise<void> {
    const { announce, session } = this.#options;
    const { vm } = session;
    if (files.length === 0) return;
    if (vm === undefined) {
      announce('No machine runs that files could be put into.');
      return;
    }
    const folder = this.#path.value.replace(/\/+$/, '');
    try {
      for (const [index, file] of files.entries()) {
        this.#say(
          `Putting ${file.name} (${sizeText(file.size)}) into ${folder || '/'}: ${index + 1} of ${files.length}`,
        );
        await vm.files.write(`${folder}/${file.name}`, file.stream());
      }
      await this.look();
      announce(`${files.length === 1 ? files[0].name : `${files.length} files`} put into ${folder || '/'}.`);
    } catch (error) {
      this.#say(errorText(error));
      announce(errorText(error));
    }
  }

  #row(folder: string, { name, kind, size }: FolderEntry): HTMLLIElement {
    const path = `${folder === '/' ? '' : folder.replace(/\/+$/, '')}/${name}`;
    if (kind === 'folder') return this.#folderRow(`${name}/`, path);
    const save = element(
      'button',
      { type: 'button', class: 'link name', title: `Save ${name}`, onclick: () => this.#save(name, path) },
      name,
    );
    const row = element('li', {}, save, element('span', { class: 'note' }, sizeText(size)));
    if (size <= MOST_DRAGGED) this.#makeDraggable(row, name, path);
    return row;
  }

  #folderRow(text: string, path: string): HTMLLIElement {
    const open = () => {
      this.#path.value = path;
      void this.look();
    };
    return element('li', {}, element('button', { type: 'button', class: 'link name', onclick: open }, text));
  }

  async #save(name: string, path: string): Promise<void> {
    const { vm } = this.#options.session;
    try {
      const bytes = await vm?.files.read(path);
      if (bytes !== undefined) download(name, [bytes as Uint8Array<ArrayBuffer>]);
    } catch (error) {
      this.#say(errorText(error));
    }
  }

  /**
   * A file that is dragged out of the page needs an address when the drag begins: its contents are fetched when the
   * mouse goes down on it. Browsers of Chromium's family know the word `DownloadURL`.
   */
  #makeDraggable(row: HTMLLIElement, name: string, path: string): void {
    let url: string | undefined;
    row.draggable = true;
    row.addEventListener('pointerenter', async () => {
      if (url !== undefined) return;
      const bytes = await this.#options.session.vm?.files.read(path).catch(() => undefined);
      if (bytes !== undefined) url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
    });
    row.addEventListener('pointerleave', () => {
      const old = url;
      url = undefined;
      // A drag has left it, and the browser still reads.
      if (old !== undefined) setTimeout(() => URL.revokeObjectURL(old), 60_000);
    });
    row.addEventListener('dragstart', (event) => {
      if (url === undefined) event.preventDefault();
      else
        event.dataTransfer?.setData(
          'DownloadURL',
          `application/octet-stream:${name.replaceAll(':', '_')}:${url}`,
        );
    });
  }

  #say(text: string): void {
    this.#note.textContent = text;
  }
}

function byKindAndName(one: FolderEntry, other: FolderEntry): number {
  if (one.kind !== other.kind) return one.kind === 'folder' ? -1 : 1;
  return one.name.localeCompare(other.name);
}

function parentOf(folder: string): string {
  return folder.replace(/\/+$/, '').replace(/\/[^/]*$/, '') || '/';
}

/** Has files that are dropped anywhere on the page given to `onFiles`. */
export function acceptDrops(target: HTMLElement, onFiles: (files: readonly File[]) => void): void {
  let depth = 0;
  const show = (change: number) => {
    depth = Math.max(depth + change, 0);
    target.classList.toggle('dropping', depth > 0);
  };
  const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') === true;
  target.addEventListener('dragenter', (event) => {
    if (hasFiles(event)) show(1);
  });
  target.addEventListener('dragleave', (event) => {
    if (hasFiles(event)) show(-1);
  });
  target.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'copy';
  });
  target.addEventListener('drop', (event) => {
    depth = 0;
    target.classList.remove('dropping');
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });
}
