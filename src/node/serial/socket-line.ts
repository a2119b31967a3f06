import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';

/**
 * The wire of a serial port that one socket at a time is connected to. Without one, output is lost, as it is on a wire;
 * a socket that goes takes with it the bytes that it has not read.
 */
export class SocketLine {
  readonly input: Readable;
  readonly output: Writable;
  /** Resolves when the first socket has come. */
  readonly attached: Promise<void>;
  readonly #arrive: () => void;
  #socket: Socket | undefined;
  /** Goes on with the bytes that wait for the socket to read. */
  #written: (() => void) | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.attached = promise;
    this.#arrive = resolve;
    this.input = new Readable({ read: () => this.#socket?.resume() });
    this.output = new Writable({ write: (bytes: Uint8Array, _encoding, done) => this.#write(bytes, done) });
  }

  /** @returns false if another socket is connected */
  attach(socket: Socket): boolean {
    if (this.#socket !== undefined) return false;
    this.#socket = socket;
    socket.on('data', (bytes) => {
      if (!this.input.push(bytes)) socket.pause();
    });
    // The end follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#socket = undefined;
      this.#goOn();
    });
    this.#arrive();
    return true;
  }

  #write(bytes: Uint8Array, done: () => void): void {
    if (this.#socket?.writable !== true) {
      done();
      return;
    }
    this.#written = done;
    this.#socket.write(bytes, () => this.#goOn());
  }

  #goOn(): void {
    const done = this.#written;
    this.#written = undefined;
    done?.();
  }
}
