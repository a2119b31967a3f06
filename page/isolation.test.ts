import { afterEach, expect, test, vi } from 'vitest';
import { isolate } from './isolation.ts';

afterEach(() => vi.unstubAllGlobals());

test.each([undefined, './isolation-worker.js', new URL('https://example.org/isolation-worker.js')])(
  'a page that is isolated stays as it is, with the worker %s',
  async (worker) => {
    vi.stubGlobal('crossOriginIsolated', true);
    vi.stubGlobal('sessionStorage', { removeItem: vi.fn() });
    expect(await isolate(worker)).toEqual({ kind: 'isolated' });
  },
);

test.each([null, 1, { worker: 'isolation-worker.js' }])(
  'the worker %s is refused, also in a page that is isolated',
  async (worker: unknown) => {
    vi.stubGlobal('crossOriginIsolated', true);
    await expect(Reflect.apply(isolate, undefined, [worker])).rejects.toThrow(
      / is not possible: give the address of isolation-worker\.js, as a text or a URL\.$/,
    );
  },
);
