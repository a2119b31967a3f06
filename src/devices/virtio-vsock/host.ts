import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { GuestSockets, GuestStream, StreamBackend, VsockBackend } from '../backends.ts';
import type { HostSide } from '../descriptor.ts';
import { gather, scatter } from '../virtio/chain.ts';
import type { QueueAccess } from '../virtio/function.ts';
import type { VirtQueue } from '../virtio/queue.ts';
import { RingError } from '../virtio/ring-error.ts';
import { Connection } from './connection.ts';
import { HEADER, LONGEST_DATA, OP, TRANSPORT_RESET, TYPE_STREAM, VSOCK_QUEUE } from './facts.ts';
import { dataLength, type GuestPacket, type PacketHead, readPacket, writePacket } from './packet.ts';
import { WORD } from './words.ts';

/** Connections of a guest at once at most. */
const MOST_CONNECTIONS = 512;
/** Refusals that wait for a buffer; while there are more, the guest's packets wait. */
const MOST_REFUSALS = 128;
/** Packets that are taken before others have a turn on the thread. */
const TURN = 64;
/** The first port of the host's own end of connections that it asks for. */
const FIRST_PORT = 1024;
const ANY_PORT = 0xffff_ffff;

/** A socket device, and the host that it is connected to. */
export interface VsockWiring {
  readonly memory: GuestMemory;
  readonly cid: number;
  readonly queues: QueueAccess;
  /** Whom the guest connects to; without one, all that it asks for is refused. */
  readonly backend: VsockBackend | undefined;
}

/** Works at the queues of a socket device, on the thread that owns the machine. */
export class VirtioVsockHost implements HostSide {
  readonly sockets: GuestSockets = { connect: (port, backend) => this.#connect(port, backend) };
  readonly #words: Int32Array;
  readonly #wiring: VsockWiring;
  /** By the ports of guest and host. */
  readonly #connections = new Map<string, Connection>();
  /** Those with control messages to be sent. */
  readonly #pending = new Set<Connection>();
  readonly #refusals: PacketHead[] = [];
  #resets = 0;
  #nextPort = FIRST_PORT;
  #paused = false;
  #isDue = false;
  #turn: ReturnType<typeof setTimeout> | undefined;

  constructor(words: Int32Array, wiring: VsockWiring) {
    this.#words = words;
    this.#wiring = wiring;
  }

  hear(): void {
    if (this.#paused) return;
    this.#send();
    const { packets, more } = this.#take();
    for (const packet of packets) this.#hearPacket(packet);
    this.#send();
    // The guest may have given buffers, or room.
    for (const connection of this.#connections.values()) connection.offerSpace();
    if (more && this.#refusals.length < MOST_REFUSALS) this.#takeTurn();
  }

  pause(): void {
    this.#paused = true;
    clearTimeout(this.#turn);
  }

  /** The other ends of all connections are gone: the driver ends them (virtio 1.2, section 5.10.6.6). */
  restored(): void {
    const { queues, memory } = this.#wiring;
    this.#resets = Atomics.load(this.#words, WORD.RESETS);
    queues.use(VSOCK_QUEUE.EVENT, (queue) => {
      queue.listen();
      const chain = queue.pop();
      // Without a buffer, the guest finds out when it next sends something: nobody knows the connection.
      if (chain !== undefined) queue.push(chain, scatter(memory, chain.writable, TRANSPORT_RESET));
    });
  }

  resume(): void {
    this.#paused = false;
    this.hear();
  }

  /** Hands on the guest's data to the last byte, and ends all streams. */
  finish(): void {
    clearTimeout(this.#turn);
    for (let last = false; !last; ) {
      const { packets, more } = this.#take();
      for (const packet of packets) this.#hearPacket(packet);
      this.#refusals.length = 0;
      last = !more;
    }
    this.#dropAll(true);
  }

  #connect(guestPort: number, backend: StreamBackend): GuestStream {
    if (!(Number.isInteger(guestPort) && guestPort >= 0 && guestPort < ANY_PORT)) {
      throw new RangeError(`a socket of the guest has a port of 0 to ${ANY_PORT - 1}, not ${guestPort}`);
    }
    if (this.#connections.size >= MOST_CONNECTIONS) {
      throw new RangeError(`there are ${MOST_CONNECTIONS} connections already, and more are not possible`);
    }
    while (this.#connections.has(keyOf(guestPort, this.#nextPort))) this.#countPort();
    const connection = this.#add({ guestPort, hostPort: this.#nextPort });
    this.#countPort();
    connection.open(backend);
    return this.#streamOf(connection);
  }

  #countPort(): void {
    this.#nextPort = this.#nextPort + 1 < ANY_PORT ? this.#nextPort + 1 : FIRST_PORT;
  }

  #add(
    { guestPort, hostPort }: Pick<PacketHead, 'guestPort' | 'hostPort'>,
    request?: GuestPacket,
  ): Connection {
    const onPending = () => {
      this.#pending.add(connection);
      this.#sendSoon();
    };
    const connection: Connection = new Connection({ guestPort, hostPort, onPending }, request);
    this.#connections.set(keyOf(guestPort, hostPort), connection);
    return connection;
  }

  #streamOf(connection: Connection): GuestStream {
    return {
      hostPort: connection.hostPort,
      input: (bytes) => this.#input(connection, bytes),
      endInput: () => connection.endInput(),
      reset: () => connection.fail(),
    };
  }

  #hearPacket(packet: GuestPacket): void {
    const { guestPort, hostPort, op } = packet;
    const connection = this.#connections.get(keyOf(guestPort, hostPort));
    if (connection !== undefined && packet.type === TYPE_STREAM) {
      connection.hear(packet);
      this.#forgetIfOver(connection);
    } else if (op === OP.REQUEST && packet.type === TYPE_STREAM && this.#accept(packet)) {
      return;
    } else if (op !== OP.RST) {
      this.#refusals.push({ guestPort, hostPort, op: OP.RST, flags: 0, buffer: 0, forwarded: 0 });
    }
  }

  /** @returns false if nobody takes the connection */
  #accept(request: GuestPacket): boolean {
    const { backend } = this.#wiring;
    if (backend === undefined || this.#connections.size >= MOST_CONNECTIONS) return false;
    const connection = this.#add(request, request);
    const reader = backend.connected(request.hostPort, this.#streamOf(connection));
    if (reader === undefined) {
      this.#connections.delete(keyOf(request.guestPort, request.hostPort));
      return false;
    }
    connection.open(reader);
    return true;
  }

  /** The next packets of the guest, and whether there may be more. */
  #take(): { readonly packets: readonly GuestPacket[]; readonly more: boolean } {
    const packets: GuestPacket[] = [];
    let more = false;
    this.#use(VSOCK_QUEUE.TRANSMIT, (queue) => {
      const waiting = queue.listen();
      // Each packet may need a refusal. While there is no buffer for these, the guest has to wait.
      const count = Math.min(waiting, TURN, MOST_REFUSALS - this.#refusals.length);
      more = waiting > count;
      for (let left = count; left > 0; left--) {
        const packet = this.#takePacket(queue);
        if (packet !== undefined) packets.push(packet);
      }
    });
    return { packets, more };
  }

  #takePacket(queue: VirtQueue): GuestPacket | undefined {
    const { memory, cid } = this.#wiring;
    const chain = queue.pop();
    if (chain === undefined) return undefined;
    const head = gather(memory, chain.readable, 0, HEADER.BYTES);
    if (head === undefined) throw new RingError('a packet without a header');
    const length = dataLength(head);
    if (length > LONGEST_DATA) throw new RingError(`a packet with ${length} bytes of data`);
    const data = gather(memory, chain.readable, HEADER.BYTES, length);
    if (data === undefined) throw new RingError('a packet with fewer bytes than its header says');
    queue.push(chain, 0);
    return readPacket(head, data, cid);
  }

  /** Sends refusals and control messages, as long as the driver has buffers for them. */
  #send(): void {
    if (this.#paused || (this.#refusals.length === 0 && this.#pending.size === 0)) return;
    this.#use(VSOCK_QUEUE.RECEIVE, (queue) => {
      queue.listen();
      while (queue.waiting() > 0) {
        const head = this.#refusals.shift() ?? this.#nextControl();
        if (head === undefined) return;
        this.#put(queue, head, new Uint8Array());
      }
    });
  }

  /** Sends at the end of the event that is being handled, which may have more to say. */
  #sendSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    void Promise.resolve().then(() => {
      this.#isDue = false;
      this.#send();
    });
  }

  #nextControl(): PacketHead | undefined {
    for (const connection of this.#pending) {
      const head = connection.takeControl();
      if (head !== undefined) return head;
      this.#pending.delete(connection);
      this.#forgetIfOver(connection);
    }
    return undefined;
  }

  /** Puts a packet into the driver's next buffer. @returns bytes of data that there was room for */
  #put(queue: VirtQueue, head: PacketHead, data: Uint8Array): number {
    const { memory, cid } = this.#wiring;
    const chain = queue.pop();
    if (chain === undefined) return 0;
    if (chain.readable.length > 0 || chain.room <= HEADER.BYTES)
      throw new RingError('a buffer for packets that cannot be written, or has no room for a header');
    const part = data.subarray(0, Math.min(chain.room - HEADER.BYTES, LONGEST_DATA));
    queue.push(chain, scatter(memory, chain.writable, writePacket(head, cid, part)));
    return part.length;
  }

  #input(connection: Connection, bytes: Uint8Array): number {
    let taken = 0;
    if (!this.#paused) {
      this.#send();
      this.#use(VSOCK_QUEUE.RECEIVE, (queue) => {
        queue.listen();
        while (queue.waiting() > 0) {
          const part = bytes.subarray(taken, taken + Math.min(connection.credit, LONGEST_DATA));
          if (part.length === 0) return;
          const count = this.#put(queue, connection.head(OP.RW), part);
          connection.hasSent(count);
          taken += count;
        }
      });
    }
    if (taken < bytes.length) connection.lacksSpace();
    return taken;
  }

  /** Works at a queue of the driver that the connections are with. */
  #use(index: number, body: (queue: VirtQueue) => void): void {
    this.#wiring.queues.use(index, (queue) => {
      // Meets the addition in `VirtioVsock`; with the device's lock held, as there.
      const resets = Atomics.load(this.#words, WORD.RESETS);
      if (resets === this.#resets) body(queue);
    });
    this.#noticeReset();
  }

  /** The driver that the connections were with is gone. */
  #noticeReset(): void {
    const resets = Atomics.load(this.#words, WORD.RESETS);
    if (resets === this.#resets) return;
    this.#resets = resets;
    this.#dropAll(false);
    if (!this.#paused) this.#takeTurn();
  }

  #dropAll(hasEnded: boolean): void {
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    this.#pending.clear();
    this.#refusals.length = 0;
    for (const connection of connections) connection.drop(hasEnded);
  }

  #forgetIfOver(connection: Connection): void {
    if (!connection.over) return;
    const key = keyOf(connection.guestPort, connection.hostPort);
    if (this.#connections.get(key) === connection) this.#connections.delete(key);
  }

  /** Goes on after all other work on this thread. */
  #takeTurn(): void {
    clearTimeout(this.#turn);
    this.#turn = setTimeout(() => this.hear(), 0);
  }
}

function keyOf(guestPort: number, hostPort: number): string {
  return `${guestPort} ${hostPort}`;
}
