import type { AgentStream } from './connection.ts';

/** Bytes of a stream that may wait for their reader. */
export const WINDOW = 1 << 20;

/** Bytes from the guest on a channel, as a web stream: the guest waits while nobody reads. */
export class IncomingBytes {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #hold: () => () => void;
  #release: (() => void) | undefined;
  #isOver = false;
  readonly #channel: number;
  readonly #grant: (bytes: number) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Bytes that have come, and those that were read and are not granted anew. */
  #received = 0;
  #granted = 0;
  /** Nobody wants them: the guest may go on writing. */
  #isCancelled = false;
  /** Why no more come, which who reads is told behind those that have come. */
  #failure: Error | undefined;

  /**
   * @param hold keeps the program running until the function that it gives is called
   * @param onCancel the reader wants no more
   */
  constructor(
    stream: Pick<AgentStream, 'grant'>,
    channel: number,
    hold: () => () => void,
    onCancel: () => void = () => undefined,
  ) {
    this.#hold = hold;
    this.#channel = channel;
    this.#grant = (bytes) => stream.grant(this.#channel, bytes);
    this.#stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#read();
          this.#failIfRead();
        },
        cancel: () => {
          this.#controller = undefined;
          this.#isCancelled = true;
          this.#read();
          this.#over();
          onCancel();
        },
      },
      { highWaterMark: WINDOW, size: (bytes) => bytes?.length ?? 0 },
    );
  }

  /** The program does not come to its end before the stream has, once somebody has it. */
  get stream(): ReadableStream<Uint8Array> {
    if (!this.#isOver) this.#release ??= this.#hold();
    return this.#stream;
  }

  /** @param bytes that are the stream's own */
  push(bytes: Uint8Array): void {
    this.#received += bytes.length;
    if (this.#isCancelled) this.#read();
    else this.#controller?.enqueue(bytes);
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
    this.#over();
  }

  /** No more come: who reads gets those that have come, then the error. */
  fail(error: Error): void {
    this.#failure = error;
    this.#over();
    this.#failIfRead();
  }

  /** Gives all up: who reads gets the reason at once. */
  abandon(reason: unknown): void {
    this.#controller?.error(reason);
    this.#controller = undefined;
    this.#over();
  }

  #failIfRead(): void {
    if (this.#failure !== undefined && this.#controller?.desiredSize === WINDOW) this.abandon(this.#failure);
  }

  #over(): void {
    this.#isOver = true;
    this.#release?.();
    this.#release = undefined;
  }

  /** Some may have been read: lets the guest send as many again, though not a few at a time. */
  #read(): void {
    const waiting = this.#isCancelled ? 0 : WINDOW - (this.#controller?.desiredSize ?? WINDOW);
    const free = this.#received - waiting - this.#granted;
    if (free < WINDOW / 2) return;
    this.#granted += free;
    this.#grant(free);
  }
}
