import type { Socket } from 'node:net';
import type { Failure, HostStream, StreamListener } from '../../network/host.ts';

/** A connection of Node, as a {@link HostStream}. */
export class NodeStream implements HostStream {
  readonly #socket: Socket;
  #failed = false;

  /** @param socket with `allowHalfOpen` */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    // Until somebody listens: an error without listeners would end the process.
    socket.on('error', () => undefined);
  }

  /** Has a listener hear of all that happens from now on. */
  listen(listener: StreamListener): void {
    const socket = this.#socket;
    socket.on('connect', () => listener.connected());
    socket.on('data', (bytes) => listener.data(bytes));
    socket.on('end', () => listener.ended());
    socket.on('error', (error) => {
      if (this.#failed) return;
      this.#failed = true;
      listener.failed(failureOf(error));
    });
    socket.on('close', () => {
      if (!this.#failed) listener.closed();
    });
    this.#drained = () => listener.drained();
  }

  get pending(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes, this.#drained);
  }

  end(): void {
    if (this.#socket.writable) this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  reset(): void {
    this.#failed = true;
    this.#socket.removeAllListeners('data');
    this.#socket.resetAndDestroy();
  }

  #drained = (): void => undefined;
}

/** Why the system's calls fail, in a few words. */
export function failureOf(error: Error): Failure {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ETIMEDOUT') return 'timeout';
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'unreachable';
}
