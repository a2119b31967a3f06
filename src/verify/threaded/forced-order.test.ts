import { expect, test } from 'vitest';
import { published } from '../../interrupts/field/published.ts';
import { interruptNumbers } from '../../interrupts/numbers.ts';
import { createOwnerState } from '../../interrupts/protocol.ts';
import { createVcpuWords } from '../../interrupts/words.ts';
import { extendHost, forcedOrder, isOrder, timesForced } from './forced-order.ts';

test('an order is made of V and S', () => {
  expect(['VSVS', 'V', 'SV'].every(isOrder)).toBe(true);
  expect(['', 'VX', 'vs', 'published/mail'].some(isOrder)).toBe(false);
  expect(() => forcedOrder('VX')).toThrow(RangeError);
});

test('where nobody meets, the protocol does what it does', () => {
  const order = forcedOrder('VSVS');
  const forced = extendHost(order).standIn(published);
  const [words, plainWords] = [createVcpuWords(), createVcpuWords()];
  const [local, plainLocal] = [createOwnerState(interruptNumbers()), createOwnerState(interruptNumbers())];
  for (const [protocol, own, state] of [
    [forced, words, local],
    [published, plainWords, plainLocal],
  ] as const) {
    expect(protocol.set(own, 2)).toBe(true);
    protocol.flush(own, state);
    expect(state.hvipLo).toBe(4);
    // The guest has cleared VSSIP: the vCPU waits for a producer, and none comes.
    protocol.sync(own, state, 0, 0);
    protocol.flush(own, state);
    expect(state.hvipLo).toBe(0);
  }
  expect([...words]).toEqual([...plainWords]);
  expect(timesForced(order)).toBe(0);
  expect(globalThis.Atomics[Symbol.toStringTag]).toBe('Atomics');
});
