import { framePacket, PacketReader } from '../../src/debug/packets.ts';
import { DebugSession } from '../../src/debug/session.ts';
import type { DebugTarget } from '../../src/debug/target.ts';

/** A debugger that says what a test wants it to say, to a session in the same process. */
export class GdbClient {
  readonly session: DebugSession;
  /** The session has said its last word. */
  closed = false;
  readonly #reader = new PacketReader();
  readonly #replies: string[] = [];
  #waiter: ((reply: string) => void) | undefined;

  constructor(target: DebugTarget) {
    this.session = new DebugSession(target, {
      send: (bytes) => this.#hear(bytes),
      close: () => {
        this.closed = true;
      },
    });
  }

  #hear(bytes: Uint8Array): void {
    for (const incoming of this.#reader.read(bytes)) {
      if (incoming.kind !== 'packet') continue;
      const waiter = this.#waiter;
      this.#waiter = undefined;
      if (waiter === undefined) this.#replies.push(incoming.data);
      else waiter(incoming.data);
    }
  }

  /** Says something that has no reply, or a late one. */
  send(packet: string): void {
    this.session.receive(framePacket(packet));
  }

  /** The next packet of the session. */
  next(): Promise<string> {
    const reply = this.#replies.shift();
    if (reply !== undefined) return Promise.resolve(reply);
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  ask(packet: string): Promise<string> {
    this.send(packet);
    return this.next();
  }

  /** Ctrl-C. */
  async interrupt(): Promise<string> {
    this.session.receive(Uint8Array.of(3));
    return this.next();
  }

  /** A register of the selected thread, by its number. */
  async register(number: number): Promise<bigint> {
    const text = await this.ask(`p${number.toString(16)}`);
    return BigInt(`0x${text.match(/../g)?.reverse().join('')}`);
  }

  async pc(): Promise<bigint> {
    return this.register(32);
  }

  /** A doubleword of memory. */
  async read64(address: bigint): Promise<bigint> {
    const text = await this.ask(`m${address.toString(16)},8`);
    return BigInt(`0x${text.match(/../g)?.reverse().join('')}`);
  }
}
