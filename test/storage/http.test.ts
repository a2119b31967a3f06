/** Drives that are files of a server, which does what servers do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { connectDrives } from '../../src/node/drives/connect-drives.ts';
import { extendHost, type OpenDrive } from '../../src/node/drives/drive-thread.ts';
import { openDrives } from '../../src/node/drives/open-drives.ts';
import { HttpStorage, PART } from '../../src/storage/http/http-storage.ts';
import { connect, fetchPart } from '../../src/storage/http/range-source.ts';
import { createQcow2 } from '../../src/storage/qcow2/create.ts';
import { Qcow2Image } from '../../src/storage/qcow2/image.ts';
import { MemoryImage } from './memory-image.ts';

const content = Buffer.from(Uint8Array.from({ length: 3 * PART + 1024 }, (_, at) => (at >> 9) * 3 + at));
const PATIENCE = { stall: 60_000, tries: 2, pause: 1 };
/** For servers that say nothing. */
const IMPATIENCE = { ...PATIENCE, stall: 100 };

type Answer = (request: IncomingMessage, response: ServerResponse, served: Buffer) => void;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server on this host. @returns the URL of its file, and the ranges that were asked for */
async function serve(answer: Answer = parts, bytes: Buffer = content) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.range ?? '');
    answer(request, response, bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.img`, asked };
}

/** As servers answer that give ranges. */
function parts(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  headers: Record<string, string> = { ETag: '"1"' },
): void {
  const [from, to] =
    /^bytes=(\d+)-(\d+)$/
      .exec(request.headers.range ?? '')
      ?.slice(1)
      .map(Number) ?? [];
  const part = bytes.subarray(from, to + 1);
  const range = `bytes ${from}-${from + part.length - 1}/${bytes.length}`;
  response.writeHead(206, { ...headers, 'Content-Range': range, 'Content-Length': `${part.length}` });
  response.end(part);
}

test('a part is what is there', async () => {
  const { url, asked } = await serve();
  const file = await connect(url, PATIENCE);
  expect(file).toEqual({ url, size: content.length, mark: '"1"' });
  const into = new Uint8Array(1000);
  await fetchPart(file, 700, into, PATIENCE);
  expect(Buffer.compare(into, content.subarray(700, 1700))).toBe(0);
  expect(asked).toEqual(['bytes=0-0', 'bytes=700-1699']);
});

describe('servers that', () => {
  const ways: readonly (readonly [string, Answer, string])[] = [
    ['have no such file', (_, response) => response.writeHead(404).end(), 'status 404'],
    ['do not give ranges', (_, response, bytes) => response.writeHead(200).end(bytes), 'without ranges'],
    ['have an error', (_, response) => response.writeHead(500).end(), 'status 500'],
    ['say nothing', () => undefined, 'has sent nothing'],
    [
      'stop in the middle',
      (_, response) =>
        response.writeHead(206, { 'Content-Range': 'bytes 0-0/9', 'Content-Length': '1' }).write(''),
      'has sent nothing',
    ],
    ['close', (request) => request.socket.destroy(), 'cannot be reached'],
    ['do not say how much there is', (_, response) => response.writeHead(206).end('x'), 'how large it is'],
  ];
  test.each(ways)('%s are told of', async (_, answer, why) => {
    const { url } = await serve(answer);
    const patience = why === 'has sent nothing' ? IMPATIENCE : PATIENCE;
    await expect(connect(url, patience)).rejects.toThrow(why);
    const drive = { file: url, readOnly: true, snapshot: false, serial: '' };
    const tried = connectDrives([drive], patience);
    await expect(tried).rejects.toThrow(InputError);
    await expect(tried).rejects.toThrow(url);
  });

  test('are not there', async () => {
    await expect(connect('http://127.0.0.1:1/x', PATIENCE)).rejects.toThrow('cannot be reached');
  });

  test('have an error once are asked again', async () => {
    let turn = 0;
    const { url } = await serve((request, response, bytes) => {
      if (turn++ % 2 === 0) response.writeHead(503).end();
      else parts(request, response, bytes);
    });
    const file = await connect(url, PATIENCE);
    const into = new Uint8Array(10);
    await fetchPart(file, 5, into, PATIENCE);
    expect(Buffer.compare(into, content.subarray(5, 15))).toBe(0);
  });

  test.each([
    ['another mark', { ETag: '"2"' }, content],
    ['no mark', {}, content],
    ['another length', { ETag: '"1"' }, content.subarray(0, 4096)],
  ])('have another file meanwhile (%s) give an error', async (_, headers, bytes) => {
    let first = true;
    const { url, asked } = await serve((request, response) => {
      if (first) parts(request, response, content);
      else parts(request, response, bytes, headers);
      first = false;
    });
    const file = await connect(url, PATIENCE);
    await expect(fetchPart(file, 0, new Uint8Array(10), PATIENCE)).rejects.toThrow('has been changed');
    // Another try would not help.
    expect(asked).toHaveLength(2);
  });

  test('send more than was asked for, and other parts, are held to it', async () => {
    const { url } = await serve((request, response, bytes) => {
      if (request.headers.range === 'bytes=0-0') parts(request, response, bytes);
      else {
        response.writeHead(206, { ETag: '"1"', 'Content-Range': `bytes 0-9999/${bytes.length}` });
        response.end(bytes.subarray(0, 10_000));
      }
    });
    const file = await connect(url, PATIENCE);
    await expect(fetchPart(file, 100, new Uint8Array(10), PATIENCE)).rejects.toThrow('another part');
  });
});

describe('a drive', () => {
  /** Opens it as a thread does that may only wait; its server has to be elsewhere, or this would wait for itself. */
  function storage(asked: [number, number][], trouble: { now: number; text: string }) {
    const source = {
      fetch: (offset: number, bytes: number) => {
        asked.push([offset, bytes]);
        if (trouble.text !== '') throw new Error(trouble.text);
        return content.subarray(offset, offset + bytes);
      },
      end: () => undefined,
    };
    return new HttpStorage(content.length, source, () => trouble.now);
  }

  test('keeps what was read, and asks for the rest in parts', () => {
    const asked: [number, number][] = [];
    const disk = storage(asked, { now: 0, text: '' });
    const into = new Uint8Array(5000);
    disk.read(PART - 1000, into);
    expect(Buffer.compare(into, content.subarray(PART - 1000, PART + 4000))).toBe(0);
    disk.read(10, into);
    disk.read(3 * PART, into.subarray(0, 1024));
    expect(asked).toEqual([
      [0, PART],
      [PART, PART],
      [3 * PART, 1024],
    ]);
    expect(() => disk.write()).toThrow('cannot be written');
  });

  test('does not wait for each request while its server is away', () => {
    const asked: [number, number][] = [];
    const trouble = { now: 0, text: 'no answer' };
    const disk = storage(asked, trouble);
    for (let turn = 0; turn < 10; turn++) expect(() => disk.read(0, new Uint8Array(1))).toThrow('no answer');
    expect(asked).toHaveLength(1);
    trouble.now = 10_000;
    trouble.text = '';
    disk.read(0, new Uint8Array(1));
    expect(asked).toHaveLength(2);
  });
});

describe('a drive of a machine', () => {
  const unpackers = { zlib: (packed: Uint8Array) => packed, zstd: (packed: Uint8Array) => packed };

  function image(): Uint8Array {
    const file = new MemoryImage();
    createQcow2(file, { size: content.length });
    const made = Qcow2Image.open(file, { readOnly: false, unpackers });
    made.write(0, content);
    made.close();
    return file.bytes.slice();
  }

  test.each([
    ['raw', () => content],
    ['qcow2', image],
  ])('in the format %s is read by a thread that waits, and its changes are gone', async (format, make) => {
    const server = new Worker(new URL('./serve-file.ts', import.meta.url), { workerData: make() });
    closers.push(() => void server.terminate());
    const [port] = await once(server, 'message');
    const file = `http://127.0.0.1:${port}/disk.${format}`;
    const [drive] = await connectDrives([{ file, readOnly: false, snapshot: false, serial: '' }]);
    expect([drive.format, drive.snapshot]).toEqual([format, true]);
    const opened = openDrives([drive]);
    closers.push(() => opened.close());
    expect(opened.facts[0].bytes).toBe(content.length);
    const host = extendHost(opened.module.data as readonly OpenDrive[]);
    const disk = host.openDrive?.(0);
    const into = new Uint8Array(content.length);
    disk?.read(0, into);
    expect(Buffer.compare(into, content)).toBe(0);
    disk?.write(5, Uint8Array.of(1, 2, 3));
    disk?.read(4, into.subarray(0, 5));
    expect([...into.subarray(0, 5)]).toEqual([content[4], 1, 2, 3, content[8]]);
    server.postMessage('"2"');
    await once(server, 'message');
    const other = extendHost(opened.module.data as readonly OpenDrive[]);
    expect(() => other.openDrive?.(0).read(0, into)).toThrow('has been changed');
    for (const each of [host, other]) expect(each.closeDrives?.()).toEqual([]);
  });

  test('has to be asked for first', () => {
    const drive = { file: 'http://127.0.0.1:1/x', readOnly: true, snapshot: false, serial: '' };
    expect(() => openDrives([drive])).toThrow('connectDrives');
  });
});
