import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { fetchOver } from './fetch.ts';

const encoder = new TextEncoder();

/** A server that has said all beforehand, in pieces of some bytes. */
function serve(response: string, size = 1000) {
  const bytes = encoder.encode(response);
  let at = 0;
  let sent = '';
  const close = vi.fn<() => void>();
  const readable = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
  const writable = new WritableStream<Uint8Array>({
    write: (part) => {
      sent += new TextDecoder().decode(part);
    },
  });
  return { socket: { readable, writable, close }, close, sent: () => sent };
}

const get = (response: string, request = new Request('http://guest/a?b#c'), size?: number) =>
  fetchOver(serve(response, size).socket, request);

describe('a response', () => {
  test.each([
    ['content-length: 5\r\n\r\nhellomore', 'hello'],
    ['\r\nall of it', 'all of it'],
    ['Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n', 'hello'],
    ['content-length: 0\r\n\r\n', ''],
  ])('has its body, however it comes: %j', async (rest, body) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (size) => {
        const response = await get(`HTTP/1.1 200 Fine\r\nX-A:  b c \r\n${rest}`, undefined, size);
        expect([response.status, response.statusText, response.headers.get('x-a')]).toEqual([
          200,
          'Fine',
          'b c',
        ]);
        expect(await response.text()).toBe(body);
      }),
      { numRuns: 20 },
    );
  });

  test('may come behind preliminary ones, and without a body', async () => {
    expect((await get('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\n\r\n')).status).toBe(204);
    const head = await get(
      'HTTP/1.0 200\r\ncontent-length: 9\r\n\r\n',
      new Request('http://guest/', { method: 'HEAD' }),
    );
    expect([head.body, head.headers.get('content-length')]).toEqual([null, '9']);
  });

  test.each([
    ['SSH-2.0-dropbear\r\n', 'begins with'],
    ['HTTP/1.1 200 OK\r\nno header\r\n\r\n', 'there is a header'],
    ['HTTP/1.1 200 OK\r\n', 'ends too early'],
    ['', 'ends too early'],
    ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'the status 101'],
    ['HTTP/1.1 999 Odd\r\n\r\n', 'the status 999'],
    [`HTTP/1.1 200 ${'x'.repeat(70_000)}`, 'a line has more'],
  ])('that is none is refused, and the connection closed: %#', async (response, message) => {
    const { socket, close } = serve(response);
    await expect(fetchOver(socket, new Request('http://guest/'))).rejects.toThrow(message);
    expect(close).toHaveBeenCalled();
  });

  test.each([
    ['content-length: 9\r\n\r\nshort', 'ends too early'],
    ['content-length: -1\r\n\r\n', 'content-length'],
    ['transfer-encoding: chunked\r\n\r\nx\r\n', 'a chunk has no size'],
    ['transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n', 'longer than it says'],
  ])('whose body is not as it says fails where that is seen: %j', async (rest, message) => {
    const response = await get(`HTTP/1.1 200 OK\r\n${rest}`);
    await expect(response.text()).rejects.toThrow(message);
  });

  test('whatever a server sends, it is understood or refused', async () => {
    const parts = fc.array(
      fc.constantFrom(
        'HTTP/1.1 200 OK',
        '\r\n',
        '\n',
        'content-length: 3',
        'transfer-encoding: chunked',
        '3',
        'abc',
        ':',
        '0',
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(parts, async (pieces) => {
        await get(pieces.join(''))
          .then((response) => response.text())
          .catch((error: unknown) => {
            expect(error).toMatchObject({ name: 'AgentError', code: 'EPROTO' });
          });
      }),
    );
  });
});

describe('a request', () => {
  test('is sent with its path, headers and body', async () => {
    const { socket, sent } = serve('HTTP/1.1 200 OK\r\n\r\nread later');
    const init = { method: 'POST', body: 'some text', headers: { 'x-y': 'z' } };
    const response = await fetchOver(socket, new Request('http://guest:8080/a/b?c=d#e', init));
    await vi.waitFor(() => expect(sent()).toContain('some text'), { timeout: 60_000 });
    await response.text();
    const [head, body] = sent()
      .split('\r\n\r\n', 1)
      .concat(sent().slice(sent().indexOf('\r\n\r\n') + 4));
    expect(head.split('\r\n').slice(0, 3)).toEqual([
      'POST /a/b?c=d HTTP/1.1',
      'host: guest:8080',
      'connection: close',
    ]);
    expect(head).toContain('x-y: z');
    expect(head).toContain('content-length: 9');
    expect(head).not.toContain('chunked');
    expect(body).toBe('some text');
  });

  test.each([
    ['https://guest/', 'give http://guest/'],
    ['ftp://guest/', 'give an address of http:'],
  ])('to %s is refused, since only HTTP is spoken', async (address, message) => {
    const { socket, close, sent } = serve('');
    const silent = { ...socket, readable: new ReadableStream<Uint8Array>() };
    await expect(fetchOver(silent, new Request(address))).rejects.toThrow(message);
    expect(close).toHaveBeenCalled();
    expect(sent()).toBe('');
  });

  test('whose body fails fails, and closes its connection', async () => {
    const { socket, close } = serve('');
    const silent = { ...socket, readable: new ReadableStream<Uint8Array>() };
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new Error('torn')),
    });
    const request = new Request('http://guest/', { method: 'POST', body, duplex: 'half' });
    await expect(fetchOver(silent, request)).rejects.toThrow('torn');
    expect(close).toHaveBeenCalled();
  });

  test('that nobody wants any more closes its connection', async () => {
    const { socket, close } = serve('');
    const silent = { ...socket, readable: new ReadableStream<Uint8Array>() };
    const controller = new AbortController();
    const response = fetchOver(silent, new Request('http://guest/', { signal: controller.signal }));
    controller.abort(new Error('enough'));
    await expect(response).rejects.toThrow('enough');
    expect(close).toHaveBeenCalled();
  });

  test('that nobody wants any more has its body cancelled, and ends nothing of it', async () => {
    const { socket, sent } = serve('');
    const silent = { ...socket, readable: new ReadableStream<Uint8Array>() };
    const cancel = vi.fn<(reason: unknown) => void>();
    const body = new ReadableStream<Uint8Array>({ cancel });
    const controller = new AbortController();
    const { signal } = controller;
    const init = { method: 'POST', body, duplex: 'half', signal } as const;
    const response = fetchOver(silent, new Request('http://guest/', init));
    await vi.waitFor(() => expect(sent()).toContain('chunked'));
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(response).rejects.toThrow('enough');
    expect(cancel).toHaveBeenCalledWith(reason);
    expect(sent().endsWith('\r\n\r\n') && !sent().includes('\r\n0\r\n')).toBe(true);
  });

  test('has a response whose body fails with the reason of its signal', async () => {
    const fail = Promise.withResolvers<Error>();
    const { socket } = serve('');
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(encoder.encode('HTTP/1.1 200 OK\r\n\r\npart'));
        void fail.promise.then((error) => controller.error(error));
      },
    });
    const controller = new AbortController();
    const close = () => fail.resolve(new Error('closed'));
    const response = await fetchOver(
      { ...socket, readable, close },
      new Request('http://guest/', { signal: controller.signal }),
    );
    const text = response.text();
    controller.abort(new Error('enough'));
    await expect(text).rejects.toThrow('enough');
  });
});
