import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Site } from './site.ts';
import { isLoopback, type SiteServer, serveSite } from './site-server.ts';

const top = mkdtempSync(join(tmpdir(), 'hartvisor-site-'));
const folder = join(top, 'site');
const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index);
const script = 'export const answer = 42;\n'.repeat(100);
let server: SiteServer;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'embed.html'), '<!doctype html>');
  writeFileSync(join(folder, 'a b.bin'), bytes);
  writeFileSync(join(folder, 'assets', 'main-Ab_-1234.js'), script);
  mkdirSync(join(folder, 'checker', 'src'), { recursive: true });
  writeFileSync(join(folder, 'checker', 'src', 'take-mirror.ts.js'), script);
  writeFileSync(join(folder, 'empty.txt'), '');
  writeFileSync(join(top, 'secret'), 'secret');
  symlinkSync(join(top, 'secret'), join(folder, 'link'));
  symlinkSync(top, join(folder, 'up'));
  const site = Site.ofFolder(folder);
  server = await serveSite(site, { host: '127.0.0.1', port: 0 });
});

afterAll(async () => {
  await server.close();
  rmSync(top, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { host, port } = server;
  const sent = request({ host, port, path, method, headers, agent: false });
  sent.end();
  const [response] = await once(sent, 'response');
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) };
}

describe('files', () => {
  test('of the checker let code of a user in as a module, and nothing else', async () => {
    const { headers } = await ask('/checker/src/take-mirror.ts.js');
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self' blob:;");
    expect(headers['cross-origin-embedder-policy']).toBe('require-corp');
    expect(headers['cache-control']).toBe('no-cache');
    const others = await ask('/assets/main-Ab_-1234.js?/checker/');
    expect(others.headers['content-security-policy']).not.toMatch(/script-src[^;]*blob:/);
  });

  test('come with what isolates a page, and a policy for it', async () => {
    const { status, headers, body } = await ask('/?cpus=4');
    expect([status, body.toString()]).toEqual([200, '<!doctype html>']);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*; frame-ancestors 'self'$/);
  });

  test('for frames may be shown by others', async () => {
    const { headers } = await ask('/embed.html');
    expect(headers['document-isolation-policy']).toBe('isolate-and-require-corp');
    expect(headers['cross-origin-resource-policy']).toBe('cross-origin');
    expect(headers['content-security-policy']).toContain('frame-ancestors *');
  });

  test('have escapes in their addresses, and types by their names', async () => {
    expect(await ask('/a%20b.bin')).toMatchObject({ status: 200, body: Buffer.from(bytes) });
    expect(await ask('/empty.txt')).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect((await ask('/a%20b.bin')).headers['content-type']).toBe('application/octet-stream');
  });

  test('are packed for those who can unpack them', async () => {
    const path = '/assets/main-Ab_-1234.js';
    const br = await ask(path, { 'Accept-Encoding': 'gzip, deflate, br' });
    const gz = await ask(path, { 'Accept-Encoding': 'gzip;q=0.5, br;q=0' });
    const plain = await ask(path, { 'Accept-Encoding': 'zstd, *;q=0' });
    expect([br, gz, plain].map(({ headers }) => headers['content-encoding'])).toEqual([
      'br',
      'gzip',
      undefined,
    ]);
    const texts = [brotliDecompressSync(br.body), gunzipSync(gz.body), plain.body];
    expect(texts.map((text) => text.toString())).toEqual([script, script, script]);
    expect(new Set([br, gz, plain].map(({ headers }) => headers.etag)).size).toBe(3);
    expect(br.headers['cache-control']).toContain('immutable');
  });

  test('are not sent again to those who have them', async () => {
    const { headers } = await ask('/');
    const again = await ask('/', { 'If-None-Match': `"x", ${headers.etag}` });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect(again.headers['cross-origin-embedder-policy']).toBe('require-corp');
  });

  test.each([
    ['bytes=0-9', 206, 'bytes 0-9/1000', [0, 10]],
    ['bytes=990-', 206, 'bytes 990-999/1000', [990, 1000]],
    ['bytes=-5', 206, 'bytes 995-999/1000', [995, 1000]],
    ['bytes=-5000', 206, 'bytes 0-999/1000', [0, 1000]],
    ['bytes=5-5000', 206, 'bytes 5-999/1000', [5, 1000]],
    ['bytes=1-2,5-6', 200, undefined, [0, 1000]],
    ['bytes=9-1', 200, undefined, [0, 1000]],
    ['lines=1-2', 200, undefined, [0, 1000]],
  ] as const)('%s of them can be had', async (range, status, contentRange, [first, end]) => {
    const answer = await ask('/a%20b.bin', { Range: range });
    expect([answer.status, answer.headers['content-range']]).toEqual([status, contentRange]);
    expect(answer.body).toEqual(Buffer.from(bytes.subarray(first, end)));
  });

  test.each(['bytes=1000-', 'bytes=-0'])('%s is behind their end', async (range) => {
    const { status, headers } = await ask('/a%20b.bin', { Range: range });
    expect([status, headers['content-range']]).toEqual([416, 'bytes */1000']);
  });

  test('are given as a whole where a part of another version is asked for', async () => {
    expect((await ask('/a%20b.bin', { Range: 'bytes=1-2', 'If-Range': '"x"' })).status).toBe(200);
  });
});

describe('nothing else', () => {
  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('is done by %s', async (method) => {
    expect((await ask('/', {}, method)).status).toBe(405);
  });

  test('is sent for HEAD than headers', async () => {
    const { headers, body } = await ask('/a%20b.bin', {}, 'HEAD');
    expect([headers['content-length'], body.length]).toEqual(['1000', 0]);
  });

  test.each(['evil.example', 'evil.example:80', '10.0.0.1', '127.0.0.1.evil.example'])(
    'is given to the name %j',
    async (name) => {
      expect((await ask('/', { Host: name })).status).toBe(421);
    },
  );

  test.each(['localhost:1', '[::1]:80', '127.0.0.2', 'course.localhost'])(
    'is in the way of %s',
    async (name) => {
      expect((await ask('/', { Host: name })).status).toBe(200);
    },
  );

  const dots = fc.constantFrom(
    '..',
    '.',
    '%2e%2e',
    '%2E.',
    '..%2f',
    '%252e',
    '',
    '\\',
    '..\\',
    '%00',
    '%',
    '%c0%ae',
  );
  const words = fc.constantFrom(
    'secret',
    'link',
    'up',
    'up/secret',
    'etc/passwd',
    'assets',
    'site',
    'index.html',
  );
  const separators = fc.constantFrom('/', '//', '%2f', '\\', '%5c', ';/');
  const paths = fc
    .array(fc.oneof(dots, words, separators, fc.webPath()), { maxLength: 8 })
    .map((parts) => `/${parts.join('/')}`);

  test('outside of the folder is reached by any path', async () => {
    await fc.assert(
      fc.asyncProperty(paths, async (path) => {
        const answer = await raw(path);
        expect(answer).toMatch(/^HTTP\/1\.1 (200|400|404) /);
        expect(answer).not.toContain('\nsecret');
        expect(answer).not.toContain('root:');
      }),
      { numRuns: 200 },
    );
  });
});

/** A path as it is: clients of HTTP would mend it. */
async function raw(path: string): Promise<string> {
  const socket = connect(server.port, server.host);
  socket.setEncoding('latin1');
  let text = '';
  socket.on('data', (piece) => {
    text += piece;
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  return text;
}

test('a port that is taken is told', async () => {
  const { host, port } = server;
  await expect(serveSite(Site.ofFolder(folder), { host, port })).rejects.toMatchObject({
    code: 'input',
    message: expect.stringContaining(`--port ${port} is taken`),
  });
  await expect(serveSite(Site.ofFolder(folder), { host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
    message: '--host 192.0.2.1 is no address of this machine.',
  });
});

test('a folder that is not there is told', () => {
  expect(() => Site.ofFolder(join(top, 'none'))).toThrow(/cannot be served/);
});

test('loopback is known', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'example'].some(isLoopback)).toBe(false);
});
