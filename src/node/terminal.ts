import type { Readable, Writable } from 'node:stream';
import { ByteQueue } from './byte-queue.ts';
import { EscapeKeys, escapeHelp } from './escape-keys.ts';
import { printable } from './printable.ts';

/** A stream of input that may be a terminal: `process.stdin`. */
export type TerminalInput = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/** A window that may change its size. */
export interface TerminalWindow {
  readonly columns?: number;
  readonly rows?: number;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

/** The streams of a {@link Terminal}. */
export interface TerminalStreams {
  readonly input: TerminalInput;
  readonly output: Writable & { readonly isTTY?: boolean };
  /** The window of the terminal: `process.stdout`, which tells of a new size by the event `resize`. */
  readonly window?: TerminalWindow;
  /** For messages of hartvisor itself. */
  readonly messages: Writable;
}

/** The functions that a {@link Terminal} calls. */
export interface TerminalHandlers {
  /**
   * Input for the guest.
   *
   * @returns how many bytes were taken; the rest comes again after {@link Terminal.continueInput}
   */
  onInput(bytes: Uint8Array): number;
  /** The window has that size, from the start or from now on. */
  onResize?(columns: number, rows: number): void;
  /** The person wants to leave: Ctrl-A x. */
  onQuit(): void;
  /** The person wants the machine to be saved. @param quits and then to be left */
  onSave(quits: boolean): void;
  /** Nobody reads the output any more: the other end of a pipe is closed. */
  onOutputClosed(): void;
}

/**
 * Input that waits for a guest that does not read. As long as less waits, Ctrl-A x is still seen; beyond, reading
 * stops, so that a large file in a pipe does not end up in memory.
 */
const backlogLimit = 1024 * 1024;
/**
 * Bytes that may wait for a reader of messages who does not come: beyond, messages are left out, and counted. Those who
 * type or send Ctrl-A h a million times get no million answers.
 */
const messageLimit = 256 * 1024;
const newline = 0x0a;

/**
 * The guest's serial console on the terminal or the pipes that hartvisor was started with.
 *
 * On a terminal, keys go to the guest as they are (raw mode), Ctrl-C included. The end of piped input does not end
 * anything: the guest's work is not done when its input is.
 */
export class Terminal {
  readonly #streams: TerminalStreams;
  readonly #handlers: TerminalHandlers;
  readonly #keys = new EscapeKeys();
  readonly #backlog = new ByteQueue();
  #leftOut = 0;
  #lineOpen = false;
  #drained: Promise<void> | undefined;
  #stopped = false;
  #closed = false;

  constructor(streams: TerminalStreams, handlers: TerminalHandlers) {
    this.#streams = streams;
    this.#handlers = handlers;
  }

  /** Whether a person types at it. */
  get interactive(): boolean {
    return this.#streams.input.isTTY === true;
  }

  /** Starts to read. The terminal is given back by {@link Terminal.close}, and in any case when the process exits. */
  open(): void {
    const { input, output, messages, window } = this.#streams;
    this.#setRawMode(true);
    this.#resized();
    window?.on('resize', this.#resized);
    process.once('exit', this.#restore);
    process.on('SIGCONT', this.#resumed);
    input.on('data', this.#onData);
    // Input that cannot be read (a closed terminal, a directory) is input that ends.
    input.on('error', ignore);
    output.on('error', this.#onOutputError);
    // Messages go unread when their reader is gone; that is no reason to fail.
    messages.on('error', ignore);
  }

  /** Reads no more: input from here on stays where it is. */
  stopInput(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const { input } = this.#streams;
    input.off('data', this.#onData);
    input.pause();
  }

  /** Gives the terminal back and stops to read. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.stopInput();
    this.#restore();
    process.off('exit', this.#restore);
    process.off('SIGCONT', this.#resumed);
    this.#streams.window?.off('resize', this.#resized);
  }

  /** Offers again the input that the guest had no room for. */
  continueInput(): void {
    while (this.#backlog.length > 0) {
      const bytes = this.#backlog.first();
      const taken = this.#handlers.onInput(bytes);
      this.#backlog.drop(taken);
      if (taken < bytes.length) break;
    }
    if (this.#backlog.length < backlogLimit && !this.#stopped) this.#streams.input.resume();
  }

  /**
   * Writes output of the guest.
   *
   * @returns a promise when the reader is slower than the guest: write no more until it is fulfilled
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    const { output } = this.#streams;
    this.#lineOpen = bytes[bytes.length - 1] !== newline;
    if (!output.writable || output.write(bytes)) return undefined;
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  /** Says something to the person, on lines of its own. */
  notice(text: string): void {
    const { messages, output } = this.#streams;
    if (messages.writableLength > messageLimit) {
      this.#leftOut++;
      return;
    }
    // Where both go to one terminal the text must not follow an unfinished line of the guest.
    const start = this.#lineOpen && output.isTTY === true ? '\n' : '';
    this.#lineOpen = false;
    const before = this.#leftOut > 0 ? `(${this.#leftOut} messages were left out.)\n` : '';
    this.#leftOut = 0;
    const lines = `${start}${before}${printable(text)}\n`;
    messages.write(lines.replaceAll('\n', this.interactive ? '\r\n' : '\n'));
  }

  /** Waits until all output is written, or can no longer be. */
  flush(): Promise<void> {
    return written(this.#streams.output);
  }

  /** The same for messages. */
  flushMessages(): Promise<void> {
    return written(this.#streams.messages);
  }

  readonly #onData = (chunk: Uint8Array | string): void => {
    const { guest, commands } = this.#keys.take(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    if (guest.length > 0) this.#offer(guest);
    for (const command of commands) {
      if (command === 'quit') this.#handlers.onQuit();
      else if (command === 'save' || command === 'suspend') this.#handlers.onSave(command === 'suspend');
      else this.notice(escapeHelp);
    }
  };

  readonly #onOutputError = (): void => this.#handlers.onOutputClosed();
  readonly #restore = (): void => this.#setRawMode(false);
  /** Somebody stopped the process, and a shell that did took its terminal settings back. */
  readonly #resumed = (): void => this.#setRawMode(true);

  readonly #resized = (): void => {
    const { columns, rows } = this.#streams.window ?? {};
    if (columns && rows) this.#handlers.onResize?.(columns, rows);
  };

  /** Waits until the reader has caught up, or is gone. */
  async #drain(): Promise<void> {
    const { output } = this.#streams;
    const { promise, resolve } = Promise.withResolvers<void>();
    output.on('drain', resolve);
    output.on('close', resolve);
    await promise;
    output.off('drain', resolve);
    output.off('close', resolve);
    this.#drained = undefined;
  }

  #offer(bytes: Uint8Array): void {
    const taken = this.#backlog.length > 0 ? 0 : this.#handlers.onInput(bytes);
    if (taken === bytes.length) return;
    this.#backlog.push(bytes.subarray(taken));
    if (this.#backlog.length >= backlogLimit) this.#streams.input.pause();
  }

  #setRawMode(raw: boolean): void {
    const { input } = this.#streams;
    if (input.isTTY !== true) return;
    try {
      input.setRawMode?.(raw);
    } catch {
      // The terminal is gone (its window was closed): there is nothing to set or restore.
    }
  }
}

async function written(stream: Writable): Promise<void> {
  if (!stream.writable || stream.writableLength === 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write('', () => resolve());
  await promise;
}

function ignore(): void {}
