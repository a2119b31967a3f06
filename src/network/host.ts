import type { Ipv4 } from './address.ts';

/** Why the host has no connection, or none any more. */
export type Failure = 'refused' | 'unreachable' | 'timeout' | 'reset';

/** A connection of the host, by TCP. */
export interface HostStream {
  /** Sends bytes, and keeps them. */
  write(bytes: Uint8Array): void;
  /** Bytes that were written and that the host's system has not taken yet. */
  readonly pending: number;
  /** No more bytes are sent after those that were written; more may come. */
  end(): void;
  /** Asks for no more bytes until {@link resume}; a bounded number may still come. */
  pause(): void;
  resume(): void;
  /** Ends the connection both ways, by a reset. No event comes afterwards. */
  reset(): void;
}

/** The listener to a {@link HostStream}. */
export interface StreamListener {
  connected(): void;
  /** Bytes have come; the listener may keep them. */
  data(bytes: Uint8Array): void;
  /** Some of the bytes that were pending are with the host's system. */
  drained(): void;
  /** The other side sends no more bytes. */
  ended(): void;
  /** There is no connection any more, and no event comes afterwards. */
  failed(failure: Failure): void;
  /** The connection came to its end both ways. No event comes afterwards. */
  closed(): void;
}

/** A socket for datagrams between the host and one address and port. */
export interface HostDatagrams {
  send(data: Uint8Array): void;
  close(): void;
}

/** The listener to {@link HostDatagrams}. */
export interface DatagramListener {
  data(bytes: Uint8Array): void;
  /** Nobody is at the other port, or there is no way to it. */
  failed(failure: Failure): void;
}

/** Somebody has connected to a port of the host that leads to the guest. */
export type Accept = (stream: HostStream, listen: (listener: StreamListener) => void) => void;

/** A peer of a port for datagrams of the host that leads to the guest. */
export interface DatagramPeer {
  /** The same for the same peer. */
  readonly id: string;
  reply(data: Uint8Array): void;
}

/** Names and addresses. */
export interface Resolved {
  readonly addresses: readonly Ipv4[];
  /** Seconds for which they may be kept. */
  readonly seconds: number;
}

/** The network as the host has it. Nothing is done before the call returns but work without waiting. */
export interface HostNetwork {
  connect(address: Ipv4, port: number, listener: StreamListener): HostStream;
  openDatagrams(address: Ipv4, port: number, listener: DatagramListener): HostDatagrams;
  /** The IPv4 addresses of a name; none if it has none. @throws Error if nobody can be asked */
  resolve(name: string): Promise<Resolved | undefined>;
  /** Asks the host's name server, in the words of DNS. @throws Error if nobody answers */
  query(message: Uint8Array): Promise<Uint8Array>;
  /** The IPv4 addresses of the host itself, besides those that it shares with all others. */
  ownAddresses(): readonly Ipv4[];
}

/** Time, and calls at a time. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Calls `ring` in so many milliseconds. @returns calls it off */
  after(milliseconds: number, ring: () => void): () => void;
}

/** The time of JavaScript's own timers. */
export const hostClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, ring) => {
    const timer = setTimeout(ring, milliseconds);
    return () => clearTimeout(timer);
  },
};
