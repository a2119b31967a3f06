import type { Ipv4 } from './address.ts';
import { type Mac, readMac } from './ethernet.ts';

export const DHCP_PORT = { SERVER: 67, CLIENT: 68 } as const;
const BOOT = { REQUEST: 1, REPLY: 2 } as const;
const KIND = {
  DISCOVER: 1,
  OFFER: 2,
  REQUEST: 3,
  DECLINE: 4,
  ACK: 5,
  NAK: 6,
  RELEASE: 7,
  INFORM: 8,
} as const;
const OPTION = {
  PAD: 0,
  NETMASK: 1,
  ROUTER: 3,
  NAME_SERVER: 6,
  HOST_NAME: 12,
  DOMAIN_NAME: 15,
  MTU: 26,
  REQUESTED: 50,
  LEASE_SECONDS: 51,
  KIND: 53,
  SERVER: 54,
  END: 255,
} as const;
/** Bytes before the options, the last four of them a number that says that options follow. */
const FIXED_BYTES = 240;
const COOKIE = 0x6382_5363;
const MAC_AT = 28;
/** Old clients expect answers of this size at least (RFC 951). */
const LEAST_BYTES = 300;
const LEASE_SECONDS = 86_400;
/** So many cards have an address at a time. */
const MOST_LEASES = 64;
const BROADCAST_FLAG = 0x8000;

/** The network that a guest is told of. */
export interface DhcpOptions {
  readonly server: Ipv4;
  readonly netmask: Ipv4;
  /** Undefined: there is no way out of the network. */
  readonly router: Ipv4 | undefined;
  readonly nameServer: Ipv4;
  /** The address of the first card; others have those behind it. */
  readonly first: Ipv4;
  /** No address behind this one is given. */
  readonly last: Ipv4;
  readonly hostName: string;
  readonly domainName: string;
  readonly mtu: number;
}

/** An answer to a client. */
export interface DhcpReply {
  readonly message: Uint8Array<ArrayBuffer>;
  readonly mac: Mac;
  /** The client's address to be; undefined: all hear it. */
  readonly to: Ipv4 | undefined;
}

/** A server of addresses (RFC 2131), which has none but those of one small network to give. */
export class DhcpServer {
  readonly #options: DhcpOptions;
  readonly #leases = new Map<Mac, Ipv4>();

  constructor(options: DhcpOptions) {
    this.#options = options;
  }

  /** The answer to a message; undefined if there is none. */
  answer(message: Uint8Array): DhcpReply | undefined {
    if (message.length < FIXED_BYTES || message[0] !== BOOT.REQUEST || message[1] !== 1 || message[2] !== 6)
      return undefined;
    const view = new DataView(message.buffer, message.byteOffset, message.length);
    if (view.getUint32(FIXED_BYTES - 4) !== COOKIE) return undefined;
    const options = readOptions(message.subarray(FIXED_BYTES));
    const server = options.get(OPTION.SERVER);
    if (server !== undefined && addressIn(server) !== this.#options.server) return undefined;
    const mac = readMac(message, MAC_AT);
    const current = view.getUint32(12);
    const kind = options.get(OPTION.KIND)?.[0];
    switch (kind) {
      case KIND.DISCOVER: {
        const address = this.#lease(mac);
        return address === undefined ? undefined : this.#reply(message, KIND.OFFER, mac, address);
      }
      case KIND.REQUEST: {
        const address = this.#lease(mac);
        const wanted = addressIn(options.get(OPTION.REQUESTED)) ?? current;
        return this.#reply(message, wanted === address ? KIND.ACK : KIND.NAK, mac, address ?? 0);
      }
      case KIND.INFORM:
        return this.#reply(message, KIND.ACK, mac, 0, current);
      case KIND.RELEASE:
        this.#leases.delete(mac);
        return undefined;
      default:
        return undefined;
    }
  }

  /** The address of a card, the same as before if it had one; undefined if there is none left. */
  #lease(mac: Mac): Ipv4 | undefined {
    const known = this.#leases.get(mac);
    if (known !== undefined) return known;
    const given = new Set(this.#leases.values());
    const { first, last } = this.#options;
    for (let address = first; address <= last && address < first + MOST_LEASES; address++) {
      if (given.has(address)) continue;
      this.#leases.set(mac, address);
      return address;
    }
    return undefined;
  }

  #reply(request: Uint8Array, kind: number, mac: Mac, address: Ipv4, current = 0): DhcpReply {
    const { server } = this.#options;
    const refuses = kind === KIND.NAK;
    const options = [...option(OPTION.KIND, [kind]), ...option(OPTION.SERVER, bytesOf(server))];
    if (!refuses && current === 0) options.push(...option(OPTION.LEASE_SECONDS, bytesOf(LEASE_SECONDS)));
    if (!refuses) options.push(...this.#facts());
    options.push(OPTION.END);
    const message = new Uint8Array(Math.max(LEAST_BYTES, FIXED_BYTES + options.length));
    const view = new DataView(message.buffer);
    // Kind of hardware, transaction, flags, the client's address, relay and hardware address are the client's.
    message.set(request.subarray(0, FIXED_BYTES - 4).subarray(0, MAC_AT + 16));
    message[0] = BOOT.REPLY;
    message[3] = 0;
    view.setUint16(8, 0);
    view.setUint32(12, current);
    view.setUint32(16, refuses ? 0 : address);
    view.setUint32(20, server);
    view.setUint32(FIXED_BYTES - 4, COOKIE);
    message.set(options, FIXED_BYTES);
    const toAll = refuses || (view.getUint16(10) & BROADCAST_FLAG) !== 0;
    return { message, mac, to: toAll ? undefined : current === 0 ? address : current };
  }

  #facts(): number[] {
    const { netmask, router, nameServer, hostName, domainName, mtu } = this.#options;
    return [
      ...option(OPTION.NETMASK, bytesOf(netmask)),
      ...(router === undefined ? [] : option(OPTION.ROUTER, bytesOf(router))),
      ...option(OPTION.NAME_SERVER, bytesOf(nameServer)),
      ...option(OPTION.MTU, [mtu >>> 8, mtu & 0xff]),
      ...(hostName === '' ? [] : option(OPTION.HOST_NAME, [...new TextEncoder().encode(hostName)])),
      ...(domainName === '' ? [] : option(OPTION.DOMAIN_NAME, [...new TextEncoder().encode(domainName)])),
    ];
  }
}

function readOptions(bytes: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length && bytes[at] !== OPTION.END; ) {
    if (bytes[at] === OPTION.PAD) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (at + 2 + length > bytes.length) break;
    options.set(bytes[at], bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return options;
}

function option(kind: number, bytes: readonly number[]): number[] {
  return [kind, bytes.length, ...bytes];
}

function bytesOf(number: number): number[] {
  return [number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff];
}

function addressIn(bytes: Uint8Array | undefined): Ipv4 | undefined {
  if (bytes?.length !== 4) return undefined;
  return ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
}
