import { Readable, Writable } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { passInput, passOutput } from './exec-streams.ts';

const failing = (code: string) => Object.assign(new Error(`${code}: no`), { code });

/** An output of the guest. */
const output = () => new Blob(['some text']).stream();

/** A stream of hartvisor that fails when it is written to. */
const broken = (code: string) => new Writable({ write: (_, __, done) => done(failing(code)) });

test('output that nobody reads is told of, and output that cannot be written is an error', async () => {
  expect(await passOutput(output(), new Writable({ write: (_, __, done) => done() }))).toBe(true);
  expect(await passOutput(output(), broken('EPIPE'))).toBe(false);
  await expect(passOutput(output(), broken('ENOSPC'))).rejects.toMatchObject({
    code: 'input',
    message: "The command's output cannot be written: ENOSPC: no.",
  });
});

/** An input of hartvisor that fails behind its first bytes. */
function torn(isTTY: boolean) {
  let isFirst = true;
  const input = new Readable({
    read() {
      if (isFirst) this.push('part');
      else this.destroy(failing('EIO'));
      isFirst = false;
    },
  });
  return Object.assign(input, { isTTY });
}

test('input that cannot be read is not shown as one that ends', async () => {
  const close = vi.fn<() => void>();
  const { promise, resolve } = Promise.withResolvers<Error>();
  passInput(torn(false), new WritableStream({ close }), resolve);
  expect(await promise).toMatchObject({ code: 'EIO' });
  expect(close).not.toHaveBeenCalled();
});

test('that of a terminal that is gone ends', async () => {
  const fail = vi.fn<(error: Error) => void>();
  const { promise, resolve } = Promise.withResolvers<void>();
  passInput(torn(true), new WritableStream({ close: resolve }), fail);
  await promise;
  expect(fail).not.toHaveBeenCalled();
});
