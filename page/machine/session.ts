import type { BootProgress, RestoreOptions, Vm, VmEnd, VmImage } from 'hartvisor/web';
import { errorText, sizeText, turn as turnOfPage } from '../dom.ts';
import { fetchGuest, type Guest, imageFor } from './guest.ts';
import { hasOutside, mountDisk, outsideOf } from './outside.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';

/** The phases in the life of a page's machine. */
export type Phase = 'idle' | 'starting' | 'running' | 'paused' | 'ended' | 'failed';

/** How far the way to a machine has come. */
export interface Progress {
  /** For people. */
  readonly message: string;
  /** 0 to 1; undefined if that is not known. */
  readonly fraction: number | undefined;
}

/** Where a machine begins: with a boot, or an image of one of its own. */
export type Beginning =
  | { readonly kind: 'guest' }
  | { readonly kind: 'image'; readonly image: VmImage | Blob | string; readonly name: string };

/** Tells how far a start is, with bytes of so many in total. */
type Tell = (message: string, bytes?: number, total?: number) => void;

/** One machine of a page after the other, and its state. */
export class MachineSession {
  /** Address of the folder with the list of the guest. */
  readonly guestBase: URL;
  readonly #onNotice: (text: string) => void;
  readonly #listeners = new Set<() => void>();
  #settings: Settings = DEFAULT_SETTINGS;
  #phase: Phase = 'idle';
  #vm: Vm | undefined;
  #message = '';
  #progress: Progress | undefined;
  #isWarm = false;
  #guestName = '';
  #abort = new AbortController();
  /** Counts starts: what an older one is told no longer matters. */
  #turn = 0;

  /**
   * @param guestBase address of the folder with the list of the guest
   * @param onNotice something that a person should know
   */
  constructor(guestBase: URL, onNotice: (text: string) => void = () => undefined) {
    this.guestBase = guestBase;
    this.#onNotice = onNotice;
  }

  get settings(): Settings {
    return this.#settings;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The machine, while there is one that has not ended. */
  get vm(): Vm | undefined {
    return this.#vm;
  }

  /** How it ended or why it failed, in whole sentences; what it is otherwise. */
  get message(): string {
    return this.#message;
  }

  /** While it is being started. */
  get progress(): Progress | undefined {
    return this.#progress;
  }

  /** Of its guest, for people. */
  get guestName(): string {
    return this.#guestName;
  }

  /** It went on from an image, so that its console has shown nothing yet. */
  get isWarm(): boolean {
    return this.#isWarm;
  }

  /** @returns a function that ends the listening */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Ends the machine that there is, and starts another one. Failures are told by {@link phase} as well.
   *
   * @throws what `boot` and `restore` throw, and GuestError
   */
  async start(settings: Settings, beginning: Beginning = { kind: 'guest' }): Promise<Vm> {
    this.#abort.abort(new Error('Another machine was started.'));
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const turn = ++this.#turn;
    const before = this.#vm;
    this.#vm = undefined;
    this.#settings = settings;
    this.#set('starting', 'Starting', { message: 'Loading hartvisor', fraction: undefined });
    try {
      await before?.stop();
      const vm = await this.#make(settings, beginning, signal, turn);
      // Views of the machine have their own turn.
      await turnOfPage();
      if (turn !== this.#turn) {
        await vm.stop();
        signal.throwIfAborted();
      }
      this.#vm = vm;
      void vm.ended.then((end) => this.#ended(vm, end));
      this.#set('running', 'Running');
      return vm;
    } catch (error) {
      if (turn === this.#turn) this.#set('failed', errorText(error));
      throw error;
    }
  }

  async pause(): Promise<void> {
    if (this.#phase !== 'running') return;
    await this.#vm?.pause();
    if (this.#phase === 'running') this.#set('paused', 'Paused');
  }

  resume(): void {
    if (this.#phase !== 'paused') return;
    this.#vm?.resume();
    this.#set('running', 'Running');
  }

  /** Cuts the machine's power, or ends the way to it. */
  async stop(): Promise<void> {
    if (this.#phase === 'starting') {
      this.#turn++;
      this.#abort.abort(new Error('The start was given up.'));
      this.#set('ended', 'The start was given up.');
    }
    await this.#vm?.stop();
  }

  async #make(settings: Settings, beginning: Beginning, signal: AbortSignal, turn: number): Promise<Vm> {
    const tell: Tell = (message, bytes, total) => {
      if (turn !== this.#turn) return;
      const part = bytes === undefined ? '' : `: ${sizeText(bytes)}${total ? ` of ${sizeText(total)}` : ''}`;
      const fraction = bytes === undefined || !total ? undefined : Math.min(bytes / total, 1);
      this.#set('starting', 'Starting', { message: `${message}${part}`, fraction });
    };
    const listed = beginning.kind === 'guest' ? fetchGuest(this.guestBase, signal) : undefined;
    // Told where it is awaited.
    listed?.catch(() => undefined);
    const { restore } = await import('hartvisor/web');
    const { cpus, threads } = settings;
    const usual: RestoreOptions = {
      trace: true,
      signal,
      onNotice: this.#onNotice,
      ...(threads === 0 ? {} : { threads: Math.min(threads, cpus) }),
    };
    this.#isWarm = true;
    if (beginning.kind === 'image') {
      this.#guestName = beginning.name;
      const message = `Restoring ${beginning.name}`;
      tell(message);
      const onProgress = ({ bytes, totalBytes }: BootProgress) => tell(message, bytes, totalBytes);
      return restore(beginning.image, { ...usual, onProgress });
    }
    const guest = await (listed ?? fetchGuest(this.guestBase, signal));
    this.#guestName = guest.name;
    const image = hasOutside(settings) ? undefined : imageFor(guest, settings);
    return (await this.#goOn(image, usual, tell)) ?? this.#boot(guest, settings, usual, tell);
  }

  /** Goes on from the image of a guest that has booted before. @returns undefined if there is none that can be used */
  async #goOn(image: Guest['image'], usual: RestoreOptions, tell: Tell): Promise<Vm | undefined> {
    if (image === undefined) return undefined;
    const message = `Fetching ${this.#guestName}, which has booted before`;
    tell(message);
    const { restore } = await import('hartvisor/web');
    const onProgress = ({ bytes }: BootProgress) => tell(message, bytes, image.size);
    try {
      return await restore(image.url, { ...usual, onProgress });
    } catch (error) {
      usual.signal?.throwIfAborted();
      if (isHopeless(error)) throw error;
      // Of another version, or cut off on its way: booting takes longer, and needs none.
      tell(`The image of the guest cannot be used (${errorText(error)}). It boots instead`);
      return undefined;
    }
  }

  async #boot(guest: Guest, settings: Settings, usual: RestoreOptions, tell: Tell): Promise<Vm> {
    const { boot } = await import('hartvisor/web');
    const { cpus, protocol, aia, memoryMiB } = settings;
    this.#isWarm = false;
    const outside = await outsideOf(settings);
    const vm = await boot({
      ...usual,
      ...outside,
      ...{ cpus, protocol, aia, memory: memoryMiB * 2 ** 20 },
      ...{ kernel: guest.kernel, initrd: guest.initrd },
      append: [guest.append, outside.append].filter(Boolean).join(' '),
      onProgress: ({ bytes, totalBytes }) => tell(`Fetching ${guest.name}`, bytes, totalBytes),
    });
    if (settings.disk) mountDisk(vm).then(this.#onNotice, () => undefined);
    return vm;
  }

  #ended(vm: Vm, end: VmEnd): void {
    if (this.#vm !== vm) return;
    this.#vm = undefined;
    this.#set(end.reason === 'defect' ? 'failed' : 'ended', endText(end));
  }

  #set(phase: Phase, message: string, progress?: Progress): void {
    this.#phase = phase;
    this.#message = message;
    this.#progress = progress;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether booting instead would fail in the same way. */
function isHopeless(error: unknown): boolean {
  return (
    error instanceof Error && ('code' in error ? error.code === 'isolation' : error instanceof RangeError)
  );
}

function endText(end: VmEnd): string {
  switch (end.reason) {
    case 'poweroff':
      return 'The guest has powered off.';
    case 'reboot':
      return 'The guest asked for a reboot.';
    case 'failure':
      return `The guest reported the failure ${end.code}.`;
    case 'stopped':
      return 'The machine was stopped.';
    case 'stuck':
    case 'limit':
      return end.message;
    case 'differs':
      return end.report;
    case 'defect':
      return `A thread of the machine failed: ${end.error.message}`;
  }
}
