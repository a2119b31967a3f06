/** The Wisp protocol, version 1: streams of TCP and datagrams over one WebSocket. */
import {
  type Clock,
  type DatagramListener,
  type Failure,
  type HostDatagrams,
  type HostStream,
  hostClock,
  type StreamListener,
} from '../../network/host.ts';

const KIND = { CONNECT: 1, DATA: 2, CONTINUE: 3, CLOSE: 4 } as const;
const STREAM = { TCP: 1, UDP: 2 } as const;
const HEAD_BYTES = 5;
/** Why a stream was closed, as the server says it. */
const REASON = { VOLUNTARY: 2, UNREACHABLE: 0x42, TIMEOUT: 0x43, REFUSED: 0x44, BLOCKED: 0x48 } as const;
/** Bytes of a packet's data at most. */
const LONGEST_DATA = 2 ** 14;
/** Streams at once. */
const MOST_STREAMS = 1024;
/**
 * Milliseconds without a byte after which a stream is closed whose guest sends no more: the protocol has no word for
 * that, and the server may still have something to say.
 */
const PATIENCE = 5000;
/** Bytes that the server has sent for a guest that does not take them: the protocol has no way to make it wait. */
const MOST_HELD = 2 ** 24;

/** The carrier of the packets: a WebSocket, once it is open. */
export interface WispWire {
  /** @returns false where the packet is lost, as too much waits already */
  send(packet: Uint8Array<ArrayBuffer>): boolean;
}

/** All that goes on with one server. */
export class WispClient {
  readonly #streams = new Map<number, WispStream | WispDatagrams>();
  readonly #clock: Clock;
  #wire: WispWire | undefined;
  /** Connections that are to be asked for, by their numbers: nothing else waits for the server. */
  readonly #unasked = new Map<number, Uint8Array<ArrayBuffer>>();
  #next = 1;
  /** Packets that the server takes of a new stream. */
  #credit = 0;

  constructor(clock: Clock = hostClock) {
    this.#clock = clock;
  }

  /** @returns undefined where there are too many */
  connect(host: string, port: number, listener: StreamListener): HostStream | undefined {
    if (this.#streams.size >= MOST_STREAMS) return undefined;
    const id = this.#open(STREAM.TCP, host, port);
    const stream = new WispStream(listener, this.#credit, {
      send: (data) => this.#send(KIND.DATA, id, data),
      close: () => this.#close(id),
      after: (milliseconds, ring) => this.#clock.after(milliseconds, ring),
    });
    this.#streams.set(id, stream);
    return stream;
  }

  /** @returns undefined where there are too many */
  datagrams(host: string, port: number, listener: DatagramListener): HostDatagrams | undefined {
    if (this.#streams.size >= MOST_STREAMS) return undefined;
    const id = this.#open(STREAM.UDP, host, port);
    this.#streams.set(id, new WispDatagrams(listener));
    return {
      // One that is lost is lost, as datagrams are.
      send: (data) => void this.#send(KIND.DATA, id, data),
      close: () => this.#close(id),
    };
  }

  /** The server is there. */
  opened(wire: WispWire): void {
    this.#wire = wire;
    for (const packet of this.#unasked.values()) wire.send(packet);
    this.#unasked.clear();
  }

  /** It is gone, with all streams. */
  lost(failure: Failure): void {
    this.#wire = undefined;
    this.#unasked.clear();
    this.#credit = 0;
    for (const stream of this.#streams.values()) stream.fail(failure);
    this.#streams.clear();
  }

  /** Takes a packet of the server. Anything else, or one for nobody, is left alone. */
  receive(packet: Uint8Array): void {
    if (packet.length < HEAD_BYTES) return;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
    const id = view.getUint32(1, true);
    const stream = this.#streams.get(id);
    switch (packet[0]) {
      case KIND.DATA:
        stream?.data(packet.slice(HEAD_BYTES));
        break;
      case KIND.CONTINUE: {
        if (packet.length < HEAD_BYTES + 4) return;
        const credit = view.getUint32(HEAD_BYTES, true);
        if (id === 0) this.#begin(credit);
        else if (stream instanceof WispStream) stream.allow(credit);
        break;
      }
      case KIND.CLOSE:
        this.#streams.delete(id);
        stream?.closed(packet[HEAD_BYTES] ?? REASON.VOLUNTARY);
        break;
    }
  }

  /** The first word of the server: streams that were asked for before may begin. */
  #begin(credit: number): void {
    this.#credit = credit;
    for (const stream of this.#streams.values()) if (stream instanceof WispStream) stream.allow(credit);
  }

  #open(kind: number, host: string, port: number): number {
    const id = this.#next++;
    const name = new TextEncoder().encode(host);
    const body = new Uint8Array(3 + name.length);
    body[0] = kind;
    new DataView(body.buffer).setUint16(1, port, true);
    body.set(name, 3);
    this.#send(KIND.CONNECT, id, body);
    return id;
  }

  #close(id: number): void {
    if (!this.#streams.delete(id) || this.#unasked.delete(id)) return;
    this.#send(KIND.CLOSE, id, Uint8Array.of(REASON.VOLUNTARY));
  }

  /** @returns whether it was sent, or will be */
  #send(kind: number, id: number, data: Uint8Array): boolean {
    const packet = new Uint8Array(HEAD_BYTES + data.length);
    packet[0] = kind;
    new DataView(packet.buffer).setUint32(1, id, true);
    packet.set(data, HEAD_BYTES);
    if (this.#wire !== undefined) return this.#wire.send(packet);
    if (kind !== KIND.CONNECT) return false;
    this.#unasked.set(id, packet);
    return true;
  }
}

interface StreamWire {
  /** @returns false where it is lost */
  send(data: Uint8Array): boolean;
  close(): void;
  after: Clock['after'];
}

/** A connection by TCP. The server says how many packets it takes; nobody says that a connection has come about. */
class WispStream implements HostStream {
  readonly #listener: StreamListener;
  readonly #wire: StreamWire;
  readonly #unsent: Uint8Array[] = [];
  #credit: number;
  #pending = 0;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isPaused = false;
  #isConnected = false;
  #isOver = false;
  /** The guest sends no more. */
  #hasEnded = false;
  #closing: number | undefined;
  #forget: () => void = () => undefined;

  constructor(listener: StreamListener, credit: number, wire: StreamWire) {
    this.#listener = listener;
    this.#wire = wire;
    this.#credit = credit;
    if (credit > 0) queueMicrotask(() => this.#connect());
  }

  get pending(): number {
    return this.#pending;
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver) return;
    for (let at = 0; at < bytes.length; at += LONGEST_DATA)
      this.#unsent.push(bytes.subarray(at, at + LONGEST_DATA));
    this.#pending += bytes.length;
    this.#flush();
  }

  end(): void {
    this.#hasEnded = true;
    this.#watch();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const bytes of this.#held.splice(0)) this.#give(bytes);
    this.#heldBytes = 0;
    if (this.#closing !== undefined) this.closed(this.#closing);
  }

  reset(): void {
    this.#isOver = true;
    this.#forget();
    this.#wire.close();
  }

  /** The server takes so many more packets. */
  allow(credit: number): void {
    this.#credit = credit;
    this.#connect();
    this.#flush();
  }

  data(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#connect();
    this.#watch();
    if (!this.#isPaused) {
      this.#give(bytes);
      return;
    }
    this.#heldBytes += bytes.length;
    if (this.#heldBytes <= MOST_HELD) this.#held.push(bytes);
    else {
      this.fail('reset');
      this.#wire.close();
    }
  }

  closed(reason: number): void {
    if (this.#isOver) return;
    if (this.#held.length > 0) {
      this.#closing = reason;
      return;
    }
    if (reason !== REASON.VOLUNTARY) {
      this.fail(failureOf(reason));
      return;
    }
    this.#connect();
    this.#isOver = true;
    this.#forget();
    this.#listener.ended();
    if (this.#hasEnded) this.#listener.closed();
  }

  fail(failure: Failure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    this.#listener.failed(failure);
  }

  #connect(): void {
    if (this.#isConnected || this.#isOver) return;
    this.#isConnected = true;
    this.#listener.connected();
  }

  /** Once the guest sends no more, the stream ends when the server has nothing to say for a while. */
  #watch(): void {
    if (!this.#hasEnded || this.#isOver) return;
    this.#forget();
    this.#forget = this.#wire.after(PATIENCE, () => {
      this.#wire.close();
      this.closed(REASON.VOLUNTARY);
    });
  }

  #give(bytes: Uint8Array): void {
    if (!this.#isOver) this.#listener.data(bytes);
  }

  #flush(): void {
    let sent = false;
    for (; this.#credit > 0; this.#credit--) {
      const bytes = this.#unsent.shift();
      if (bytes === undefined) break;
      if (!this.#wire.send(bytes)) {
        // The packets that follow would make no sense.
        this.fail('reset');
        this.#wire.close();
        return;
      }
      this.#pending -= bytes.length;
      sent = true;
    }
    if (sent) queueMicrotask(() => this.#listener.drained());
  }
}

class WispDatagrams {
  readonly #listener: DatagramListener;

  constructor(listener: DatagramListener) {
    this.#listener = listener;
  }

  data(bytes: Uint8Array): void {
    this.#listener.data(bytes);
  }

  closed(reason: number): void {
    this.#listener.failed(failureOf(reason));
  }

  fail(failure: Failure): void {
    this.#listener.failed(failure);
  }
}

function failureOf(reason: number): Failure {
  if (reason === REASON.REFUSED || reason === REASON.BLOCKED) return 'refused';
  if (reason === REASON.TIMEOUT) return 'timeout';
  return reason === REASON.UNREACHABLE ? 'unreachable' : 'reset';
}
