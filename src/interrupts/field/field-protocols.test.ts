/** Differences between the protocols of the field, driven from one thread; `races.test.ts` has those that need two. */
import { describe, expect, test } from 'vitest';
import { Rig } from '../../../test/interrupts/rig.ts';
import { IRQ_PMU_OVF, IRQ_VS_EXT, IRQ_VS_SOFT, IRQ_VS_TIMER } from '../numbers.ts';
import { PROTOCOLS } from '../protocols.ts';
import { takeMirror } from '../take-mirror.ts';
import { IRQS_PENDING, IRQS_PENDING_LOCK, IRQS_PENDING_MASK } from '../words.ts';
import { direct } from './direct.ts';
import { kvmSpinlock } from './kvm-spinlock.ts';
import { minimalPatch } from './minimal-patch.ts';
import { published } from './published.ts';
import { xchg } from './xchg.ts';
import { xen } from './xen.ts';
import { xenMinimalPatch } from './xen-minimal-patch.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const TIMER = 1 << IRQ_VS_TIMER;
const EXT = 1 << IRQ_VS_EXT;
const LCOFI = 1 << IRQ_PMU_OVF;

/** A vCPU as after one normal round: an IPI was delivered, and its guest has cleared it without an exit. */
function afterOneIpi(protocol: (typeof PROTOCOLS)[number]): Rig {
  const rig = new Rig(protocol);
  rig.set(IRQ_VS_SOFT);
  rig.enter();
  rig.guestWrites(0);
  return rig;
}

test('every protocol says where it comes from, under a name of its own', () => {
  expect(new Set(PROTOCOLS.map((protocol) => protocol.name)).size).toBe(8);
  for (const { provenance } of PROTOCOLS) {
    expect(provenance).toMatch(/hartvisor|Linux|Xen|xen-devel/);
  }
});

describe('kicks', () => {
  const kicks = (protocol: (typeof PROTOCOLS)[number]) => {
    const rig = new Rig(protocol);
    const first = rig.set(IRQ_VS_EXT);
    const again = rig.set(IRQ_VS_EXT);
    rig.enter();
    const afterFlush = rig.set(IRQ_VS_EXT);
    rig.roundTrip();
    const fall = rig.unset(IRQ_VS_EXT);
    const rise = rig.set(IRQ_VS_EXT);
    return [first, again, afterFlush, fall, rise].map((kick) => (kick ? 'kick' : '-')).join(' ');
  };

  test.each([
    [takeMirror, 'kick - - kick kick'],
    [published, 'kick kick kick - kick'],
    [kvmSpinlock, 'kick kick kick - kick'],
    [minimalPatch, 'kick kick kick - kick'],
    [xchg, 'kick kick kick - kick'],
    [direct, 'kick kick kick - kick'],
    [xen, 'kick - kick - kick'],
    [xenMinimalPatch, 'kick - kick - kick'],
  ])('$name: set, set, set after a flush, unset, set', (protocol, expected) => {
    expect(kicks(protocol)).toBe(expected);
  });
});

describe('guest writes of LCOFI', () => {
  const hvipAfterGuest = (protocol: (typeof PROTOCOLS)[number], from: number, to: number) => {
    const rig = new Rig(protocol, { lcofi: true });
    if (from !== 0) {
      rig.set(IRQ_PMU_OVF);
    }
    rig.enter();
    rig.guestWrites(to);
    rig.roundTrip();
    return rig.hvipLo;
  };

  test.each(PROTOCOLS)('$name', (protocol) => {
    const keepsNothing = protocol === xen;
    const keepsClears = [published, kvmSpinlock].includes(protocol);
    expect(hvipAfterGuest(protocol, LCOFI, 0)).toBe(keepsNothing ? LCOFI : 0);
    expect(hvipAfterGuest(protocol, 0, LCOFI)).toBe(keepsNothing || keepsClears ? 0 : LCOFI);
  });
});

describe.each([minimalPatch, xenMinimalPatch])('$name', (protocol) => {
  test('sync leaves the shared words alone, and a stale pending bit is not pending', () => {
    const rig = afterOneIpi(protocol);
    const words = Array.from(rig.words);
    rig.exit();
    expect(Array.from(rig.words)).toEqual(words);
    expect(Atomics.load(rig.words, IRQS_PENDING)).toBe(SOFT);
    expect(rig.has(SOFT)).toBe(false);
    rig.set(IRQ_VS_SOFT);
    expect(rig.has(SOFT)).toBe(true);
  });

  test('a pending level stays pending after the flush has taken its mask bit', () => {
    const rig = new Rig(protocol, { levels: [40] });
    rig.set(IRQ_VS_EXT);
    rig.set(40);
    rig.enter();
    rig.exit();
    expect(rig.has(EXT)).toBe(true);
    expect(rig.has(0, 1 << 8)).toBe(true);
    rig.unset(IRQ_VS_EXT);
    rig.unset(40);
    expect(rig.has(EXT, 1 << 8)).toBe(false);
  });
});

describe('kvm-spinlock', () => {
  test('every function gives the lock back', () => {
    const rig = new Rig(kvmSpinlock, { lcofi: true, levels: [40] });
    const held = () => Atomics.load(rig.words, IRQS_PENDING_LOCK);
    rig.set(IRQ_PMU_OVF);
    expect(held()).toBe(0);
    rig.unset(40);
    expect(held()).toBe(0);
    rig.enter();
    expect(held()).toBe(0);
    rig.guestWrites(SOFT);
    rig.exit();
    expect(held()).toBe(0);
    rig.has(0, 1 << 8);
    expect(held()).toBe(0);
  });

  test.each(['set', 'unset', 'sync', 'flush', 'has'] as const)('%s waits for the lock', (name) => {
    const rig = new Rig(kvmSpinlock);
    const real = Atomics.compareExchange;
    let attempts = 0;
    const held = 3;
    Reflect.set(Atomics, 'compareExchange', (...args: Parameters<typeof real>) => {
      attempts++;
      return attempts <= held ? 1 : Reflect.apply(real, Atomics, args);
    });
    try {
      const calls = {
        set: () => rig.set(IRQ_VS_SOFT),
        unset: () => rig.unset(IRQ_VS_SOFT),
        sync: () => rig.exit(),
        flush: () => rig.enter(),
        has: () => rig.has(SOFT),
      };
      calls[name]();
    } finally {
      Reflect.set(Atomics, 'compareExchange', real);
    }
    expect(attempts).toBe(held + 1);
  });
});

describe('xchg', () => {
  test('edges: taken once, cleared by the guest for good, and set again', () => {
    const rig = afterOneIpi(xchg);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(0);
    expect(rig.has(SOFT)).toBe(false);
    rig.guestWrites(SOFT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(SOFT);
    rig.guestWrites(0);
    rig.set(IRQ_VS_SOFT);
    rig.roundTrip();
    expect(rig.hvipLo).toBe(SOFT);
  });

  test('an unset works only until a flush has moved the bit', () => {
    const rig = new Rig(xchg);
    rig.set(IRQ_VS_EXT);
    rig.unset(IRQ_VS_EXT);
    rig.enter();
    expect(rig.hvipLo).toBe(0);
  });

  test.each([IRQ_VS_TIMER, IRQ_VS_EXT, 40])('level %i never falls again', (irq) => {
    const rig = new Rig(xchg, { levels: [40] });
    const level = () => [rig.hvipLo, rig.hvipHi];
    rig.set(irq);
    rig.enter();
    const raised = level();
    expect(raised).not.toEqual([0, 0]);
    rig.unset(irq);
    for (let round = 0; round < 3; round++) {
      rig.guestWrites(0);
      rig.roundTrip();
      expect(level()).toEqual(raised);
    }
  });
});

describe('direct', () => {
  test('what is set between exit and entry is delivered, levels fall there, and the guest owns its bit', () => {
    const rig = new Rig(direct, { levels: [40] });
    rig.set(IRQ_VS_SOFT);
    rig.set(IRQ_VS_TIMER);
    rig.set(40);
    rig.enter();
    expect([rig.hvipLo, rig.hvipHi]).toEqual([SOFT | TIMER, 1 << 8]);
    rig.guestWrites(0);
    rig.exit();
    expect(rig.has(SOFT)).toBe(false);
    expect(rig.has(TIMER)).toBe(true);
    rig.unset(IRQ_VS_TIMER);
    rig.enter();
    expect([rig.hvipLo, rig.hvipHi]).toEqual([0, 1 << 8]);
  });

  test.each([IRQ_VS_SOFT, IRQ_VS_TIMER, 40])(
    'the save overwrites number %i set while the guest ran',
    (irq) => {
      const rig = new Rig(direct, { levels: [40] });
      rig.enter();
      expect(rig.set(irq)).toBe(true);
      rig.roundTrip();
      expect([rig.hvipLo, rig.hvipHi]).toEqual([0, 0]);
      expect(rig.has(0xffff_ffff, 0xffff_ffff)).toBe(false);
    },
  );

  test('the save leaves out what the hypervisor added to HVIP itself', () => {
    const rig = new Rig(direct);
    rig.enter();
    rig.hvipLo |= TIMER;
    rig.roundTrip();
    expect(rig.hvipLo).toBe(0);
  });
});

test('xen, like published, moves only what its mask covers', () => {
  const rig = new Rig(xen, { levels: [40] });
  Atomics.store(rig.words, IRQS_PENDING, 0x444);
  Atomics.store(rig.words, IRQS_PENDING_MASK, 0x40);
  rig.set(40);
  rig.enter();
  expect([rig.hvipLo, rig.hvipHi]).toEqual([0x40, 0x100]);
});
