import { expect, test, vi } from 'vitest';
import { reporting } from './reporting.ts';

interface Options {
  readonly onProgress?: ((step: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const drop = () => expect.unreachable();
/** Work that tells of one step, and is done. */
const oneStep = async ({ onProgress }: Options) => {
  onProgress?.(1);
  return 'done';
};

test('a listener is told of each step in its turn, and is waited for', async () => {
  const heard: string[] = [];
  const onProgress = async (step: number) => {
    heard.push(`begins ${step}`);
    await new Promise(setImmediate);
    heard.push(`ends ${step}`);
  };
  const work = async ({ onProgress: tell }: Options) => {
    tell?.(1);
    tell?.(2);
    return 'done';
  };
  expect(await reporting<number, Options, string>({ onProgress }, work, drop)).toBe('done');
  expect(heard).toEqual(['begins 1', 'ends 1', 'begins 2', 'ends 2']);
});

test.each<[string, () => unknown]>([
  [
    'at once',
    () => {
      throw new Error('mine');
    },
  ],
  ['later', () => Promise.reject(new Error('mine'))],
  [
    'when the work is done',
    () =>
      new Promise((_, reject) => {
        setImmediate(() => reject(new Error('mine')));
      }),
  ],
])('the error of a listener is that of the call: %s', async (_, onProgress) => {
  const dropped = vi.fn();
  await expect(reporting<number, Options, string>({ onProgress }, oneStep, dropped)).rejects.toThrow('mine');
  expect(dropped).toHaveBeenCalledExactlyOnceWith('done');
});

test('the error of a listener ends work that would go on, and no more is told', async () => {
  const onProgress = vi.fn(() => Promise.reject(new Error('mine')));
  const work = async ({ signal, onProgress: tell }: Options) => {
    tell?.(1);
    tell?.(2);
    await new Promise((resolve) => {
      signal?.addEventListener('abort', resolve);
    });
    tell?.(3);
    throw new Error('what the work says of it');
  };
  await expect(reporting<number, Options, string>({ onProgress }, work, drop)).rejects.toThrow('mine');
  expect(onProgress).toHaveBeenCalledTimes(1);
});

test('a signal ends the call at once, and what the work comes to is given up', async () => {
  const work = Promise.withResolvers<string>();
  const controller = new AbortController();
  const dropped = vi.fn();
  const call = reporting<number, Options, string>({ signal: controller.signal }, () => work.promise, dropped);
  controller.abort(new Error('too late'));
  await expect(call).rejects.toThrow('too late');
  expect(dropped).not.toHaveBeenCalled();
  work.resolve('done');
  await vi.waitFor(() => expect(dropped).toHaveBeenCalledWith('done'));
  await expect(
    reporting<number, Options, string>({ signal: controller.signal }, oneStep, vi.fn()),
  ).rejects.toThrow('too late');
});
