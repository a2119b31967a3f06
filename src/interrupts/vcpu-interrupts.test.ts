import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { direct } from './field/direct.ts';
import { InterruptRuleError } from './loop-rules.ts';
import { IRQ_VS_EXT, IRQ_VS_SOFT, IRQ_VS_TIMER, interruptNumbers } from './numbers.ts';
import type { Protocol } from './protocol.ts';
import { PROTOCOLS } from './protocols.ts';
import { dispatchVcpu, exitRequested, makeRequest, runState, startVcpu, takeRequests } from './run-state.ts';
import type { VcpuInterruptsOptions } from './vcpu-interrupts.ts';
import { VcpuInterrupts } from './vcpu-interrupts.ts';
import { createVcpuWords, OWNER, RUN_STATE, RunState, VCPU_BYTES, VCPU_WORDS, vcpuWordsAt } from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const TIMER = 1 << IRQ_VS_TIMER;
const EXT = 1 << IRQ_VS_EXT;
const ALL = 0xffff_ffff;

/** The part of a hart that matters here. */
class Hart {
  hvipLo = 0;
  hvipHi = 0;

  enter(vcpu: VcpuInterrupts): void {
    expect(vcpu.enterGuest()).toBe(true);
    vcpu.flushInterrupts();
    vcpu.checkHvipWrite();
    this.hvipLo = vcpu.hvipLo;
    this.hvipHi = vcpu.hvipHi;
  }

  exit(vcpu: VcpuInterrupts): void {
    vcpu.exitGuest();
    vcpu.syncInterrupts(this.hvipLo, this.hvipHi);
  }
}

function vcpuOn(options: Partial<VcpuInterruptsOptions> = {}, pcpu = 0): VcpuInterrupts {
  const vcpu = new VcpuInterrupts({ words: createVcpuWords(), debug: true, ...options });
  startVcpu(vcpu.words);
  dispatchVcpu(vcpu.words);
  vcpu.load(pcpu);
  return vcpu;
}

/** Whether what is set while the guest runs is overwritten at its exit. */
const loses = (protocol: Protocol) => protocol === direct;

describe.each(PROTOCOLS)('with $name', (protocol) => {
  test.each([13, 32, 64, 65, 1000, 2 ** 31, 2 ** 32 - 1, -1, 1.5, Number.NaN])(
    'scenarios 2 to 4: number %s is refused, touches no word and kicks nobody',
    (irq) => {
      const buffer = new SharedArrayBuffer(3 * VCPU_BYTES);
      const all = new Int32Array(buffer).fill(0x5a5a5a5a);
      const wake = vi.fn();
      const vcpu = new VcpuInterrupts({ words: vcpuWordsAt(buffer, VCPU_BYTES), protocol, wake });
      expect(() => vcpu.setInterrupt(irq)).toThrow(RangeError);
      expect(() => vcpu.unsetInterrupt(irq)).toThrow(
        `This vCPU has no interrupt number ${irq}; it has 2, 6, 10`,
      );
      expect(all.every((word) => word === 0x5a5a5a5a)).toBe(true);
      expect(wake).not.toHaveBeenCalled();
    },
  );

  test('neighbouring blocks stay untouched when interrupts are set, flushed and synced', () => {
    const buffer = new SharedArrayBuffer(3 * VCPU_BYTES);
    const all = new Int32Array(buffer);
    const numbers = interruptNumbers({ levels: [63] });
    const vcpu = vcpuOn({ words: vcpuWordsAt(buffer, VCPU_BYTES), protocol, numbers });
    vcpu.setInterrupt(63);
    const hart = new Hart();
    hart.enter(vcpu);
    hart.exit(vcpu);
    expect(hart.hvipHi).toBe(0x8000_0000);
    const outside = [...all.subarray(0, VCPU_WORDS), ...all.subarray(2 * VCPU_WORDS)];
    expect(outside.every((word) => word === 0)).toBe(true);
  });

  test('scenario 26: an interrupt set in the guest forces an exit and is delivered by the next entry', () => {
    const vcpu = vcpuOn({ protocol });
    const hart = new Hart();
    hart.enter(vcpu);
    expect(exitRequested(vcpu.words)).toBe(false);
    expect(vcpu.setInterrupt(IRQ_VS_SOFT)).toBe(true);
    expect(exitRequested(vcpu.words)).toBe(true);
    hart.exit(vcpu);
    hart.enter(vcpu);
    expect(hart.hvipLo).toBe(loses(protocol) ? 0 : SOFT);
    expect(exitRequested(vcpu.words)).toBe(false);
  });

  test('scenario 31: an interrupt set between flush and entry leaves the exit request for the first poll', () => {
    const vcpu = vcpuOn({ protocol });
    const hart = new Hart();
    vcpu.enterGuest();
    vcpu.flushInterrupts();
    new VcpuInterrupts({ words: vcpu.words, protocol }).setInterrupt(IRQ_VS_EXT);
    expect(exitRequested(vcpu.words)).toBe(true);
    hart.exit(vcpu);
    hart.enter(vcpu);
    expect(hart.hvipLo).toBe(loses(protocol) ? 0 : EXT);
  });

  test('scenario 33: an interrupt set while the vCPU moves is delivered on the new pCPU and nowhere else', () => {
    const first = vcpuOn({ protocol }, 0);
    const words = first.words;
    const neighbour = vcpuOn({ protocol }, 1);
    const harts = [new Hart(), new Hart()] as const;
    harts[0].enter(first);
    harts[0].exit(first);
    first.yield();
    new VcpuInterrupts({ words, protocol }).setInterrupt(IRQ_VS_SOFT);
    harts[1].enter(neighbour);
    expect(harts[1].hvipLo).toBe(0);
    harts[1].exit(neighbour);
    neighbour.yield();
    const moved = new VcpuInterrupts({ words, protocol, debug: true });
    expect(dispatchVcpu(words)).toBe(true);
    moved.load(1);
    harts[1].enter(moved);
    expect(harts[1].hvipLo).toBe(SOFT);
  });

  test('scenarios 77 and 78: two vCPUs share a pCPU and keep their own bits, also those that the guest set', () => {
    const [a, b] = [vcpuOn({ protocol }), vcpuOn({ protocol })] as const;
    const hart = new Hart();
    hart.enter(a);
    hart.hvipLo = SOFT; // The guest of A sends an IPI to itself.
    hart.exit(a);
    a.yield();
    hart.enter(b);
    expect(hart.hvipLo).toBe(0);
    new VcpuInterrupts({ words: a.words, protocol }).setInterrupt(IRQ_VS_EXT);
    expect(hart.hvipLo).toBe(0);
    hart.exit(b);
    b.yield();
    dispatchVcpu(a.words);
    a.load(0);
    expect(a.hasInterrupts(SOFT, 0)).toBe(true);
    hart.enter(a);
    expect(hart.hvipLo).toBe(SOFT | EXT);
  });

  test('scenarios 63 and 64: WFI does not sleep on an edge of its own, and sleeps once it is cleared', () => {
    const vcpu = vcpuOn({ protocol });
    const hart = new Hart();
    hart.enter(vcpu);
    hart.hvipLo = SOFT;
    hart.exit(vcpu);
    expect(vcpu.block(SOFT, 0)).toBe('pending');
    hart.enter(vcpu);
    hart.hvipLo = 0;
    hart.exit(vcpu);
    expect(vcpu.block(SOFT, 0)).toBe('blocked');
  });

  test('scenario 68: CLEAR_IPI drops what is pending and not what is sent later', () => {
    const vcpu = vcpuOn({ protocol });
    const hart = new Hart();
    vcpu.setInterrupt(IRQ_VS_SOFT);
    hart.enter(vcpu);
    hart.exit(vcpu);
    vcpu.clearOwnInterrupt(IRQ_VS_SOFT);
    expect(vcpu.hasInterrupts(SOFT, 0)).toBe(false);
    hart.enter(vcpu);
    expect(hart.hvipLo).toBe(0);
    hart.exit(vcpu);
    vcpu.setInterrupt(IRQ_VS_SOFT);
    vcpu.clearOwnInterrupt(IRQ_VS_SOFT);
    vcpu.setInterrupt(IRQ_VS_SOFT);
    hart.enter(vcpu);
    expect(hart.hvipLo).toBe(SOFT);
  });

  test('scenario 81: reset forgets everything, and a later set works', () => {
    const vcpu = vcpuOn({ protocol, numbers: interruptNumbers({ levels: [40] }) });
    const hart = new Hart();
    vcpu.setInterrupt(IRQ_VS_SOFT);
    vcpu.setInterrupt(40);
    hart.enter(vcpu);
    hart.exit(vcpu);
    vcpu.setInterrupt(IRQ_VS_EXT);
    vcpu.reset();
    expect(vcpu.hasInterrupts(ALL, ALL)).toBe(false);
    expect([vcpu.hvipLo, vcpu.hvipHi]).toEqual([0, 0]);
    hart.enter(vcpu);
    expect([hart.hvipLo, hart.hvipHi]).toEqual([0, 0]);
    hart.exit(vcpu);
    vcpu.setInterrupt(IRQ_VS_TIMER);
    hart.enter(vcpu);
    expect(hart.hvipLo).toBe(TIMER);
  });

  test('a stopped vCPU begins without what came before its start, and takes what comes after', () => {
    const numbers = interruptNumbers({ levels: [40] });
    const words = createVcpuWords();
    const vcpu = vcpuOn({ words, protocol, numbers });
    // As the thread that starts it sees it.
    const starter = new VcpuInterrupts({ words, protocol, numbers, debug: true });
    const hart = new Hart();
    vcpu.setInterrupt(IRQ_VS_SOFT);
    hart.enter(vcpu);
    hart.exit(vcpu);
    vcpu.stop();
    vcpu.setInterrupt(IRQ_VS_SOFT);
    vcpu.setInterrupt(40);
    starter.resetStopped();
    startVcpu(words);
    starter.setInterrupt(IRQ_VS_EXT);
    expect(dispatchVcpu(words)).toBe(true);
    vcpu.load(0);
    hart.enter(vcpu);
    expect([hart.hvipLo, hart.hvipHi]).toEqual([EXT, 0]);
  });
});

describe('sleeping', () => {
  test('scenarios 61 and 62: enabled and pending does not sleep; pending but disabled does, until an enabled one', () => {
    const woken: string[] = [];
    const vcpu = vcpuOn({ wake: () => woken.push('wake') });
    vcpu.setInterrupt(IRQ_VS_EXT);
    expect(vcpu.block(EXT, 0)).toBe('pending');
    expect(vcpu.block(SOFT, 0)).toBe('blocked');
    expect(woken).toEqual([]);
    vcpu.setInterrupt(IRQ_VS_SOFT);
    expect(woken).toEqual(['wake']);
    expect(runState(vcpu.words)).toBe(RunState.RUNNABLE);
  });

  test('a request keeps the vCPU awake until it is taken', () => {
    const vcpu = vcpuOn();
    makeRequest(vcpu.words, 1);
    expect(vcpu.block(ALL, ALL)).toBe('pending');
    expect(takeRequests(vcpu.words)).toBe(1);
    expect(vcpu.block(ALL, ALL)).toBe('blocked');
  });

  test('scenario 32: a waker between BLOCKED and the check takes the vCPU, and the sleeper lets go', () => {
    const wake = vi.fn();
    const words = createVcpuWords();
    const device = new VcpuInterrupts({ words, wake });
    const vcpu = vcpuOn({
      words,
      // Asked between the publication of BLOCKED and the decision.
      derive: () => {
        device.kick();
        return TIMER;
      },
    });
    expect(vcpu.block(TIMER, 0)).toBe('woken');
    expect(wake).toHaveBeenCalledTimes(1);
    expect(runState(words)).toBe(RunState.RUNNABLE);
  });

  test('scenario 65: interrupts of a stopped vCPU are recorded and delivered after the next start', () => {
    const wake = vi.fn();
    const vcpu = vcpuOn({ wake });
    vcpu.stop();
    vcpu.setInterrupt(IRQ_VS_SOFT);
    expect(wake).not.toHaveBeenCalled();
    expect(startVcpu(vcpu.words) && dispatchVcpu(vcpu.words)).toBe(true);
    vcpu.load(0);
    expect(vcpu.hasInterrupts(SOFT, 0)).toBe(true);
  });
});

describe('derived levels', () => {
  test('follow their source at flush and in has, and leave no trace', () => {
    let level = 0;
    const vcpu = vcpuOn({ derive: () => level });
    const hart = new Hart();
    level = TIMER;
    expect(vcpu.hasInterrupts(TIMER, 0)).toBe(true);
    expect(vcpu.hasInterrupts(EXT, 0)).toBe(false);
    hart.enter(vcpu);
    expect(hart.hvipLo).toBe(TIMER);
    hart.exit(vcpu);
    level = 0;
    expect(vcpu.hasInterrupts(ALL, ALL)).toBe(false);
    expect(vcpu.savePending()).toEqual({ lo: 0, hi: 0 });
    hart.enter(vcpu);
    expect(hart.hvipLo).toBe(0);
  });

  test('are those of all 64 interrupts', () => {
    let level = 0;
    const vcpu = vcpuOn({ derive: () => level & TIMER, deriveHi: () => level, debug: true });
    const hart = new Hart();
    level = 1 << 31;
    expect(vcpu.hasInterrupts(ALL, 0)).toBe(false);
    expect(vcpu.hasInterrupts(0, 1 << 31)).toBe(true);
    hart.enter(vcpu);
    expect([hart.hvipLo, hart.hvipHi]).toEqual([0, 0x8000_0000]);
    hart.exit(vcpu);
    expect(vcpu.savePending()).toEqual({ lo: 0, hi: 0 });
    level = 0;
    hart.enter(vcpu);
    expect(hart.hvipHi).toBe(0);
  });

  test('scenario 35: the level of a shared line is the OR of its sources, whoever changed one last', () => {
    const lines = [false, false];
    const vcpu = vcpuOn({ derive: () => (lines.includes(true) ? EXT : 0) });
    const hart = new Hart();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.boolean())), (changes) => {
        for (const [line, on] of changes) {
          lines[line] = on;
          vcpu.kick();
        }
        hart.enter(vcpu);
        expect(hart.hvipLo).toBe(lines.includes(true) ? EXT : 0);
        hart.exit(vcpu);
      }),
    );
  });
});

describe('snapshots', () => {
  test.each([
    ['set and not flushed', true, false, 0, SOFT | EXT],
    ['set by the guest alone', false, true, SOFT, SOFT],
    ['flushed and cleared by the guest', true, true, 0, EXT],
  ])('scenario 79: %s', (_name, set, run, guest, image) => {
    const vcpu = vcpuOn();
    const hart = new Hart();
    if (set) {
      vcpu.setInterrupt(IRQ_VS_SOFT);
      vcpu.setInterrupt(IRQ_VS_EXT);
    }
    if (run) {
      hart.enter(vcpu);
      hart.hvipLo = (hart.hvipLo & ~SOFT) | guest;
      hart.exit(vcpu);
    }
    expect(vcpu.savePending()).toEqual({ lo: image, hi: 0 });
    const restored = vcpuOn();
    restored.restorePending(vcpu.savePending());
    expect(restored.savePending()).toEqual({ lo: image, hi: 0 });
    expect(restored.block(image, 0)).toBe('pending');
    const other = new Hart();
    other.enter(restored);
    expect(other.hvipLo).toBe(image);
  });

  test('scenario 80: an interrupt set while a snapshot is restored is kept', () => {
    const vcpu = vcpuOn({ numbers: interruptNumbers({ levels: [63] }) });
    vcpu.setInterrupt(IRQ_VS_SOFT);
    vcpu.restorePending({ lo: EXT, hi: 0x8000_0000 });
    expect(vcpu.savePending()).toEqual({ lo: SOFT | EXT, hi: 0x8000_0000 });
  });

  test('an image with an interrupt that the vCPU has not is refused whole', () => {
    const vcpu = vcpuOn();
    expect(() => vcpu.restorePending({ lo: SOFT, hi: 1 })).toThrow(RangeError);
    expect(vcpu.savePending()).toEqual({ lo: 0, hi: 0 });
  });

  test('scenario 83: looking at the pending state changes no word', () => {
    const vcpu = vcpuOn();
    vcpu.setInterrupt(IRQ_VS_SOFT);
    const before = Array.from(vcpu.words);
    vcpu.savePending();
    vcpu.hasInterrupts(ALL, ALL);
    expect(Array.from(vcpu.words)).toEqual(before);
  });
});

test('CLEAR_IPI works for numbers in the high word, and refuses levels', () => {
  const vcpu = vcpuOn({ numbers: interruptNumbers({ edges: [40] }) });
  const hart = new Hart();
  vcpu.setInterrupt(40);
  hart.enter(vcpu);
  expect(hart.hvipHi).toBe(0x100);
  hart.exit(vcpu);
  vcpu.clearOwnInterrupt(40);
  expect(vcpu.hasInterrupts(ALL, ALL)).toBe(false);
  expect(() => vcpu.clearOwnInterrupt(IRQ_VS_EXT)).toThrow('The guest cannot clear interrupt 10 by itself');
});

describe('scenario 23 and the rules of the loop: a debug run throws when', () => {
  const broken = (name: string, message: RegExp, act: (vcpu: VcpuInterrupts) => void) => {
    test(name, () => {
      const vcpu = vcpuOn();
      expect(() => act(vcpu)).toThrow(message);
      expect(() => act(vcpuOn())).toThrow(InterruptRuleError);
    });
  };
  const inGuest = (vcpu: VcpuInterrupts) => {
    vcpu.enterGuest();
    vcpu.flushInterrupts();
  };

  broken('flush comes before IN_GUEST is published', /flushInterrupts needs .* entering its guest/, (vcpu) =>
    vcpu.flushInterrupts(),
  );
  broken('the guest is entered without a flush', /exitGuest needs .* in its guest/, (vcpu) => {
    vcpu.enterGuest();
    vcpu.exitGuest();
  });
  broken(
    'a handler looks before sync',
    /hasInterrupts needs .* but it is out of its guest but not/,
    (vcpu) => {
      inGuest(vcpu);
      vcpu.exitGuest();
      vcpu.hasInterrupts(ALL, ALL);
    },
  );
  broken(
    'the vCPU is given up before sync',
    /yield needs .* but it is out of its guest but not synced/,
    (vcpu) => {
      inGuest(vcpu);
      vcpu.exitGuest();
      vcpu.yield();
    },
  );
  broken('the guest is entered again before sync', /enterGuest needs .* not synced/, (vcpu) => {
    inGuest(vcpu);
    vcpu.exitGuest();
    vcpu.enterGuest();
  });
  broken('the vCPU sleeps before sync', /block needs .* not synced/, (vcpu) => {
    inGuest(vcpu);
    vcpu.exitGuest();
    vcpu.block(ALL, ALL);
  });
  broken('HVIP is written outside the entry', /The write of HVIP needs .* in its guest/, (vcpu) =>
    vcpu.checkHvipWrite(),
  );
  broken(
    'something else wrote HVIP, or the flush was not written',
    /bits 00000000:00000040.*cannot write/,
    (vcpu) => {
      inGuest(vcpu);
      vcpu.exitGuest();
      vcpu.syncInterrupts(TIMER, 0);
    },
  );
  broken('sync runs without an exit', /syncInterrupts needs .* out of its guest/, (vcpu) =>
    vcpu.syncInterrupts(0, 0),
  );
  broken('another pCPU loads it', /pCPU 1 loads a vCPU that pCPU 0 has loaded/, (vcpu) =>
    new VcpuInterrupts({ words: vcpu.words }).load(1),
  );
  broken('it was given up', /needs .* but it is not loaded by this object/, (vcpu) => {
    vcpu.yield();
    vcpu.hasInterrupts(ALL, ALL);
  });
  broken(
    'another object took it over behind its back',
    /on pCPU 0, but the vCPU is loaded on pCPU 3/,
    (vcpu) => {
      const thief = new VcpuInterrupts({ words: vcpu.words });
      Atomics.store(vcpu.words, OWNER, 0);
      thief.load(3);
      vcpu.hasInterrupts(ALL, ALL);
    },
  );
  broken('the published run state is not what the loop believes', /published run state is 0/, (vcpu) => {
    Atomics.store(vcpu.words, RUN_STATE, RunState.STOPPED);
    vcpu.enterGuest();
  });
});

test('without debug the loop is not checked', () => {
  const vcpu = new VcpuInterrupts({ words: createVcpuWords() });
  vcpu.setInterrupt(IRQ_VS_SOFT);
  vcpu.flushInterrupts();
  expect(vcpu.hvipLo).toBe(SOFT);
});

test('options that do not exist are refused, and so is a vCPU without words', () => {
  const words = createVcpuWords();
  const misspelled: VcpuInterruptsOptions & object = { words, ...{ protocoll: direct } };
  expect(() => new VcpuInterrupts(misspelled)).toThrow(
    new RangeError(
      'protocoll: there is no such option; give words, protocol, numbers, derive, deriveHi, wake or debug',
    ),
  );
  const none = {} as VcpuInterruptsOptions;
  expect(() => new VcpuInterrupts(none)).toThrow(
    new RangeError('words: they are missing; give those of createVcpuWords or vcpuWordsAt'),
  );
});
