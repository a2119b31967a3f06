import type { StreamBackend, StreamEnd } from '../backends.ts';
import { OP, SHUTDOWN } from './facts.ts';
import type { GuestPacket, PacketHead } from './packet.ts';

/** Bytes of the guest that a stream takes before its reader has read them; Linux has twice as many. */
export const STREAM_BUFFER = 128 << 10;

/** Control messages that are to be sent, in their order: bits of {@link Connection.pending}. */
const SEND = {
  REQUEST: 1 << 0,
  RESPONSE: 1 << 1,
  CREDIT: 1 << 2,
  ASK: 1 << 3,
  SHUTDOWN: 1 << 4,
  RST: 1 << 5,
} as const;
const OPERATIONS = [
  [SEND.REQUEST, OP.REQUEST],
  [SEND.RESPONSE, OP.RESPONSE],
  [SEND.CREDIT, OP.CREDIT_UPDATE],
  [SEND.ASK, OP.CREDIT_REQUEST],
  [SEND.SHUTDOWN, OP.SHUTDOWN],
  [SEND.RST, OP.RST],
] as const;

/** The connection's way to the queues. */
export interface ConnectionWiring {
  readonly guestPort: number;
  readonly hostPort: number;
  /** There are control messages to be sent. */
  onPending(): void;
}

/**
 * The host's end of one stream (virtio 1.2, sections 5.10.6.3 and following): its state and its credit, without the
 * queues. Data of the guest wait here while the reader is busy, never more than {@link STREAM_BUFFER}.
 */
export class Connection {
  readonly guestPort: number;
  readonly hostPort: number;
  readonly #onPending: () => void;
  #backend: StreamBackend | undefined;
  #state: 'connecting' | 'open' | 'gone';
  /** {@link SEND} bits. */
  #pending = 0;
  /** Flags of the shutdowns that were sent or are to be, and of those that came. */
  #ours = 0;
  #theirs = 0;
  /** Data from the guest that nobody has taken. */
  #chunks: Uint8Array[] = [];
  #busy = false;
  #outputEnded = false;
  // Counts of bytes, modulo 2^32.
  #received = 0;
  #forwarded = 0;
  #forwardedTold = 0;
  #sent = 0;
  #guestForwarded = 0;
  #guestBuffer = 0;
  /** The backend wanted to send more than there was room for. */
  #wantsSpace = false;

  /** @param request of the guest; without one, the host asks for the connection */
  constructor({ guestPort, hostPort, onPending }: ConnectionWiring, request?: GuestPacket) {
    this.guestPort = guestPort;
    this.hostPort = hostPort;
    this.#onPending = onPending;
    this.#state = request === undefined ? 'connecting' : 'open';
    if (request !== undefined) this.#takeCredit(request);
  }

  /** Gives it its reader. With this, a connection that the guest asked for is accepted. */
  open(backend: StreamBackend): void {
    this.#backend = backend;
    this.#ask(this.#state === 'open' ? SEND.RESPONSE : SEND.REQUEST);
  }

  /** Whether nothing more is to be expected or sent. */
  get over(): boolean {
    return this.#state === 'gone' && this.#pending === 0;
  }

  /** Bytes that the guest has room for; 0 if it takes none, or is to hear something else before. */
  get credit(): number {
    return this.#pending !== 0 || !this.#takesInput() ? 0 : this.#room();
  }

  /** So many bytes were put into a packet. */
  hasSent(bytes: number): void {
    this.#sent = (this.#sent + bytes) >>> 0;
  }

  /** Not all of the backend's data could be sent: it hears when there is room. */
  lacksSpace(): void {
    this.#wantsSpace = true;
    if (this.#takesInput() && this.#room() === 0) this.#ask(SEND.ASK);
  }

  /** Lets the backend send again, if it wanted to and there may be room. */
  offerSpace(): void {
    if (!this.#wantsSpace || this.credit === 0) return;
    this.#wantsSpace = false;
    this.#backend?.inputSpace();
  }

  /** The head of the next control message, or of data; each tells the guest of the room that there is. */
  head(op: number, flags = 0): PacketHead {
    this.#forwardedTold = this.#forwarded;
    const { guestPort, hostPort } = this;
    return { guestPort, hostPort, op, flags, buffer: STREAM_BUFFER, forwarded: this.#forwarded };
  }

  /** The next control message, as long as there is one: it counts as sent. */
  takeControl(): PacketHead | undefined {
    for (const [bit, op] of OPERATIONS) {
      if ((this.#pending & bit) === 0) continue;
      this.#pending &= ~bit;
      return this.head(op, op === OP.SHUTDOWN ? this.#ours : 0);
    }
    return undefined;
  }

  /** Takes a packet of the guest. One that breaks the rules resets the connection. */
  hear(packet: GuestPacket): void {
    this.#takeCredit(packet);
    switch (packet.op) {
      case OP.RESPONSE:
        this.#hearResponse();
        break;
      case OP.RST:
        this.#hearReset();
        break;
      case OP.SHUTDOWN:
        this.#theirs |= packet.flags & SHUTDOWN.BOTH;
        this.#advance();
        break;
      case OP.RW:
        this.#hearData(packet.data);
        break;
      case OP.CREDIT_UPDATE:
        break;
      case OP.CREDIT_REQUEST:
        this.#ask(SEND.CREDIT);
        break;
      default:
        this.fail('reset');
    }
  }

  /** The host sends nothing more. */
  endInput(): void {
    this.#shutdown(SHUTDOWN.SEND);
    this.#advance();
  }

  /** Ends it at once, and tells the guest; the backend hears of it only if a reason is given. */
  fail(end?: StreamEnd): void {
    if (this.#state === 'gone') return;
    this.#pending = 0;
    this.#leave(end);
    this.#ask(SEND.RST);
  }

  /** The guest knows of no connection any more: nothing is to be sent. @param hasEnded whether its machine has ended */
  drop(hasEnded: boolean): void {
    this.#pending = 0;
    if (hasEnded) {
      for (const chunk of this.#chunks.splice(0)) void this.#backend?.output(chunk);
      if ((this.#theirs & SHUTDOWN.SEND) !== 0) this.#endOutput();
    }
    this.#leave(this.#state === 'connecting' ? 'refused' : 'reset');
  }

  /** Bytes that the guest can take, as far as it has said. It may take room back, as long as it was not used. */
  #room(): number {
    return Math.max(0, this.#guestBuffer - ((this.#sent - this.#guestForwarded) >>> 0));
  }

  #takesInput(): boolean {
    const isShut = (this.#ours & SHUTDOWN.SEND) !== 0 || (this.#theirs & SHUTDOWN.RECEIVE) !== 0;
    return this.#state === 'open' && !isShut;
  }

  #hearResponse(): void {
    if (this.#state !== 'connecting') {
      this.fail('reset');
      return;
    }
    this.#state = 'open';
    this.#backend?.connected?.();
  }

  #hearData(data: Uint8Array): void {
    const isLate = this.#state !== 'open' || (this.#theirs & SHUTDOWN.SEND) !== 0;
    this.#received = (this.#received + data.length) >>> 0;
    const unread = (this.#received - this.#forwarded) >>> 0;
    if (isLate || unread > STREAM_BUFFER) {
      this.fail('reset');
      return;
    }
    if (data.length > 0) this.#chunks.push(data);
    this.#advance();
  }

  /** A clean end is answered by a reset; any other reset is a failure, or a refusal. */
  #hearReset(): void {
    this.#pending = 0;
    if (this.#state === 'connecting') this.#leave('refused');
    else if (this.#ours === SHUTDOWN.BOTH) this.#leave('closed');
    else this.#leave('reset');
  }

  /** Gives the reader the data that have come, and goes on to the end of the stream where both sides want it. */
  #advance(): void {
    while (!this.#busy && this.#state === 'open') {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) break;
      this.#give(chunk);
    }
    if (this.#busy || this.#chunks.length > 0 || this.#state !== 'open') return;
    if ((this.#theirs & SHUTDOWN.SEND) !== 0) this.#endOutput();
    if (this.#theirs === SHUTDOWN.BOTH) {
      this.#leave('closed');
      this.#ask(SEND.RST);
    } else if (this.#outputEnded && (this.#ours & SHUTDOWN.SEND) !== 0) {
      // The guest answers with a reset.
      this.#shutdown(SHUTDOWN.BOTH);
    }
  }

  #give(chunk: Uint8Array): void {
    const ready = this.#backend?.output(chunk);
    if (ready === undefined) {
      this.#hasForwarded(chunk.length);
      return;
    }
    this.#busy = true;
    void ready.finally(() => {
      this.#busy = false;
      this.#hasForwarded(chunk.length);
      this.#advance();
    });
  }

  /** Tells the guest of room before it has none. */
  #hasForwarded(bytes: number): void {
    this.#forwarded = (this.#forwarded + bytes) >>> 0;
    if ((this.#forwarded - this.#forwardedTold) >>> 0 >= STREAM_BUFFER / 2) this.#ask(SEND.CREDIT);
  }

  #takeCredit({ buffer, forwarded }: PacketHead): void {
    this.#guestBuffer = buffer;
    this.#guestForwarded = forwarded;
  }

  #endOutput(): void {
    if (this.#outputEnded) return;
    this.#outputEnded = true;
    this.#backend?.outputEnded();
  }

  #shutdown(flags: number): void {
    if (this.#state !== 'open' || (this.#ours | flags) === this.#ours) return;
    this.#ours |= flags;
    this.#ask(SEND.SHUTDOWN);
  }

  #ask(bits: number): void {
    if (this.#state === 'gone' && bits !== SEND.RST) return;
    this.#pending |= bits;
    this.#onPending();
  }

  #leave(end: StreamEnd | undefined): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#chunks = [];
    const backend = this.#backend;
    this.#backend = undefined;
    if (end !== undefined) backend?.closed(end);
  }
}
