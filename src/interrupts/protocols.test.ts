import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rig } from '../../test/interrupts/rig.ts';
import { direct } from './field/direct.ts';
import { published } from './field/published.ts';
import { xchg } from './field/xchg.ts';
import { IRQ_PMU_OVF, IRQ_VS_EXT, IRQ_VS_SOFT, IRQ_VS_TIMER } from './numbers.ts';
import { DEFAULT_PROTOCOL, PROTOCOLS, protocolByName } from './protocols.ts';
import { takeMirror } from './take-mirror.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK } from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const TIMER = 1 << IRQ_VS_TIMER;
const EXT = 1 << IRQ_VS_EXT;
const ALL = 0xffff_ffff;

test('protocols are found by name, and the error for another name lists them', () => {
  expect(protocolByName('take-mirror')).toBe(takeMirror);
  expect(protocolByName('published')).toBe(published);
  expect(DEFAULT_PROTOCOL).toBe(takeMirror);
  expect(() => protocolByName('spinlock')).toThrow(
    new RangeError(
      'There is no interrupt protocol "spinlock"; the protocols are take-mirror, published, xen, kvm-spinlock, ' +
        'minimal-patch, xen-minimal-patch, xchg, direct',
    ),
  );
});

test('scenario 1: published records a set in both bitmaps, and hvip waits for the flush', () => {
  for (const irq of [IRQ_VS_SOFT, IRQ_VS_TIMER, IRQ_VS_EXT]) {
    const rig = new Rig(published);
    rig.set(irq);
    expect(Array.from(rig.words.subarray(0, 4))).toEqual([1 << irq, 0, 1 << irq, 0]);
    expect(rig.local.hvipLo).toBe(0);
  }
});

test('scenario 1: take-mirror records a set in one word, and hvip waits for the flush', () => {
  const rig = new Rig(takeMirror);
  rig.set(IRQ_VS_EXT);
  expect(Array.from(rig.words).filter((word) => word !== 0)).toEqual([EXT]);
  expect(Atomics.load(rig.words, IRQS_PENDING)).toBe(EXT);
  expect(rig.local.hvipLo).toBe(0);
});

/** The other two are in `field-protocols.test.ts`, as far as they differ in these scenarios. */
const TRACKING = PROTOCOLS.filter((protocol) => protocol !== xchg && protocol !== direct);

describe.each(TRACKING)('$name', (protocol) => {
  test('scenario 6: set is idempotent, and an unset of a bit never set leaves nothing', () => {
    const once = new Rig(protocol);
    const twice = new Rig(protocol);
    once.set(IRQ_VS_SOFT);
    twice.set(IRQ_VS_SOFT);
    twice.set(IRQ_VS_SOFT);
    expect(Array.from(twice.words)).toEqual(Array.from(once.words));
    once.unset(IRQ_VS_EXT);
    once.enter();
    expect(once.hvipLo).toBe(SOFT);
  });

  test('scenarios 7 and 8: the last writer before a flush wins', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_EXT);
    rig.unset(IRQ_VS_EXT);
    rig.enter();
    expect(rig.hvipLo).toBe(0);
    rig.unset(IRQ_VS_EXT);
    rig.set(IRQ_VS_EXT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(EXT);
  });

  test('scenarios 9 and 10: a number is a bit position, and bits add up', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_TIMER);
    rig.enter();
    expect(rig.hvipLo).toBe(0x40);
    rig.set(IRQ_VS_SOFT);
    rig.set(IRQ_VS_EXT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(0x444);
  });

  test('scenarios 11 and 20: a round trip without news changes neither HVIP nor a shared word', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_SOFT);
    rig.set(IRQ_VS_EXT);
    rig.enter();
    const words = Array.from(rig.words);
    for (let round = 0; round < 3; round++) {
      rig.roundTrip();
      expect(rig.hvipLo).toBe(SOFT | EXT);
      expect(Array.from(rig.words)).toEqual(words);
    }
  });

  test('scenarios 13 and 14: one bit changes and the others stay', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_TIMER);
    rig.enter();
    rig.set(IRQ_VS_SOFT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(0x44);
    rig.set(IRQ_VS_EXT);
    rig.roundTrip();
    rig.unset(IRQ_VS_EXT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(0x44);
  });

  test('scenario 15: what the guest sets itself is pending after the exit and stays set', () => {
    const rig = new Rig(protocol);
    rig.enter();
    rig.guestWrites(SOFT);
    rig.exit();
    expect(rig.has(SOFT)).toBe(true);
    rig.enter();
    expect(rig.hvipLo).toBe(SOFT);
  });

  test('scenario 16: what the guest clears stays cleared, whatever the number of exits', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_SOFT);
    rig.enter();
    rig.guestWrites(0);
    for (let round = 0; round < 3; round++) {
      rig.exit();
      expect(rig.has(ALL)).toBe(false);
      rig.enter();
      expect(rig.hvipLo).toBe(0);
    }
  });

  test('scenario 17: a set after the guest cleared and before the exit is delivered', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_SOFT);
    rig.enter();
    rig.guestWrites(0);
    rig.set(IRQ_VS_SOFT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(SOFT);
  });

  test('scenario 18: the last of several guest writes counts', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_SOFT);
    rig.enter();
    rig.guestWrites(0);
    rig.guestWrites(SOFT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(SOFT);
    rig.guestWrites(SOFT);
    rig.guestWrites(0);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(0);
  });

  test.each([0, SOFT])(
    'scenario 19: a second sync before the flush changes nothing (guest wrote %i)',
    (guest) => {
      const rig = new Rig(protocol);
      rig.set(IRQ_VS_SOFT);
      rig.enter();
      rig.guestWrites(0);
      rig.roundTrip();
      rig.guestWrites(guest);
      rig.exit();
      const after = [...rig.words, rig.local.hvipLo];
      rig.exit();
      expect([...rig.words, rig.local.hvipLo]).toEqual(after);
      rig.enter();
      expect(rig.hvipLo).toBe(guest);
    },
  );

  test('scenarios 21 and 22: guest writes reach no level', () => {
    const rig = new Rig(protocol);
    rig.enter();
    rig.guestWrites(TIMER | EXT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(0);
    rig.set(IRQ_VS_SOFT);
    rig.set(IRQ_VS_TIMER);
    rig.set(IRQ_VS_EXT);
    rig.roundTrip();
    rig.guestWrites(0);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(TIMER | EXT);
  });

  test('scenario 29: an edge that was delivered and cleared without an exit wants a kick again', () => {
    const rig = new Rig(protocol);
    expect(rig.set(IRQ_VS_SOFT)).toBe(true);
    rig.enter();
    rig.guestWrites(0);
    expect(rig.set(IRQ_VS_SOFT)).toBe(true);
  });

  test('scenario 28: set after unset of a level wants a kick', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_EXT);
    rig.enter();
    rig.unset(IRQ_VS_EXT);
    expect(rig.set(IRQ_VS_EXT)).toBe(true);
  });

  test('scenario 67: two sets before a delivery are one interrupt; a set inside the handler is a second one', () => {
    const rig = new Rig(protocol);
    rig.set(IRQ_VS_SOFT);
    rig.set(IRQ_VS_SOFT);
    rig.enter();
    rig.guestWrites(0);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(0);
    rig.set(IRQ_VS_SOFT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(SOFT);
  });

  test('scenario 69: number 40 is bit 8 of the high words and leaves the low ones alone', () => {
    const rig = new Rig(protocol, { levels: [40] });
    rig.set(40);
    expect(Atomics.load(rig.words, IRQS_PENDING)).toBe(0);
    expect(Atomics.load(rig.words, IRQS_PENDING + 1)).toBe(0x100);
    rig.enter();
    expect([rig.hvipLo, rig.hvipHi]).toEqual([0, 0x100]);
  });

  test('scenario 70: a change of the high word alone is flushed and found by an all-ones mask', () => {
    const rig = new Rig(protocol, { levels: [63] });
    rig.set(63);
    expect(rig.has(ALL, ALL)).toBe(true);
    expect(rig.has(ALL, 0)).toBe(false);
    rig.enter();
    expect(rig.hvipHi).toBe(0x8000_0000);
    rig.unset(63);
    rig.roundTrip();
    expect(rig.hvipHi).toBe(0);
  });

  test.each([31, 32, 63])('scenario 72: number %i at a word boundary keeps hvip unsigned', (irq) => {
    const rig = new Rig(protocol, { levels: [31, 32, 63] });
    rig.set(irq);
    rig.enter();
    expect(BigInt(rig.hvipLo) | (BigInt(rig.hvipHi) << 32n)).toBe(1n << BigInt(irq));
  });
});

test('scenario 12: a published flush moves only what its mask covers', () => {
  const rig = new Rig(published);
  Atomics.store(rig.words, IRQS_PENDING, 0x444);
  Atomics.store(rig.words, IRQS_PENDING_MASK, 0x40);
  rig.enter();
  expect(rig.hvipLo).toBe(0x40);
  expect(Atomics.load(rig.words, IRQS_PENDING_MASK)).toBe(0);
});

test('published folds the clearing of LCOFIP and, like its original, not the setting', () => {
  const rig = new Rig(published, { lcofi: true });
  rig.set(IRQ_PMU_OVF);
  rig.enter();
  rig.guestWrites(0);
  rig.roundTrip();
  expect(rig.hvipLo).toBe(0);
  rig.guestWrites(1 << IRQ_PMU_OVF);
  rig.roundTrip();
  expect(rig.hvipLo).toBe(0);
});

test.each([IRQ_PMU_OVF, 40])('scenario 73: take-mirror keeps guest writes of edge %i both ways', (irq) => {
  const rig = new Rig(takeMirror, { lcofi: true, edges: [40] });
  const bit = (word: number) => (irq >> 5 === word ? (1 << (irq & 31)) >>> 0 : 0);
  rig.enter();
  rig.guestWrites(bit(0), bit(1));
  rig.roundTrip();
  expect([rig.hvipLo, rig.hvipHi]).toEqual([bit(0), bit(1)]);
  expect(rig.has(bit(0), bit(1))).toBe(true);
  rig.guestWrites(0, 0);
  rig.roundTrip();
  expect([rig.hvipLo, rig.hvipHi]).toEqual([0, 0]);
});

test('take-mirror wants a kick exactly when the bit changes', () => {
  const rig = new Rig(takeMirror);
  expect(rig.set(IRQ_VS_EXT)).toBe(true);
  expect(rig.set(IRQ_VS_EXT)).toBe(false);
  rig.enter();
  expect(rig.set(IRQ_VS_EXT)).toBe(false);
  expect(rig.unset(IRQ_VS_EXT)).toBe(true);
  expect(rig.unset(IRQ_VS_EXT)).toBe(false);
});

test('take-mirror: an unset withdraws an edge only until a flush takes it', () => {
  const rig = new Rig(takeMirror);
  rig.set(IRQ_VS_SOFT);
  rig.unset(IRQ_VS_SOFT);
  rig.enter();
  expect(rig.hvipLo).toBe(0);
  rig.set(IRQ_VS_SOFT);
  rig.roundTrip();
  expect(rig.unset(IRQ_VS_SOFT)).toBe(false);
  rig.roundTrip();
  expect(rig.hvipLo).toBe(SOFT);
});

describe('take-mirror against a sequential model', () => {
  const EDGES = [2, 13, 31, 32, 40];
  const LEVELS = [6, 10, 35, 63];
  const irq = fc.constantFrom(...EDGES, ...LEVELS);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), irq }),
    fc.record({ kind: fc.constant('unset' as const), irq }),
    fc.record({ kind: fc.constant('guest' as const), irq, on: fc.boolean() }),
    fc.record({ kind: fc.constant('round' as const) }),
  );
  const bits = (numbers: Iterable<number>) => [...numbers].reduce((all, nr) => all | (1n << BigInt(nr)), 0n);

  test('hvip, has and kicks are what three plain sets say, for numbers in both words', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const rig = new Rig(takeMirror, { lcofi: true, edges: [31, 32, 40], levels: [35, 63] });
        const announced = new Set<number>();
        const guest = new Set<number>();
        const levels = new Set<number>();
        rig.enter();
        for (const action of steps) {
          if (action.kind === 'set') {
            expect(rig.set(action.irq)).toBe(!announced.has(action.irq));
            announced.add(action.irq);
          } else if (action.kind === 'unset') {
            expect(rig.unset(action.irq)).toBe(announced.delete(action.irq));
          } else if (action.kind === 'guest' && EDGES.includes(action.irq)) {
            const bit = (word: number) => (action.irq >> 5 === word ? 1 << (action.irq & 31) : 0);
            rig.guestWrites(
              action.on ? rig.hvipLo | bit(0) : rig.hvipLo & ~bit(0),
              action.on ? rig.hvipHi | bit(1) : rig.hvipHi & ~bit(1),
            );
            action.on ? guest.add(action.irq) : guest.delete(action.irq);
          } else if (action.kind === 'round') {
            rig.exit();
            for (const nr of [...EDGES, ...LEVELS]) {
              const enabled = [nr < 32 ? 1 << nr : 0, nr < 32 ? 0 : 1 << (nr & 31)] as const;
              expect(rig.has(...enabled)).toBe(announced.has(nr) || guest.has(nr));
            }
            rig.enter();
            for (const nr of EDGES) {
              if (announced.delete(nr)) {
                guest.add(nr);
              }
            }
            levels.clear();
            for (const nr of announced) {
              levels.add(nr);
            }
            expect(BigInt(rig.hvipLo) | (BigInt(rig.hvipHi) << 32n)).toBe(bits([...guest, ...levels]));
          }
        }
      }),
    );
  });
});
