import type { Clock } from './host.ts';
import type { Packet } from './ipv4.ts';

/** Packets that wait for more fragments; the oldest one makes room. */
const MOST_PACKETS = 16;
const MOST_FRAGMENTS = 64;
const LARGEST_PAYLOAD = 0xffff - 20;
const PATIENCE_MS = 15_000;

interface Unfinished {
  readonly since: number;
  readonly fragments: Packet[];
}

/** Puts packets together from their fragments (RFC 791, section 3.2), in bounded memory. */
export class Reassembly {
  readonly #clock: Clock;
  readonly #unfinished = new Map<string, Unfinished>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a fragment. @returns the packet that it completes; undefined if it completes none */
  add(packet: Packet): Packet | undefined {
    const { source, destination, protocol, identification, offset, payload } = packet;
    if (offset + payload.length > LARGEST_PAYLOAD || (packet.moreFragments && payload.length % 8 !== 0))
      return undefined;
    const key = `${source}:${destination}:${protocol}:${identification}`;
    const now = this.#clock.now();
    for (const [each, { since }] of this.#unfinished) {
      if (now - since < PATIENCE_MS && this.#unfinished.size < MOST_PACKETS) break;
      if (each !== key) this.#unfinished.delete(each);
      else if (now - since >= PATIENCE_MS) this.#unfinished.delete(each);
      else break;
    }
    const known = this.#unfinished.get(key) ?? { since: now, fragments: [] };
    this.#unfinished.set(key, known);
    known.fragments.push(packet);
    const whole = join(known.fragments);
    if (whole === undefined && known.fragments.length < MOST_FRAGMENTS) return undefined;
    this.#unfinished.delete(key);
    return whole;
  }
}

/** The whole packet, if no part is missing, and none is there twice. */
function join(fragments: readonly Packet[]): Packet | undefined {
  const inOrder = [...fragments].sort((one, other) => one.offset - other.offset);
  let length = 0;
  for (const { offset, payload } of inOrder) {
    if (offset !== length) return undefined;
    length += payload.length;
  }
  const first = inOrder[0];
  if (first === undefined || inOrder.at(-1)?.moreFragments !== false) return undefined;
  const payload = new Uint8Array(length);
  for (const part of inOrder) payload.set(part.payload, part.offset);
  return { ...first, moreFragments: false, payload };
}
