import { element, find } from './dom.ts';
import type { MachineSession } from './machine/session.ts';
import type { Settings } from './machine/settings.ts';

/** Text and controls of the curtain in front of the terminals. */
export interface CurtainOptions {
  /** 0 to 1; undefined if it is not known. */
  readonly fraction?: number | undefined;
  readonly isFailure?: boolean;
  /** The text of a button on it; none without it. */
  readonly action?: string;
}

/** Covers the terminals while there is no machine. It is there before all else of the page. */
export class Curtain {
  readonly #onAction: () => void;

  /** @param onAction its button was pressed */
  constructor(onAction: () => void) {
    this.#onAction = onAction;
  }

  /** @param text undefined for nothing */
  show(text: string | undefined, { fraction, isFailure = false, action = '' }: CurtainOptions = {}): void {
    find('#curtain').hidden = text === undefined;
    find('#curtain-text').textContent = text ?? '';
    const bar = find<HTMLProgressElement>('#curtain-progress');
    bar.hidden = isFailure || action !== '';
    if (fraction === undefined) bar.removeAttribute('value');
    else bar.value = fraction;
    const button = find('#curtain-action');
    button.hidden = action === '';
    button.textContent = action;
    button.onclick = this.#onAction;
  }

  /** Shows what a machine is at. */
  tell({ phase, message, progress, settings }: MachineSession): void {
    const isThere = phase === 'running' || phase === 'paused';
    showStatus(phase, isThere ? `${message}: ${shapeText(settings)}` : message);
    if (progress !== undefined) this.show(progress.message, { fraction: progress.fraction });
    else if (phase === 'failed') this.show(message, { isFailure: true, action: 'Try again' });
    else if (phase === 'ended') this.show(message, { action: 'Start it again' });
    else this.show(undefined);
  }
}

let announcedPhase = '';

/** Shows what the machine is at in the bar of the page; a new phase is announced. */
export function showStatus(phase: string, text: string): void {
  find('#status').dataset.phase = phase;
  find('#status-text').textContent = text;
  if (phase !== announcedPhase) announce(text);
  announcedPhase = phase;
}

/** Tells those who cannot see the page. */
export function announce(text: string): void {
  find('#announcements').replaceChildren(element('span', {}, text));
}

function shapeText({ cpus, memoryMiB, protocol }: Settings): string {
  return `${cpus} vCPU${cpus === 1 ? '' : 's'}, ${memoryMiB} MiB, ${protocol}`;
}
