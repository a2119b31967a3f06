import { type Ipv4, parseSubnet, type Subnet } from '../../network/address.ts';
import type { Resolved } from '../../network/host.ts';

/**
 * Addresses that stand for names: a page cannot look names up, and the ways to a connection take a name. They are of
 * the network for tests between networks (RFC 2544), in which no host of the world is.
 */
export const NAMED: Subnet = parseSubnet('198.18.0.0/15') ?? { base: 0, bits: 32 };
/** Names at once; the guest keeps an answer for a minute, and the oldest one is forgotten. */
const MOST_NAMES = 2 ** 14;
const SECONDS = 60;

/** The names that a guest has asked for, and the addresses that stand for them. */
export class NameTable {
  readonly #names = new Map<Ipv4, string>();
  readonly #addresses = new Map<string, Ipv4>();
  #next = 0;

  resolve(name: string): Resolved {
    const known = this.#addresses.get(name);
    const address = known ?? this.#take(name);
    return { addresses: [address], seconds: SECONDS };
  }

  /** @returns undefined for an address that stands for no name */
  nameOf(address: Ipv4): string | undefined {
    return this.#names.get(address);
  }

  #take(name: string): Ipv4 {
    // Behind the address of the network itself.
    const address = NAMED.base + 1 + this.#next;
    this.#next = (this.#next + 1) % MOST_NAMES;
    const forgotten = this.#names.get(address);
    if (forgotten !== undefined) this.#addresses.delete(forgotten);
    this.#names.set(address, name);
    this.#addresses.set(name, address);
    return address;
  }
}
