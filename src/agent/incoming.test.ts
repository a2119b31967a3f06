import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IncomingBytes } from './incoming.ts';

const incoming = () => new IncomingBytes({ grant: () => undefined }, 0, () => () => undefined);

test('a stream that fails gives all that has come before, however it is read', async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.nat(6), async (parts, early) => {
      const bytes = incoming();
      const reader = bytes.stream.getReader();
      const got: number[] = [];
      const read = async () => got.push(...((await reader.read()).value ?? []));
      for (const part of parts) bytes.push(part);
      for (let turn = 0; turn < Math.min(early, parts.length); turn++) await read();
      bytes.fail(new Error('reset'));
      const rest = async () => {
        for (;;) await read();
      };
      await expect(rest()).rejects.toThrow('reset');
      expect(got).toEqual(parts.flatMap((part) => [...part]));
    }),
  );
});

test('a stream that is waited for fails at once, as does one that is given up', async () => {
  const waited = incoming();
  const reader = waited.stream.getReader();
  const part = reader.read();
  waited.fail(new Error('reset'));
  await expect(part).rejects.toThrow('reset');
  const left = incoming();
  left.push(Uint8Array.of(1));
  left.abandon(new Error('closed'));
  await expect(left.stream.getReader().read()).rejects.toThrow('closed');
});
