import type { Socket } from 'node:net';
import type { GuestStream, StreamBackend, StreamEnd } from '../../devices/backends.ts';
import { writeOutput } from '../write-output.ts';

/** Carries bytes between a socket of the host and a stream of the guest, both ways, as fast as the slower one takes. */
export class SocketStream implements StreamBackend {
  readonly #socket: Socket;
  readonly #onConnected: () => void;
  #stream: GuestStream | undefined;
  /** Data that the guest had no room for yet. */
  #rest: Uint8Array = new Uint8Array();
  #hasEnded = false;

  /**
   * @param socket made with `allowHalfOpen`
   * @param onConnected called when the guest has accepted the connection
   */
  constructor(socket: Socket, onConnected: () => void = () => undefined) {
    this.#socket = socket;
    this.#onConnected = onConnected;
    // Behind an error comes the event of the end.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#leave());
  }

  /** Begins to carry the socket's bytes; those behind its first line may be there already. */
  attach(stream: GuestStream, first: Uint8Array = new Uint8Array()): void {
    this.#stream = stream;
    this.#socket.on('data', (bytes) => this.#send(bytes));
    this.#socket.on('end', () => {
      this.#hasEnded = true;
      this.#endIfSent();
    });
    this.#send(first);
  }

  connected(): void {
    this.#onConnected();
    this.inputSpace();
  }

  output(bytes: Uint8Array): Promise<void> | undefined {
    return writeOutput(this.#socket, bytes);
  }

  outputEnded(): void {
    this.#socket.end();
  }

  inputSpace(): void {
    const rest = this.#rest;
    this.#rest = new Uint8Array();
    this.#send(rest);
  }

  closed(end: StreamEnd): void {
    this.#stream = undefined;
    if (end === 'closed') this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  #send(bytes: Uint8Array): void {
    const taken = bytes.length === 0 ? 0 : (this.#stream?.input(bytes) ?? bytes.length);
    if (taken < bytes.length) {
      this.#rest = bytes.subarray(taken);
      this.#socket.pause();
      return;
    }
    this.#socket.resume();
    this.#endIfSent();
  }

  #endIfSent(): void {
    if (this.#hasEnded && this.#rest.length === 0) this.#stream?.endInput();
  }

  /** The socket is closed: bytes of it that the guest has not got are lost, unless both sides had ended. */
  #leave(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (!(this.#hasEnded && this.#rest.length === 0 && this.#socket.writableFinished)) stream?.reset();
  }
}
