import { existsSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { GuestSockets, GuestStream, StreamBackend, VsockBackend } from '../../devices/backends.ts';
import { InputError } from '../../errors/input-error.ts';
import { closeAtExit } from '../close-at-exit.ts';
import { SocketStream } from './socket-stream.ts';

/** Bytes of the line with which a program asks for a port of the guest, at most. */
const LONGEST_LINE = 32;
const NEWLINE = 0x0a;

/**
 * The guest's sockets as sockets in the host's file system, in the way of Firecracker (its `docs/vsock.md`): who
 * connects to `path` and writes `CONNECT PORT` and a newline gets `OK` and a number, then the stream with that port of
 * the guest. A program in the guest that connects to a port of the host is connected to `path_PORT`, where the host's
 * program listens.
 */
export class UnixSockets implements VsockBackend {
  readonly #path: string;
  readonly #server: Server;
  #sockets: GuestSockets | undefined;

  private constructor(path: string) {
    this.#path = path;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#greet(socket));
  }

  /**
   * Listens at a path, until {@link close}.
   *
   * @throws InputError when that is not possible
   */
  static async open(path: string): Promise<UnixSockets> {
    const all = new UnixSockets(path);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    all.#server.once('error', reject);
    all.#server.listen(path, resolve);
    try {
      await promise;
    } catch (error) {
      throw mistake(path, error as NodeJS.ErrnoException);
    }
    all.#server.unref();
    closeAtExit(all.#server);
    return all;
  }

  /** Nobody can connect any more, and the path is free. */
  close(): void {
    this.#server.close();
  }

  /** From now on programs of the host can connect to the guest. */
  attach(sockets: GuestSockets): void {
    this.#sockets = sockets;
  }

  connected(port: number, stream: GuestStream): StreamBackend | undefined {
    const path = `${this.#path}_${port}`;
    if (!existsSync(path)) return undefined;
    const backend = new SocketStream(createConnection({ path, allowHalfOpen: true }));
    backend.attach(stream);
    return backend;
  }

  /** Reads the line that names a port. */
  #greet(socket: Socket): void {
    let line = Buffer.alloc(0);
    const fail = () => socket.destroy();
    const hear = (bytes: Buffer) => {
      line = Buffer.concat([line, bytes]);
      const end = line.subarray(0, LONGEST_LINE).indexOf(NEWLINE);
      if (end < 0 && line.length < LONGEST_LINE) return;
      socket.pause();
      for (const [event, listener] of listeners) socket.off(event, listener);
      const [, port] =
        /^CONNECT (\d{1,10})\r?$/i.exec(line.subarray(0, Math.max(end, 0)).toString('latin1')) ?? [];
      if (port === undefined) socket.destroy();
      else this.#connect(socket, Number(port), line.subarray(end + 1));
    };
    const listeners = [
      ['data', hear],
      ['end', fail],
      ['error', fail],
    ] as const;
    for (const [event, listener] of listeners) socket.on(event, listener);
  }

  #connect(socket: Socket, port: number, first: Uint8Array): void {
    const backend = new SocketStream(socket, () => socket.write(`OK ${stream?.hostPort}\n`));
    let stream: GuestStream | undefined;
    try {
      stream = this.#sockets?.connect(port, backend);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (stream === undefined) socket.destroy();
    else backend.attach(stream, first);
  }
}

function mistake(path: string, { code, message }: NodeJS.ErrnoException): InputError {
  if (code === 'EADDRINUSE')
    return new InputError(
      `--vsock: there is a socket at ${path} already. Another machine uses it; or one that was killed has left it, ` +
        'then remove it.',
    );
  return new InputError(`--vsock: nobody can listen at ${path}: ${message}.`);
}
