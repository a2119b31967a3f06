import type { Ipv4 } from './address.ts';
import type { Clock, DatagramPeer, Failure, HostDatagrams } from './host.ts';

/** The two ends of datagrams, as in a datagram of the guest. */
export interface DatagramEnds {
  readonly guest: Ipv4;
  readonly guestPort: number;
  readonly remote: Ipv4;
  readonly remotePort: number;
}

/** How the guest's datagrams get out and back. */
export interface UdpOptions {
  readonly clock: Clock;
  /** @returns undefined if the guest may not send there */
  open(
    ends: DatagramEnds,
    listener: { data(bytes: Uint8Array): void; failed(failure: Failure): void },
  ): HostDatagrams | undefined;
  /** Datagrams to the guest. */
  deliver(ends: DatagramEnds, data: Uint8Array): void;
  /** A datagram could not be delivered. @param packet the guest's last one */
  unreachable(ends: DatagramEnds, failure: Failure, packet: Uint8Array): void;
}

/** Conversations at a time: the one that was silent for longest makes room. */
const MOST_CONVERSATIONS = 1024;
/** Milliseconds of silence after which one is over (RFC 4787 asks for two minutes). */
const SILENCE_MS = 120_000;
const SWEEP_MS = 15_000;
const FIRST_PORT = 0xc000;

interface Conversation {
  readonly ends: DatagramEnds;
  readonly socket: HostDatagrams;
  usedAt: number;
  packet: Uint8Array;
}

/** Carries datagrams between the guest and others: each pair of ends is a conversation with a socket of its own. */
export class UdpRelay {
  readonly #options: UdpOptions;
  /** The one that was used last is the last. */
  readonly #conversations = new Map<string, Conversation>();
  /** Keys of conversations that others have begun, by their addresses. */
  readonly #peers = new Map<string, string>();
  #callOff: (() => void) | undefined;
  #port = 0;

  constructor(options: UdpOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#conversations.size;
  }

  /** A datagram of the guest. @returns false if it may not be sent */
  send(ends: DatagramEnds, data: Uint8Array, packet: Uint8Array): boolean {
    const key = keyOf(ends);
    let conversation = this.#conversations.get(key);
    if (conversation === undefined) {
      const socket = this.#options.open(ends, {
        data: (bytes) => this.#received(key, bytes),
        failed: (failure) => this.#failed(key, failure),
      });
      if (socket === undefined) return false;
      conversation = { ends, socket, usedAt: 0, packet };
    }
    conversation.packet = packet;
    this.#use(key, conversation);
    conversation.socket.send(data);
    return true;
  }

  /** A datagram for a port of the guest, from somebody who has sent it to a port of the host. @param remote as whom the
   * guest sees that */
  receive(guest: Ipv4, guestPort: number, remote: Ipv4, peer: DatagramPeer, data: Uint8Array): void {
    const id = `${guestPort}:${peer.id}`;
    let key = this.#peers.get(id);
    let conversation = key === undefined ? undefined : this.#conversations.get(key);
    if (key === undefined || conversation === undefined) {
      const ends = { guest, guestPort, remote, remotePort: this.#freePort(guest, guestPort, remote) };
      key = keyOf(ends);
      const socket = { send: (bytes: Uint8Array) => peer.reply(bytes), close: () => this.#peers.delete(id) };
      conversation = { ends, socket, usedAt: 0, packet: new Uint8Array() };
      this.#peers.set(id, key);
    }
    this.#use(key, conversation);
    this.#options.deliver(conversation.ends, data);
  }

  /** Ends all conversations. */
  end(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    for (const key of [...this.#conversations.keys()]) this.#close(key);
  }

  #received(key: string, data: Uint8Array): void {
    const conversation = this.#conversations.get(key);
    if (conversation === undefined) return;
    this.#use(key, conversation);
    this.#options.deliver(conversation.ends, data);
  }

  #failed(key: string, failure: Failure): void {
    const conversation = this.#conversations.get(key);
    if (conversation === undefined) return;
    this.#close(key);
    this.#options.unreachable(conversation.ends, failure, conversation.packet);
  }

  #use(key: string, conversation: Conversation): void {
    conversation.usedAt = this.#options.clock.now();
    this.#conversations.delete(key);
    this.#conversations.set(key, conversation);
    for (const oldest of this.#conversations.keys()) {
      if (this.#conversations.size <= MOST_CONVERSATIONS) break;
      this.#close(oldest);
    }
    this.#callOff ??= this.#options.clock.after(SWEEP_MS, () => this.#sweep());
  }

  #sweep(): void {
    this.#callOff = undefined;
    const now = this.#options.clock.now();
    for (const [key, { usedAt }] of this.#conversations) {
      if (now - usedAt < SILENCE_MS) break;
      this.#close(key);
    }
    if (this.#conversations.size > 0)
      this.#callOff = this.#options.clock.after(SWEEP_MS, () => this.#sweep());
  }

  #close(key: string): void {
    this.#conversations.get(key)?.socket.close();
    this.#conversations.delete(key);
  }

  #freePort(guest: Ipv4, guestPort: number, remote: Ipv4): number {
    for (;;) {
      this.#port = (this.#port + 1) % (0x1_0000 - FIRST_PORT);
      const remotePort = FIRST_PORT + this.#port;
      // There are more ports than conversations.
      if (!this.#conversations.has(keyOf({ guest, guestPort, remote, remotePort }))) return remotePort;
    }
  }
}

function keyOf({ guest, guestPort, remote, remotePort }: DatagramEnds): string {
  return `${guest}:${guestPort}:${remote}:${remotePort}`;
}
