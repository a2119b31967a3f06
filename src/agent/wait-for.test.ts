import { expect, test } from 'vitest';
import { waitFor } from './wait-for.ts';

const reason = new Error('enough');

test('a promise is waited for, with or without a signal', async () => {
  expect(await waitFor(Promise.resolve(1), undefined)).toBe(1);
  expect(await waitFor(Promise.resolve(1), new AbortController().signal)).toBe(1);
  await expect(waitFor(Promise.reject(reason), new AbortController().signal)).rejects.toBe(reason);
});

test.each(['before', 'meanwhile'])(
  'a signal that comes %s ends the wait by its reason alone',
  async (when) => {
    const { promise, reject } = Promise.withResolvers<void>();
    const controller = new AbortController();
    if (when === 'before') controller.abort(reason);
    // As a connection does that is given up.
    const waiting = waitFor(promise, controller.signal, () => reject(new Error('closed')));
    if (when === 'meanwhile') controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  },
);
