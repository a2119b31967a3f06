import { element, errorText, sizeText } from '../dom.ts';
import { DISK_FOLDER, DISK_NAME } from '../machine/outside.ts';
import type { MachineSession } from '../machine/session.ts';

/** Milliseconds between two looks at the network's counters. */
const EVERY_MS = 2000;

/** Services for the part of the panel for disk and network. */
export interface OutsideOptions {
  readonly session: MachineSession;
  announce(text: string): void;
}

/** The disk that the browser keeps, and what the network carries. */
export class OutsidePart {
  readonly root: HTMLElement;
  readonly #options: OutsideOptions;
  readonly #disk = element('p', { class: 'note' });
  readonly #network = element('p', { class: 'note' });
  readonly #save: HTMLButtonElement;
  readonly #remove: HTMLButtonElement;

  constructor(options: OutsideOptions) {
    this.#options = options;
    const button = (text: string, onclick: () => Promise<void>) =>
      element(
        'button',
        { type: 'button', class: 'button', hidden: true, onclick: () => void this.#try(onclick) },
        text,
      );
    this.#save = button('Save the disk', () => this.#saveDisk());
    this.#remove = button('Delete the disk', () => this.#removeDisk());
    this.root = element(
      'section',
      {},
      element('h2', {}, 'Disk and network'),
      this.#disk,
      element('div', { class: 'row' }, this.#save, this.#remove),
      this.#network,
    );
    setInterval(() => this.#showNetwork(), EVERY_MS);
    this.update();
  }

  /** Another machine, or another state of it. */
  update(): void {
    this.#showNetwork();
    void this.#showDisk().catch(() => undefined);
  }

  async #showDisk(): Promise<void> {
    const { session } = this.#options;
    // Pages that are not isolated have no use for the module.
    if (!crossOriginIsolated) return;
    const { disks } = await import('hartvisor/web');
    const kept = (await disks.list()).find(({ name }) => name === DISK_NAME);
    const isUsed = session.settings.disk && session.vm !== undefined;
    this.#save.hidden = this.#remove.hidden = kept === undefined || isUsed;
    if (kept === undefined) this.#disk.textContent = 'This browser keeps no disk for this page.';
    else {
      const use = isUsed ? `, at ${DISK_FOLDER} in the guest` : ', which this machine does not use';
      this.#disk.textContent = `This browser keeps a disk: ${sizeText(kept.bytes)}${use}.`;
    }
  }

  #showNetwork(): void {
    const { settings, vm } = this.#options.session;
    const counts = vm?.machine.network?.counts();
    if (counts === undefined) {
      this.#network.textContent = 'The machine has no network.';
      return;
    }
    const online =
      settings.network.startsWith('link:') || navigator.onLine ? '' : ' This computer is offline.';
    this.#network.textContent = `Network by ${settings.network}: ${counts.sent} frames sent, ${counts.received} received.${online}`;
  }

  async #saveDisk(): Promise<void> {
    const { disks } = await import('hartvisor/web');
    const file = await disks.export(DISK_NAME);
    const url = URL.createObjectURL(file);
    element('a', { href: url, download: `${DISK_NAME}.qcow2` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  async #removeDisk(): Promise<void> {
    if (!confirm('Delete the disk that this browser keeps, with all that is on it?')) return;
    const { disks } = await import('hartvisor/web');
    await disks.remove(DISK_NAME);
    this.#options.announce('The disk was deleted.');
    await this.#showDisk();
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.announce(errorText(error));
      this.#disk.textContent = errorText(error);
    }
  }
}
