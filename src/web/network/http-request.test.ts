import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyRoom, HttpMistake, RequestReader } from './http-request.ts';

const encoder = new TextEncoder();

/** The results of bytes, however they are cut: the requests, and how it ended. */
function read(text: string, cuts: readonly number[] = []) {
  const bytes = encoder.encode(text);
  const reader = new RequestReader(new BodyRoom(2 ** 24));
  const found: unknown[] = [];
  const places = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other),
    bytes.length,
  ];
  try {
    for (const [index, at] of places.entries()) {
      reader.push(bytes.subarray(places[index - 1] ?? 0, at));
      for (let request = reader.take(); request !== undefined; request = reader.take()) {
        const { method, target, body, keepsAlive } = request;
        found.push([method, target, body && new TextDecoder().decode(body), keepsAlive]);
      }
    }
  } catch (error) {
    if (!(error instanceof HttpMistake)) throw error;
    found.push(error.status);
  }
  return found;
}

const PAIR =
  'POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloget http://x/y HTTP/1.0\r\nHost: x\r\n\r\n' +
  'PUT /z HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: t\r\n\r\n';

test('reads requests however they are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(PAIR.length), { maxLength: 6 }), (cuts) => {
      expect(read(PAIR, cuts)).toEqual([
        ['POST', '/a?b', 'hello', true],
        ['GET', '/y', undefined, false],
        ['PUT', '/z', 'abc0123456789', true],
      ]);
    }),
  );
});

test.each([
  ['hello\r\n\r\n', 400],
  ['GET / HTTP/2.0\r\n\r\n', 505],
  ['GET / HTTP/1.1\r\nno header\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n', 413],
  ['GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n', 413],
  ['GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n', 400],
  [`GET /${'x'.repeat(70_000)}`, 431],
])('refuses %j', (text, status) => {
  expect(read(text)).toEqual([status]);
});

test('keeps nothing of a body waiting, so that its rest can come', () => {
  const reader = new RequestReader(new BodyRoom(2 ** 24));
  reader.push(encoder.encode('POST / HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n'));
  for (let count = 0; count < 3; count++) {
    expect(reader.take()).toBeUndefined();
    expect(reader.pending).toBe(0);
    reader.push(new Uint8Array(1_000_000).fill(count));
  }
  expect(reader.take()?.body?.subarray(-1)).toEqual(Uint8Array.of(2));
});

test('has room for all bodies together, and gives back what it does not need', () => {
  const room = new BodyRoom(10);
  const readers = [1, 2, 3].map(() => new RequestReader(room));
  const send = (reader: RequestReader, text: string) => {
    reader.push(encoder.encode(text));
    return reader.take();
  };
  const head = 'POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n';
  send(readers[0], `${head}12345`);
  expect(() => send(readers[1], `${head}123456`)).toThrow(HttpMistake);
  expect(send(readers[0], '6')?.body).toHaveLength(6);
  send(readers[2], `${head}12345`);
  readers[2].end();
  expect(send(readers[0], `${head}123456`)?.body).toHaveLength(6);
});

test('takes anything for a request or a mistake, and keeps no more than it may', () => {
  const piece = fc.constantFrom(
    'GET / HTTP/1.1\r\n',
    'A: b\r\n',
    '\r\n',
    '\n',
    'Transfer-Encoding: chunked\r\n',
    '0\r\n',
    'é',
    '5',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      read(pieces.join(''));
    }),
  );
});
