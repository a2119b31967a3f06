/** Wires that carry messages: a WebSocket, which is opened anew when it is lost, and a channel between machines. */

/** Bytes that may wait for the other end. */
const MOST_UNSENT = 2 ** 22;
/** Milliseconds until a server is looked for again, at first and at most. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

/** The user of a wire. */
export interface WireListener {
  opened(): void;
  received(bytes: Uint8Array): void;
  /** There is nobody at the other end any more. */
  lost(): void;
  /** For people. */
  notice(text: string): void;
}

export interface MessageWire {
  /** Sends a message, or loses it where nobody is there, or too much waits already. @returns whether it was sent */
  send(bytes: Uint8Array<ArrayBuffer>): boolean;
  close(): void;
}

/** A WebSocket that is opened anew when it is lost. */
export class SocketWire implements MessageWire {
  readonly #url: string;
  readonly #listener: WireListener;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;
  #isTold = false;
  #isClosed = false;

  constructor(url: string, listener: WireListener) {
    this.#url = url;
    this.#listener = listener;
    this.#open();
  }

  send(bytes: Uint8Array<ArrayBuffer>): boolean {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > MOST_UNSENT) return false;
    socket.send(bytes);
    return true;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #open(): void {
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#pause = FIRST_PAUSE;
      this.#isTold = false;
      this.#listener.opened();
    });
    socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) this.#listener.received(new Uint8Array(data));
    });
    // After an error, too, of which browsers say nothing.
    socket.addEventListener('close', () => this.#lose());
  }

  #lose(): void {
    if (this.#isClosed) return;
    this.#listener.lost();
    if (!this.#isTold)
      this.#listener.notice(`The network's server ${this.#url} is not there; it is looked for again.`);
    this.#isTold = true;
    this.#timer = setTimeout(() => this.#open(), this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }
}

/** A channel between all machines of this origin that name it, in this tab and others. */
export class ChannelWire implements MessageWire {
  readonly #channel: BroadcastChannel;

  constructor(name: string, { received }: Pick<WireListener, 'received'>) {
    this.#channel = new BroadcastChannel(`hartvisor link ${name}`);
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (data instanceof Uint8Array) received(data);
    });
  }

  send(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#channel.postMessage(bytes);
    return true;
  }

  close(): void {
    this.#channel.close();
  }
}
