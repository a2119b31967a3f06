/** Loaded by the threads of a machine whose network is a link to another one; its I/O thread opens it. */
import { createConnection, createServer, type Socket } from 'node:net';
import type { NetworkCallbacks, OpenNetwork, WorkerHost } from '../../machine/thread.ts';
import { LinkNetwork } from '../../network/link.ts';
import { DumpedNetwork } from '../../network/pcap.ts';
import { dumpWriter } from './dump.ts';

/** A link that threads can open, as they are told of it. */
export interface LinkStart {
  /** Whether this side waits for the other one. */
  readonly listens: boolean;
  readonly host: string;
  readonly port: number;
  /** An open file for all frames: descriptors belong to the whole process. */
  readonly dump: number | undefined;
}

/** Bytes that may wait for the other side, which are more than a window of TCP. */
const UNSENT_BYTES = 4 << 20;
/** Milliseconds until the other side is looked for again. */
const RETRY_MS = 500;

/** Gives a thread the machine's network. */
export function extendHost(start: LinkStart): Partial<WorkerHost> {
  return { openNetwork: (callbacks) => openLink(start, callbacks) };
}

function openLink(start: LinkStart, { ready, notice }: NetworkCallbacks): OpenNetwork {
  const wire = new Wire(start, notice, (bytes) => link.receive(bytes));
  const link: LinkNetwork = new LinkNetwork(wire, ready);
  wire.open(() => link.begin());
  const card = start.dump === undefined ? link : new DumpedNetwork(link, dumpWriter(start.dump, notice));
  return {
    dropped: card.dropped,
    send: (frame, open) => card.send(frame, open),
    peek: (taker) => card.peek(taker),
    shift: () => card.shift(),
    turn: () => new Promise((resolve) => setImmediate(resolve)),
    end: () => wire.end(),
  };
}

/** A stream to the other machine, which may come and go. */
class Wire {
  readonly #start: LinkStart;
  readonly #notice: (text: string) => void;
  readonly #receive: (bytes: Uint8Array) => boolean;
  #socket: Socket | undefined;
  #stop: () => void = () => undefined;
  #begin: () => void = () => undefined;
  #isPaused = false;
  /** The last thing that was told of. */
  #told = '';

  constructor(start: LinkStart, notice: (text: string) => void, receive: (bytes: Uint8Array) => boolean) {
    this.#start = start;
    this.#notice = notice;
    this.#receive = receive;
  }

  /** @param begin called when another machine is at the other end */
  open(begin: () => void): void {
    this.#begin = begin;
    if (this.#start.listens) this.#listen();
    else this.#connect();
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength > UNSENT_BYTES) return false;
    socket.write(bytes);
    return true;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.resume();
  }

  end(): void {
    this.#stop();
    this.#socket?.destroy();
  }

  #listen(): void {
    const { host, port } = this.#start;
    const server = createServer({ noDelay: true }, (socket) => {
      // A cable has two ends.
      if (this.#socket === undefined) this.#attach(socket, () => undefined);
      else socket.destroy();
    });
    server.on('error', (error) => this.#tell(`nobody can connect to ${host}:${port}: ${error.message}`));
    server.listen({ host, port });
    this.#stop = () => server.close();
  }

  #connect(): void {
    const { host, port } = this.#start;
    const socket = createConnection({ host, port, noDelay: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => {
      timer = setTimeout(() => this.#connect(), RETRY_MS);
    };
    this.#stop = () => {
      clearTimeout(timer);
      socket.destroy();
    };
    const fail = (error: Error) => {
      this.#tell(`there is no machine at ${host}:${port} (${error.message}); it is looked for again`);
      again();
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      this.#attach(socket, again);
    });
  }

  #attach(socket: Socket, onGone: () => void): void {
    this.#socket = socket;
    this.#begin();
    if (this.#isPaused) socket.pause();
    socket.on('data', (bytes) => {
      if (this.#receive(bytes)) return;
      this.#tell('what came is no frame; the connection is closed');
      socket.destroy();
    });
    // The end follows.
    socket.on('error', () => undefined);
    let isGone = false;
    socket.on('close', () => {
      if (isGone) return;
      isGone = true;
      this.#socket = undefined;
      onGone();
    });
  }

  /** Each thing once, however often it happens in a row. */
  #tell(text: string): void {
    if (text === this.#told) return;
    this.#told = text;
    this.#notice(`The network's link: ${text}.`);
  }
}
