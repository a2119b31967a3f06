import { createServer, type Server, type Socket } from 'node:net';
import { framePacket } from '../../debug/packets.ts';
import { DebugSession } from '../../debug/session.ts';
import type { DebugTarget } from '../../debug/target.ts';
import {
  checkArgument,
  either,
  LISTENER,
  optionsOf,
  type Rule,
  TEXT,
  whole,
} from '../../errors/arguments.ts';
import { InputError } from '../../errors/input-error.ts';
import { closeAtExit } from '../close-at-exit.ts';

/** Where a debugger connects to: a port of an address of this machine, or a socket in the file system. */
export type GdbPlace = { readonly host: string; readonly port: number } | { readonly path: string };

const PLACE = either(
  {
    ...optionsOf<{ path: string }>({ path: TEXT }, 'a `path`', ['path']),
    fits: (value) => typeof value === 'object' && value !== null && 'path' in value,
  },
  optionsOf<{ host: string; port: number }>({ host: TEXT, port: whole(0, 0xffff) }, 'a `host` and a `port`', [
    'host',
    'port',
  ]),
);

const TARGET: Rule = {
  wanted: 'what `await vm.debug()` gives',
  fits: (value) => typeof value === 'object' && value !== null && 'readRegister' in value,
};

/** How long the last words to a debugger may take at the end of a machine, in milliseconds. */
const LAST_WORDS_MS = 200;
/** Bytes that a debugger may leave unread before it is taken for dead. */
const MOST_UNREAD = 0x100_0000;

/** Waits for debuggers that speak gdb's remote protocol, and lets one at a time into a machine. */
export class GdbServer {
  readonly #server: Server;
  readonly #target: DebugTarget;
  readonly #tell: (text: string) => void;
  #socket: Socket | undefined;
  /** A debugger is in, or has not left altogether. */
  #isTaken = false;

  /**
   * @param word names the place, for people: `--gdb tcp::1234`
   * @throws InputError when nobody can connect there, as when the port is in use, and for arguments that cannot be
   */
  static async open(
    place: GdbPlace,
    word: string,
    target: DebugTarget,
    tell: (text: string) => void,
  ): Promise<GdbServer> {
    checkArgument('place', place, PLACE);
    checkArgument('word', word, TEXT);
    checkArgument('target', target, TARGET);
    checkArgument('tell', tell, LISTENER);
    const server = createServer({ noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(place, resolve);
    try {
      await promise;
    } catch (error) {
      throw new InputError(`${word}: ${explain(error as NodeJS.ErrnoException)}`);
    }
    server.off('error', reject);
    server.on('error', (error) => tell(`${word}: ${error.message}.`));
    // The machine keeps the process, a server that nobody uses does not.
    server.unref();
    closeAtExit(server);
    return new GdbServer(server, target, tell);
  }

  private constructor(server: Server, target: DebugTarget, tell: (text: string) => void) {
    this.#server = server;
    this.#target = target;
    this.#tell = tell;
    server.on('connection', (socket) => void this.#accept(socket));
  }

  /** The words that a person types into gdb to connect. */
  get connectWords(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') return `target remote ${address ?? ''}`;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `target remote ${host === '127.0.0.1' ? '' : host}:${address.port}`;
  }

  /** Ends it, when a debugger has got its last words or does not read them. */
  async close(): Promise<void> {
    this.#server.close();
    const socket = this.#socket;
    if (socket === undefined || socket.closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LAST_WORDS_MS);
    socket.once('close', resolve);
    socket.end();
    await promise;
    clearTimeout(timer);
    socket.destroy();
  }

  async #accept(socket: Socket): Promise<void> {
    if (this.#isTaken) {
      refuse(socket, this.#tell);
      return;
    }
    this.#isTaken = true;
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    const session = new DebugSession(this.#target, {
      send: (bytes) => this.#send(socket, bytes),
      close: () => socket.end(),
    });
    socket.on('data', (bytes) => session.receive(bytes));
    await closed;
    await session.lost();
    this.#isTaken = false;
  }

  #send(socket: Socket, bytes: Uint8Array): void {
    if (socket.destroyed) return;
    socket.write(bytes);
    // Replies are small and come one at a time: a client that lets them pile up does not listen.
    if (socket.writableLength > MOST_UNREAD) socket.destroy();
  }
}

/** Says to another debugger why it cannot come in. */
function refuse(socket: Socket, tell: (text: string) => void): void {
  tell('A second debugger was refused: there is one already.');
  socket.on('error', () => socket.destroy());
  socket.once('data', () => {
    socket.write('+');
    socket.end(framePacket('E.hartvisor has another debugger; detach that one first.'));
  });
  // It speaks first, or is not one.
  socket.setTimeout(10_000, () => socket.destroy());
  socket.unref();
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program uses this place. Choose another port, or 0 for any that is free.';
    case 'EACCES':
      return 'this port or file is not for you. Choose a port from 1024 on.';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine has no such address. Leave the host out for the machine itself.';
    default:
      return `nobody can connect there (${message}).`;
  }
}
