import fc from 'fast-check';
import { expect, test } from 'vitest';
import { framed } from './request-body.ts';

/** Reads a body of these parts; a turn of the event loop is between those that are late. */
function reader(parts: readonly { readonly bytes: Uint8Array; readonly isLate: boolean }[]) {
  const left = [...parts];
  return async () => {
    const part = left.shift();
    if (part?.isLate === true)
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve));
    return { value: part?.bytes };
  };
}

async function sent(body: Awaited<ReturnType<typeof framed>>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const bytes of body.bytes()) all.push(bytes.slice());
  return Buffer.concat(all);
}

/** The body of a chunked message. */
function unchunked(bytes: Buffer): Buffer {
  const all: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (size === 0) {
      expect(bytes.toString('latin1', end)).toBe('\r\n\r\n');
      return Buffer.concat(all);
    }
    all.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size;
    expect(bytes.toString('latin1', at, at + 2)).toBe('\r\n');
    at += 2;
  }
}

const request = (headers: Record<string, string> = {}) => ({ method: 'POST', headers: new Headers(headers) });

test('a body comes whole, by its length where it is there at once or the caller says it', async () => {
  const part = fc.record({ bytes: fc.uint8Array({ maxLength: 40_000 }), isLate: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), fc.boolean(), async (parts, says) => {
      const whole = Buffer.concat(parts.map(({ bytes }) => bytes));
      const given = says ? { 'content-length': String(whole.length) } : {};
      const body = await framed(request(given), reader(parts));
      const wire = await sent(body);
      const isAtOnce = parts.every(({ isLate }) => !isLate) && whole.length <= 65_536;
      if (isAtOnce || says) expect(body.header).toBe(`content-length: ${whole.length}`);
      const isChunked = body.header === 'transfer-encoding: chunked';
      expect((isChunked ? unchunked(wire) : wire).equals(whole)).toBe(true);
    }),
  );
});

test('a large text goes with its length, too', async () => {
  const bytes = new Uint8Array(1 << 20);
  expect((await framed(request(), reader([{ bytes, isLate: false }]))).header).toBe(
    `content-length: ${1 << 20}`,
  );
});

test('a request without a body says so where one is expected', async () => {
  expect((await framed(request(), undefined)).header).toBe('content-length: 0');
  expect((await framed({ ...request(), method: 'GET' }, undefined)).header).toBeUndefined();
});

test.each([
  ['more', 2],
  ['fewer', 4],
])('a body that has %s bytes than the caller says fails', async (word, length) => {
  const late = { bytes: Uint8Array.of(1, 2, 3), isLate: true };
  const body = await framed(request({ 'content-length': String(length) }), reader([late]));
  await expect(sent(body)).rejects.toThrow(`${word} bytes than its content-length, ${length}`);
});
