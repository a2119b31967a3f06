/**
 * The text of RISC-V AIA 1.0, chapter "Advanced Platform-Level Interrupt Controller", again, in the plainest data
 * structures: two domains, the second one below the first, each as the text describes a domain.
 */
import { APLIC } from '../../src/devices/aplic/facts.ts';

/** A source within one domain. */
interface DomainSource {
  mode: number;
  pending: boolean;
  enabled: boolean;
  hart: number;
  guest: number;
  /** Priority in direct delivery, identity in messages. */
  value: number;
}

/** A message that leaves the controller. */
export interface Message {
  readonly domain: number;
  readonly hart: number;
  readonly guest: number;
  readonly identity: number;
}

class Domain {
  interruptEnable = false;
  readonly sources = new Map<number, DomainSource>();
  readonly delivery = new Map<number, boolean>();
  readonly force = new Map<number, boolean>();
  readonly threshold = new Map<number, number>();
}

export class ReferenceAplic {
  readonly domains = [new Domain(), new Domain()];
  readonly wires = new Set<number>();
  readonly delegated = new Set<number>();
  readonly sent: Message[] = [];
  readonly messages: boolean;

  constructor(messages: boolean) {
    this.messages = messages;
  }

  /** Rectified input value: section "Source configurations". */
  input(domain: number, number: number): boolean {
    const mode = this.#active(domain, number)?.mode ?? 0;
    if (mode < 4) return false;
    return this.wires.has(number) !== (mode === 5 || mode === 7);
  }

  config(domain: number, number: number): number {
    if (domain === 0 && this.delegated.has(number)) return 0x400;
    return this.#active(domain, number)?.mode ?? 0;
  }

  target(domain: number, number: number): number {
    const source = this.#active(domain, number);
    return source === undefined ? 0 : source.hart * 2 ** 18 + source.guest * 2 ** 12 + source.value;
  }

  pending(domain: number, number: number): boolean {
    return this.#active(domain, number)?.pending ?? false;
  }

  enabled(domain: number, number: number): boolean {
    return this.#active(domain, number)?.enabled ?? false;
  }

  writeConfig(domain: number, number: number, value: number): void {
    const delegate = (value & 0x400) !== 0;
    if (domain === 0) {
      if (delegate) {
        this.domains[0].sources.delete(number);
        this.delegated.add(number);
        return;
      }
      if (this.delegated.delete(number)) this.domains[1].sources.delete(number);
    } else if (!this.delegated.has(number)) {
      return;
    }
    // A domain without children takes the whole value for zero; the reserved modes are taken for Inactive.
    const mode = delegate || [2, 3].includes(value & 7) ? 0 : value & 7;
    const { sources } = this.domains[domain];
    if (mode === 0) {
      sources.delete(number);
      return;
    }
    const source = sources.get(number) ?? {
      mode,
      pending: false,
      enabled: false,
      hart: 0,
      guest: 0,
      value: this.messages ? 0 : 1,
    };
    source.mode = mode;
    sources.set(number, source);
    if (isLevel(mode)) source.pending = this.input(domain, number);
    this.#forward(domain);
  }

  writeTarget(domain: number, number: number, value: number): void {
    const source = this.#active(domain, number);
    if (source === undefined) return;
    source.hart = value >>> 18;
    source.guest = this.messages && domain === 1 ? (value >>> 12) & 63 : 0;
    source.value = this.messages ? value & 0x7ff : value & 0xff || 1;
  }

  setPending(domain: number, number: number): void {
    const source = this.#active(domain, number);
    if (source === undefined) return;
    if (!isLevel(source.mode) || (this.messages && this.input(domain, number))) source.pending = true;
    this.#forward(domain);
  }

  clearPending(domain: number, number: number): void {
    const source = this.#active(domain, number);
    if (source !== undefined && (!isLevel(source.mode) || this.messages)) source.pending = false;
  }

  enable(domain: number, number: number, on: boolean): void {
    const source = this.#active(domain, number);
    if (source !== undefined) source.enabled = on;
    this.#forward(domain);
  }

  wire(number: number, level: boolean): void {
    const domain = this.delegated.has(number) ? 1 : 0;
    const before = this.input(domain, number);
    if (level) this.wires.add(number);
    else this.wires.delete(number);
    const after = this.input(domain, number);
    const source = this.#active(domain, number);
    if (source === undefined) return;
    if (!before && after) source.pending = true;
    if (!after && isLevel(source.mode)) source.pending = false;
    this.#forward(domain);
  }

  writeDomain(domain: number, interruptEnable: boolean): void {
    this.domains[domain].interruptEnable = interruptEnable;
    this.#forward(domain);
  }

  /** `topi` as identity and priority. */
  top(domain: number, hart: number): number {
    const { sources, threshold } = this.domains[domain];
    const limit = threshold.get(hart) ?? 0;
    const [best] = [...sources]
      .filter(([, source]) => source.pending && source.enabled && source.hart === hart)
      .filter(([, { value }]) => limit === 0 || value < limit)
      .sort(([one, { value: first }], [other, { value: second }]) => first - second || one - other);
    return best === undefined ? 0 : best[0] * 0x1_0000 + best[1].value;
  }

  claim(domain: number, hart: number): number {
    const top = this.top(domain, hart);
    if (top === 0) this.domains[domain].force.set(hart, false);
    else this.clearPending(domain, Math.floor(top / 0x1_0000));
    return top;
  }

  signals(domain: number, hart: number): boolean {
    const { interruptEnable, delivery, force } = this.domains[domain];
    if (!interruptEnable || delivery.get(hart) !== true) return false;
    return force.get(hart) === true || this.top(domain, hart) !== 0;
  }

  /** The source's state, where it is active in that domain. */
  #active(domain: number, number: number): DomainSource | undefined {
    if (number < 1 || number > APLIC.sources || this.delegated.has(number) !== (domain === 1))
      return undefined;
    return this.domains[domain].sources.get(number);
  }

  #forward(domain: number): void {
    const { interruptEnable, sources } = this.domains[domain];
    if (!this.messages || !interruptEnable) return;
    for (const [, source] of [...sources].sort(([one], [other]) => one - other)) {
      if (!source.pending || !source.enabled) continue;
      source.pending = false;
      this.sent.push({ domain, hart: source.hart, guest: source.guest, identity: source.value });
    }
  }
}

function isLevel(mode: number): boolean {
  return mode === 6 || mode === 7;
}
