import { expect, test } from 'vitest';
import * as layout from './words.ts';

const { createVcpuWords, VCPU_ALIGNMENT, VCPU_BYTES, VCPU_WORDS, vcpuWordsAt } = layout;

test('scenario 5: a fresh block is all zero, which means stopped, unowned and nothing pending', () => {
  expect(createVcpuWords().every((word) => word === 0)).toBe(true);
  expect(layout.RunState.STOPPED).toBe(0);
});

test('no two words overlap, and all lie in the block', () => {
  const single = [
    layout.EXIT_REQUEST,
    layout.RUN_STATE,
    layout.REQUESTS,
    layout.WAKE_SEQUENCE,
    layout.EXIT_COUNT,
    layout.EXIT_WAITERS,
    layout.OWNER,
    layout.WAKE_SLEEPERS,
  ];
  const double = [layout.IRQS_PENDING, layout.IRQS_PENDING_MASK, layout.SAVED_HVIP];
  const protocol = [
    ...Array.from({ length: 15 }, (_, index) => layout.PROTOCOL_WORDS + index),
    layout.IRQS_PENDING_LOCK,
  ];
  const used = [...single, ...double.flatMap((word) => [word, word + 1]), ...protocol];
  expect(new Set(used).size).toBe(used.length);
  expect(Math.max(...used)).toBeLessThan(VCPU_WORDS);
  expect(VCPU_BYTES % VCPU_ALIGNMENT).toBe(0);
});

test('a block can lie anywhere in a shared WebAssembly memory, at a multiple of 64 bytes', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = vcpuWordsAt(memory.buffer, 4096);
  Atomics.store(words, layout.EXIT_REQUEST, 1);
  expect(new Int32Array(memory.buffer)[1024 + layout.EXIT_REQUEST]).toBe(1);
});

test.each([1, 4, 32, -64, 1.5, Number.NaN])('a block cannot start at byte %s', (offset) => {
  expect(() => vcpuWordsAt(new SharedArrayBuffer(4096), offset)).toThrow(/multiple of 64 bytes/);
});

test('a block that does not fit is refused', () => {
  expect(() => vcpuWordsAt(new SharedArrayBuffer(4096), 4032)).toThrow(/need 128 bytes at offset 4032.*4096/);
});
