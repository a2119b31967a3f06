import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Message, ReferenceAplic } from '../../../test/devices/aplic-reference.ts';
import { Aplic } from './device.ts';
import { APLIC } from './facts.ts';
import { DOMAINCFG, MAP } from './registers.ts';

const HARTS = 3;
const NUMBERS = [1, 2, 31, 32, 63, 64, 95, 96] as const;
const number = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 1, arbitrary: fc.constantFrom(0, 97, 1023) },
);
const domain = fc.nat(1);
const hart = fc.nat(HARTS - 1);

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('wire' as const),
      number: fc.constantFrom(...NUMBERS),
      level: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('config' as const),
      domain,
      number,
      value: fc.oneof(fc.nat(7), fc.constantFrom(0x400, 0x401, 0x406)),
    }),
    fc.record({
      kind: fc.constant('target' as const),
      domain,
      number,
      hart: fc.nat(HARTS),
      guest: fc.nat(63),
      value: fc.oneof(fc.nat(0x7ff), fc.nat(3)),
    }),
    fc.record({
      kind: fc.constantFrom(...(['setip', 'clrip', 'setie', 'clrie'] as const)),
      domain,
      numbers: fc.array(number, { minLength: 1, maxLength: 3 }),
      byNumber: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('domain' as const), domain, on: fc.boolean() }),
    fc.record({
      kind: fc.constantFrom(...(['idelivery', 'iforce', 'ithreshold'] as const)),
      domain,
      hart,
      value: fc.nat(4),
    }),
    fc.record({ kind: fc.constant('claim' as const), domain, hart }),
  ),
  { minLength: 10, maxLength: 80 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;
type HartStep = Extract<Step, { kind: 'idelivery' | 'iforce' | 'ithreshold' }>;
type BitStep = Extract<Step, { kind: 'setip' | 'clrip' | 'setie' | 'clrie' }>;

class Rig {
  readonly aplic: Aplic;
  readonly model: ReferenceAplic;
  readonly sent: Message[] = [];
  told: string[] = [];

  constructor(messages: boolean) {
    const words = new Int32Array(new SharedArrayBuffer(4 * Aplic.wordsFor(2, HARTS)));
    this.model = new ReferenceAplic(messages);
    this.aplic = new Aplic(words, {
      harts: HARTS,
      domains: ['machine', 'supervisor'],
      delivery: messages
        ? {
            guests: 63,
            msi: {
              send: (address, data) => this.sent.push(messageOf(address, data)) > 0,
              supervisorPage: () => 0,
            },
          }
        : { onChange: (where, which) => this.told.push(`${where}.${which}`) },
    });
    // A page a hart for machine level, 128 KiB a hart for the other.
    this.put(0, MAP.MSIADDRCFG, 0x1_0000);
    this.put(0, MAP.MSIADDRCFG + 4, 14 << 12);
    this.put(0, MAP.MSIADDRCFG + 8, 0x10_0000);
    this.put(0, MAP.MSIADDRCFG + 12, 6 << 20);
  }

  get(where: number, offset: number): number {
    return this.aplic.read(where * APLIC.supervisorAt + offset, 4);
  }

  put(where: number, offset: number, value: number): void {
    this.aplic.write(where * APLIC.supervisorAt + offset, 4, value >>> 0);
  }

  apply(step: Step): void {
    switch (step.kind) {
      case 'wire':
        this.aplic.line(step.number).set(step.level);
        this.model.wire(step.number, step.level);
        break;
      case 'config':
        this.#writeSource(step.domain, MAP.SOURCECFG, step.number, step.value);
        break;
      case 'target':
        this.#writeSource(
          step.domain,
          MAP.TARGET,
          step.number,
          (step.hart << 18) | (step.guest << 12) | step.value,
        );
        break;
      case 'domain':
        this.put(step.domain, MAP.DOMAINCFG, step.on ? DOMAINCFG.IE : 0);
        this.model.writeDomain(step.domain, step.on);
        break;
      case 'claim':
        this.#claim(step.domain, step.hart);
        break;
      case 'idelivery':
      case 'iforce':
      case 'ithreshold':
        this.#writeHart(step);
        break;
      default:
        this.#writeBits(step);
    }
  }

  #writeSource(where: number, registers: number, which: number, value: number): void {
    if (which === 0) return;
    this.put(where, registers + 4 * which, value);
    if (which > APLIC.sources) return;
    if (registers === MAP.TARGET) this.model.writeTarget(where, which, value);
    else this.model.writeConfig(where, which, value);
  }

  #claim(where: number, which: number): void {
    const claimed = this.get(where, MAP.IDC + MAP.IDC_STRIDE * which + MAP.CLAIMI);
    if (!this.model.messages) expect(claimed).toBe(this.model.claim(where, which));
  }

  #writeHart({ kind, domain: where, hart: which, value }: HartStep): void {
    const registers = { idelivery: MAP.IDELIVERY, iforce: MAP.IFORCE, ithreshold: MAP.ITHRESHOLD };
    this.put(where, MAP.IDC + MAP.IDC_STRIDE * which + registers[kind], value);
    const { delivery, force, threshold } = this.model.domains[where];
    if (kind === 'idelivery') delivery.set(which, (value & 1) !== 0);
    else if (kind === 'iforce') force.set(which, (value & 1) !== 0);
    else threshold.set(which, value);
  }

  #writeBits({ kind, domain: where, numbers, byNumber }: BitStep): void {
    const banks = { setip: MAP.SETIP, clrip: MAP.CLRIP, setie: MAP.SETIE, clrie: MAP.CLRIE };
    const bank = banks[kind];
    const change = (each: number) => {
      if (kind === 'setip') this.model.setPending(where, each);
      else if (kind === 'clrip') this.model.clearPending(where, each);
      else this.model.enable(where, each, kind === 'setie');
    };
    if (byNumber) {
      for (const each of numbers) {
        this.put(where, bank + MAP.BY_NUMBER, each);
        change(each);
      }
      return;
    }
    const index = numbers[0] >> 5;
    const ofWord = numbers.filter((each) => each >> 5 === index);
    const bits = ofWord.reduce<number>((all, each) => all | (1 << (each & 31)), 0);
    this.put(where, bank + 4 * index, bits);
    for (const each of [...new Set(ofWord)].sort((one, other) => one - other)) change(each);
  }

  /** Everything that registers show, beside what the model says that they show. */
  compare(): void {
    const { model } = this;
    const bits = (has: (where: number, which: number) => boolean) =>
      [0, 1].map((where) => NUMBERS.map((which) => has(where, which)));
    const shown = (bank: number) =>
      bits((where, which) => ((this.get(where, bank + 4 * (which >> 5)) >>> (which & 31)) & 1) === 1);
    expect(shown(MAP.SETIP)).toEqual(bits((where, which) => model.pending(where, which)));
    expect(shown(MAP.SETIE)).toEqual(bits((where, which) => model.enabled(where, which)));
    expect(shown(MAP.CLRIP)).toEqual(bits((where, which) => model.input(where, which)));
    for (const where of [0, 1]) {
      for (const which of NUMBERS) {
        expect(this.get(where, MAP.SOURCECFG + 4 * which)).toBe(model.config(where, which));
        expect(this.get(where, MAP.TARGET + 4 * which)).toBe(model.target(where, which));
      }
    }
  }

  /** The wires to the harts, by domain and hart. */
  levels(): Map<string, boolean> {
    const all = [0, 1].flatMap((where) => [0, 1, 2].map((which) => [where, which] as const));
    return new Map(all.map(([where, which]) => [`${where}.${which}`, this.aplic.signals(where, which)]));
  }
}

function messageOf(address: number, identity: number): Message {
  const page = address / 4096;
  if (page < 0x10_0000) return { domain: 0, hart: page - 0x1_0000, guest: 0, identity };
  return { domain: 1, hart: (page - 0x10_0000) >> 6, guest: page & 63, identity };
}

describe('agrees with a plain reading of the specification', () => {
  test('by wires to harts, and tells exactly those whose wire changed', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const rig = new Rig(false);
        for (const step of list) {
          const before = rig.levels();
          rig.told = [];
          rig.apply(step);
          const after = rig.levels();
          for (const [wire, level] of after) {
            const [where, which] = wire.split('.').map(Number);
            expect(level, wire).toBe(rig.model.signals(where, which));
            expect(rig.get(where, MAP.IDC + MAP.IDC_STRIDE * which + MAP.TOPI)).toBe(
              rig.model.top(where, which),
            );
          }
          expect(rig.told).toEqual([...after.keys()].filter((wire) => after.get(wire) !== before.get(wire)));
          rig.compare();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('by messages', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const rig = new Rig(true);
        for (const step of list) {
          rig.apply(step);
          rig.compare();
          expect(rig.sent).toEqual(rig.model.sent);
        }
      }),
      { numRuns: 300 },
    );
  });
});
