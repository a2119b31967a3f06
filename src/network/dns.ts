import type { Ipv4 } from './address.ts';
import type { HostNetwork } from './host.ts';
import type { Policy } from './policy.ts';

export const DNS_PORT = 53;
const HEADER_BYTES = 12;
const TYPE = { A: 1, AAAA: 28, IXFR: 251, AXFR: 252, ANY: 255 } as const;
const CLASS_IN = 1;
const CODE = { OK: 0, FORMAT: 1, FAILED: 2, NO_NAME: 3, NOT_IMPLEMENTED: 4, REFUSED: 5 } as const;
const LONGEST_NAME = 255;
/** More would not fit into the 512 bytes that everybody takes. */
const MOST_ADDRESSES = 14;
/** A name at its place in the question, behind the header. */
const NAME_OF_QUESTION = 0xc000 | HEADER_BYTES;
/** Questions that wait for the host. */
const MOST_WAITING = 128;
const LONGEST_TTL = 3600;

/** The only question of a message (RFC 1035). */
export interface Question {
  readonly id: number;
  /** In lower case, without a full stop at its end. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Asked to look further (RD). */
  readonly recursive: boolean;
  /** Where the question ends in the message. */
  readonly end: number;
}

/** Reads a query with one question; undefined if the message is none. */
function readQuestion(message: Uint8Array): Question | undefined {
  if (message.length < HEADER_BYTES + 5) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const flags = view.getUint16(2);
  // A query, of the ordinary kind.
  if ((flags & 0xf800) !== 0 || view.getUint16(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = 0; ; ) {
    const bytes = message[at];
    if (bytes === undefined || bytes > 63) return undefined;
    at++;
    if (bytes === 0) break;
    length += bytes + 1;
    if (length > LONGEST_NAME || at + bytes > message.length) return undefined;
    labels.push(String.fromCharCode(...message.subarray(at, at + bytes)));
    at += bytes;
  }
  if (at + 4 > message.length) return undefined;
  return {
    id: view.getUint16(0),
    name: labels.join('.').toLowerCase(),
    type: view.getUint16(at),
    class: view.getUint16(at + 2),
    recursive: (flags & 0x0100) !== 0,
    end: at + 4,
  };
}

/**
 * The guest's name server. Addresses are looked up as the host's own programs do; all other questions are passed on to
 * the host's name server. No name leads the guest to where it may not go.
 */
export class DnsProxy {
  readonly #host: HostNetwork;
  readonly #policy: Policy;
  /** Names of this network's own. */
  readonly #own: ReadonlyMap<string, Ipv4>;
  #waiting = 0;

  constructor(host: HostNetwork, policy: Policy, own: ReadonlyMap<string, Ipv4>) {
    this.#host = host;
    this.#policy = policy;
    this.#own = own;
  }

  /** The answer to a message; undefined if it is no query, or too many wait. */
  async answer(message: Uint8Array): Promise<Uint8Array | undefined> {
    const question = readQuestion(message);
    if (question === undefined || this.#waiting >= MOST_WAITING) return undefined;
    this.#waiting++;
    try {
      return await this.#answer(message, question);
    } catch {
      return reply(message, question, CODE.FAILED);
    } finally {
      this.#waiting--;
    }
  }

  async #answer(message: Uint8Array, question: Question): Promise<Uint8Array> {
    const { name, type } = question;
    const own = this.#own.get(name);
    if (own !== undefined) return reply(message, question, CODE.OK, type === TYPE.A ? [own] : []);
    if (question.class !== CLASS_IN || type === TYPE.ANY || type === TYPE.AXFR || type === TYPE.IXFR)
      return reply(message, question, CODE.NOT_IMPLEMENTED);
    if (!this.#policy.permitsName(name)) return reply(message, question, CODE.REFUSED);
    if (type !== TYPE.A && type !== TYPE.AAAA) return this.#passOn(message, question);
    const found = isHostName(name) ? await this.#host.resolve(name) : undefined;
    if (found === undefined) return reply(message, question, CODE.NO_NAME);
    // There is no IPv6 in this network: such a question has an answer without addresses.
    const addresses = type === TYPE.A ? this.#policy.resolved(name, found.addresses) : [];
    return reply(message, question, CODE.OK, addresses.slice(0, MOST_ADDRESSES), found.seconds);
  }

  async #passOn(message: Uint8Array, question: Question): Promise<Uint8Array> {
    const answer = await this.#host.query(message);
    if (answer.length < HEADER_BYTES) return reply(message, question, CODE.FAILED);
    const copy = new Uint8Array(answer);
    copy.set(message.subarray(0, 2));
    return copy;
  }
}

/** Whether the host may be asked for the addresses of a name: it would take others for something else. */
function isHostName(name: string): boolean {
  return /^[a-z\d_-]+(\.[a-z\d_-]+)*$/.test(name) && !/^[\d.]+$/.test(name);
}

function reply(
  message: Uint8Array,
  { end, recursive }: Question,
  code: number,
  addresses: readonly Ipv4[] = [],
  seconds = 0,
): Uint8Array<ArrayBuffer> {
  const answer = new Uint8Array(end + 16 * addresses.length);
  answer.set(message.subarray(0, end));
  const view = new DataView(answer.buffer);
  // An answer, of a server that looks further.
  view.setUint16(2, 0x8080 | (recursive ? 0x0100 : 0) | code);
  view.setUint16(6, addresses.length);
  view.setUint32(8, 0);
  for (const [index, address] of addresses.entries()) {
    const at = end + 16 * index;
    view.setUint16(at, NAME_OF_QUESTION);
    view.setUint16(at + 2, TYPE.A);
    view.setUint16(at + 4, CLASS_IN);
    view.setUint32(at + 6, Math.min(LONGEST_TTL, seconds));
    view.setUint16(at + 10, 4);
    view.setUint32(at + 12, address);
  }
  return answer;
}
