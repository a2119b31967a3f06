import { BYTES, between, checkArgument, whole } from '../errors/arguments.ts';
import { WORD } from './arguments.ts';
import type { AgentConnection } from './connection.ts';
import { PayloadWriter } from './payload.ts';
import { FRAME } from './protocol.ts';

/** Milliseconds since 1970 that a `Date` can have. */
const LAST_TIME = 8.64e15;
/** Bytes of randomness that the agent takes at once. */
const MOST_ENTROPY = 512;
/** Those that a machine is given when it goes on. */
const GIVEN_ENTROPY = 64;

/** Settings that a machine's owner makes in the guest when it goes on after a while, or was copied. */
export class GuestSystem {
  readonly #connection: AgentConnection;

  constructor(connection: AgentConnection) {
    this.#connection = connection;
  }

  /** Sets the guest's clock. @param milliseconds since 1970, as of `Date.now()` */
  async setTime(milliseconds: number): Promise<void> {
    checkArgument('milliseconds', milliseconds, between(0, LAST_TIME));
    const seconds = Math.floor(milliseconds / 1000);
    const nanoseconds = Math.floor((milliseconds - 1000 * seconds) * 1e6);
    const request = new PayloadWriter().i64(seconds).u32(nanoseconds);
    await this.#connection.request(FRAME.SET_TIME, request.payload, "The guest's clock cannot be set");
  }

  /** Makes random numbers of the guest depend on these bytes from now on, 1 to 512 of them. */
  async addEntropy(bytes: Uint8Array): Promise<void> {
    checkArgument('bytes', bytes, BYTES);
    checkArgument('bytes.length', bytes.length, whole(1, MOST_ENTROPY));
    await this.#connection.request(FRAME.ENTROPY, bytes, 'Randomness cannot be given to the guest');
  }

  /**
   * After a machine was restored or copied: the time is the host's, and random numbers are others than those of copies.
   */
  async goOn(): Promise<void> {
    await Promise.all([
      this.setTime(Date.now()),
      this.addEntropy(crypto.getRandomValues(new Uint8Array(GIVEN_ENTROPY))),
    ]);
  }

  /** Gives the guest a name. @throws AgentError when its kernel refuses it: Linux takes up to 64 bytes */
  async setHostname(name: string): Promise<void> {
    checkArgument('name', name, WORD);
    const request = new PayloadWriter().text(name);
    await this.#connection.request(FRAME.HOSTNAME, request.payload, `The guest cannot be named ${name}`);
  }
}
