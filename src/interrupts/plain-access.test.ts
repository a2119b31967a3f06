import { afterEach, describe, expect, test, vi } from 'vitest';
import { IRQ_VS_EXT, IRQ_VS_SOFT } from './numbers.ts';
import { PROTOCOLS } from './protocols.ts';
import {
  dispatchVcpu,
  makeRequest,
  startVcpu,
  takeRequests,
  waitUntilOutside,
  wakeSequence,
} from './run-state.ts';
import { VcpuInterrupts } from './vcpu-interrupts.ts';
import { createVcpuWords } from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;

/** Words that refuse plain accesses: only the stand-in for `Atomics` reaches what is behind them. */
function guardedWords() {
  const behind = createVcpuWords();
  const words = new Proxy(behind, {
    get: (_target, key) => {
      throw new Error(`plain read of ${String(key)}`);
    },
    set: (_target, key) => {
      throw new Error(`plain write of ${String(key)}`);
    },
  });
  const real = globalThis.Atomics;
  const handler: ProxyHandler<typeof Atomics> = {
    get: (target, key) => {
      const operation: unknown = Reflect.get(target, key);
      return typeof operation !== 'function'
        ? operation
        : (array: unknown, ...rest: unknown[]) =>
            Reflect.apply(operation, target, [array === words ? behind : array, ...rest]);
    },
  };
  vi.stubGlobal('Atomics', new Proxy(real, handler));
  return words;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('scenario 34: no plain access to a shared word', () => {
  test('the guard refuses plain accesses', () => {
    const words = guardedWords();
    expect(() => words[0]).toThrow('plain read of 0');
    expect(() => {
      words[3] = 1;
    }).toThrow('plain write of 3');
    expect(Atomics.or(words, 3, 5)).toBe(0);
    expect(Atomics.load(words, 3)).toBe(5);
  });

  test.each(PROTOCOLS)('$name through a whole life of a vCPU', (protocol) => {
    const words = guardedWords();
    const vcpu = new VcpuInterrupts({ words, protocol, debug: true });
    startVcpu(words);
    dispatchVcpu(words);
    vcpu.load(0);
    vcpu.setInterrupt(IRQ_VS_SOFT);
    vcpu.setInterrupt(IRQ_VS_EXT);
    for (const guest of [0, SOFT, 0]) {
      vcpu.enterGuest();
      vcpu.flushInterrupts();
      vcpu.exitGuest();
      vcpu.syncInterrupts((vcpu.hvipLo & ~SOFT) | guest, 0);
      vcpu.unsetInterrupt(IRQ_VS_EXT);
    }
    vcpu.clearOwnInterrupt(IRQ_VS_SOFT);
    vcpu.restorePending(vcpu.savePending());
    vcpu.reset();
    const sequence = wakeSequence(words);
    expect(vcpu.block(SOFT, 0)).toBe('blocked');
    vcpu.setInterrupt(IRQ_VS_SOFT);
    expect(wakeSequence(words)).toBe(sequence + 1);
    makeRequest(words, 1);
    expect(waitUntilOutside(words, 0)).toBe(true);
    expect(takeRequests(words)).toBe(1);
  });
});
