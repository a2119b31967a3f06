import { expect, test } from 'vitest';
import { published } from './field/published.ts';
import { forceOrder, isOrder, timesForced } from './forced-order.ts';
import { interruptNumbers } from './numbers.ts';
import { createOwnerState } from './protocol.ts';
import { createVcpuWords } from './words.ts';

test('an order is made of V and S', () => {
  expect(['VSVS', 'V', 'SV'].every(isOrder)).toBe(true);
  expect(['', 'VX', 'vs', 'published/mail'].some(isOrder)).toBe(false);
  expect(() => forceOrder(published, 'VX')).toThrow(RangeError);
});

test('where nobody meets, the protocol does what it does', () => {
  const forced = forceOrder(published, 'VSVS');
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
  expect([...words.subarray(0, 4)]).toEqual([...plainWords.subarray(0, 4)]);
  expect(timesForced(words)).toBe(0);
  expect(globalThis.Atomics[Symbol.toStringTag]).toBe('Atomics');
});
