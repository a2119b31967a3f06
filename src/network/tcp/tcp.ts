import type { Ipv4 } from '../address.ts';
import type { Clock, Failure, HostStream, StreamListener } from '../host.ts';
import type { Packet } from '../ipv4.ts';
import { Budget } from './budget.ts';
import { TcpConnection, type TcpSurroundings } from './connection.ts';
import { plus } from './numbers.ts';
import { FLAG, type OutSegment, readSegment, type Segment } from './segment.ts';

/** Bytes in buffers of all connections, beyond the least that each has. */
const BUFFER_BYTES = 64 << 20;
/** Connections at a time. */
export const MOST_CONNECTIONS = 4096;
/** Resets for segments that belong to nothing: no more wait than these. */
const MOST_STRAYS = 64;
const FIRST_PORT = 0xc000;

/** The two ends of a connection: the guest's, and the one that we play. */
export interface Ends {
  readonly guest: Ipv4;
  readonly guestPort: number;
  readonly remote: Ipv4;
  readonly remotePort: number;
}

/** A connection that the guest has, and the next numbers of both its sides: ours, and the guest's. */
export interface ConnectionPlace {
  readonly ends: Ends;
  readonly sequence: number;
  readonly acknowledged: number;
}

/** How the guest's connections come about. */
export interface TcpOptions {
  readonly clock: Clock;
  /** Bytes of a segment at most. */
  readonly segmentBytes: number;
  /**
   * Connects the host to where the guest wants to go.
   *
   * @returns undefined if the guest may not
   */
  connect(ends: Ends, listener: StreamListener): HostStream | undefined;
  /** There is no way to where the guest wants to go. @param syn its packet, to be quoted */
  unreachable(ends: Ends, failure: Failure, syn: Uint8Array): void;
  /** There may be a segment to be sent. */
  ready(): void;
}

interface Entry {
  readonly ends: Ends;
  readonly key: string;
  readonly connection: TcpConnection;
  /** The packet that asked for it, until it is known whether there will be a connection. */
  readonly syn: Uint8Array | undefined;
  waits: boolean;
}

/** All connections of a guest. */
export class Tcp {
  readonly #options: TcpOptions;
  readonly #around: TcpSurroundings;
  readonly #byEnds = new Map<string, Entry>();
  readonly #byConnection = new Map<TcpConnection, Entry>();
  /** Those that may have something to be sent, in turns. */
  #waiting: Entry[] = [];
  readonly #strays: { readonly ends: Ends; readonly segment: OutSegment }[] = [];
  #port = 0;
  /** Numbers of first bytes, so that those of a new connection are not those of an old one. */
  #initial: number;

  constructor(options: TcpOptions) {
    this.#options = options;
    this.#initial = crypto.getRandomValues(new Uint32Array(1))[0];
    this.#around = {
      clock: options.clock,
      budget: new Budget(BUFFER_BYTES),
      segmentBytes: options.segmentBytes,
      ready: (connection) => this.#ready(connection),
      unreachable: (connection, failure) => {
        const entry = this.#byConnection.get(connection);
        if (entry?.syn !== undefined) options.unreachable(entry.ends, failure, entry.syn);
      },
      ended: (connection) => this.#forget(connection),
    };
  }

  /** Connections that there are. */
  get count(): number {
    return this.#byEnds.size;
  }

  /**
   * Takes a packet of the guest. @param whole whether its checksum is there
   *
   * @returns false if it is no segment
   */
  receive(packet: Packet, whole: boolean): boolean {
    const segment = readSegment(packet, whole);
    if (segment === undefined) return false;
    const ends = {
      guest: packet.source,
      guestPort: segment.sourcePort,
      remote: packet.destination,
      remotePort: segment.destinationPort,
    };
    const key = keyOf(ends);
    const entry = this.#byEnds.get(key);
    const isSyn = (segment.flags & (FLAG.SYN | FLAG.ACK | FLAG.RST)) === FLAG.SYN;
    if (entry !== undefined && !(isSyn && entry.connection.isSettled)) entry.connection.receive(segment);
    else if (!isSyn) this.#refuse(ends, segment);
    else {
      entry?.connection.discard();
      this.#accept(ends, key, segment, packet.bytes);
    }
    return true;
  }

  /**
   * Begins a connection to the guest for one of the host.
   *
   * @param remote whom the guest sees
   * @returns undefined if there are too many
   */
  open(guest: Ipv4, guestPort: number, remote: Ipv4, stream: HostStream): StreamListener | undefined {
    if (!this.#hasRoom()) return undefined;
    for (let tries = 0; tries < MOST_CONNECTIONS + 1; tries++) {
      this.#port = (this.#port + 1) % (0x1_0000 - FIRST_PORT);
      const ends = { guest, guestPort, remote, remotePort: FIRST_PORT + this.#port };
      const key = keyOf(ends);
      if (this.#byEnds.has(key)) continue;
      const connection = new TcpConnection(this.#around, this.#nextInitial());
      connection.stream = stream;
      this.#add({ ends, key, connection, syn: undefined, waits: false });
      this.#ready(connection);
      return connection;
    }
    return undefined;
  }

  /** The next segment for the guest. @param longest bytes of data that it may have, if it stands for many */
  take(longest: number): { readonly ends: Ends; readonly segment: OutSegment } | undefined {
    const stray = this.#strays.shift();
    if (stray !== undefined) return stray;
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) {
      entry.waits = false;
      const segment = entry.connection.take(longest);
      if (segment === undefined) continue;
      // It may have more, behind the others.
      this.#wait(entry);
      return { ends: entry.ends, segment };
    }
    return undefined;
  }

  /** The connections that the guest has. */
  *places(): Generator<ConnectionPlace> {
    for (const { ends, connection } of this.#byEnds.values()) {
      const place = connection.place;
      if (place !== undefined) yield { ends, ...place };
    }
  }

  /** Resets connections that the guest has, and nobody else any more. */
  resetAll(places: Iterable<ConnectionPlace>): void {
    for (const { ends, sequence, acknowledged } of places) {
      const flags = FLAG.RST | FLAG.ACK;
      this.#strays.push({
        ends,
        segment: { sequence, acknowledged, flags, window: 0, parts: [], length: 0 },
      });
    }
    this.#options.ready();
  }

  /** Ends all connections. */
  end(): void {
    for (const { connection } of [...this.#byEnds.values()]) connection.discard();
    this.#waiting = [];
  }

  #accept(ends: Ends, key: string, syn: Segment, packet: Uint8Array): void {
    if (!this.#hasRoom()) {
      this.#refuse(ends, syn);
      return;
    }
    const connection = new TcpConnection(this.#around, this.#nextInitial(), syn);
    const stream = this.#options.connect(ends, connection);
    if (stream === undefined) {
      this.#refuse(ends, syn);
      return;
    }
    connection.stream = stream;
    this.#add({ ends, key, connection, syn: packet, waits: false });
  }

  #add(entry: Entry): void {
    this.#byEnds.set(entry.key, entry);
    this.#byConnection.set(entry.connection, entry);
  }

  #forget(connection: TcpConnection): void {
    const entry = this.#byConnection.get(connection);
    if (entry === undefined) return;
    this.#byConnection.delete(connection);
    if (this.#byEnds.get(entry.key) === entry) this.#byEnds.delete(entry.key);
  }

  /** One that is done may have to make room. */
  #hasRoom(): boolean {
    if (this.#byEnds.size < MOST_CONNECTIONS) return true;
    for (const { connection } of this.#byEnds.values()) {
      if (!connection.isSettled) continue;
      connection.discard();
      return true;
    }
    return false;
  }

  /** Answers a segment that belongs to nothing (RFC 9293, section 3.10.7.1). */
  #refuse(ends: Ends, { flags, sequence, acknowledged, data }: Segment): void {
    if ((flags & FLAG.RST) !== 0 || this.#strays.length >= MOST_STRAYS) return;
    const syn = (flags & FLAG.SYN) === 0 ? 0 : 1;
    const fin = (flags & FLAG.FIN) === 0 ? 0 : 1;
    const isAnswer = (flags & FLAG.ACK) !== 0;
    this.#strays.push({
      ends,
      segment: {
        sequence: isAnswer ? acknowledged : 0,
        acknowledged: isAnswer ? 0 : plus(sequence, data.length + syn + fin),
        flags: isAnswer ? FLAG.RST : FLAG.RST | FLAG.ACK,
        window: 0,
        parts: [],
        length: 0,
      },
    });
    this.#options.ready();
  }

  #ready(connection: TcpConnection): void {
    const entry = this.#byConnection.get(connection);
    if (entry === undefined) return;
    this.#wait(entry);
    this.#options.ready();
  }

  #wait(entry: Entry): void {
    if (entry.waits) return;
    entry.waits = true;
    this.#waiting.push(entry);
  }

  #nextInitial(): number {
    this.#initial = plus(this.#initial, 0x1_0000 + (this.#initial % 4093));
    return this.#initial;
  }
}

function keyOf({ guest, guestPort, remote, remotePort }: Ends): string {
  return `${guest}:${guestPort}:${remote}:${remotePort}`;
}
