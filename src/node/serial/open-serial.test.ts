import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { openSerial } from './open-serial.ts';

const folder = mkdtempSync(join(tmpdir(), 'hartvisor-serial-'));
afterAll(() => rmSync(folder, { recursive: true }));
const told: string[] = [];
const tell = (text: string) => told.push(text);

async function read(from: Readable, bytes: number): Promise<string> {
  let text = '';
  while (text.length < bytes) text += String((await once(from, 'data'))[0]);
  return text;
}

async function write(to: Writable, text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  to.write(text, () => resolve());
  await promise;
}

test('a file gets what is written, from its start', async () => {
  const path = join(folder, 'file');
  const { output } = await openSerial({ kind: 'file', path }, `--serial file:${path}`, tell);
  await write(output, 'one');
  await write(output, 'two');
  expect(readFileSync(path, 'utf8')).toBe('onetwo');
});

test('a file that cannot be written is a mistake before the start, and a word later on', async () => {
  const path = join(folder, 'none', 'file');
  await expect(openSerial({ kind: 'file', path }, '--serial file:x', tell)).rejects.toThrow(InputError);
  const { output } = await openSerial({ kind: 'file', path: '/dev/full' }, '--serial file:/dev/full', tell);
  told.length = 0;
  await write(output, 'one');
  await write(output, 'two');
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/^--serial file:\/dev\/full: .*what the guest writes is lost/);
});

test('FIFOs carry both ways, and stay when the other end goes', async () => {
  const path = join(folder, 'pipe');
  await expect(openSerial({ kind: 'pipe', path }, '--serial pipe:x', tell)).rejects.toThrow('mkfifo');
  execFileSync('mkfifo', [`${path}.in`, `${path}.out`]);
  const { input, output } = await openSerial({ kind: 'pipe', path }, `--serial pipe:${path}`, tell);
  for (const text of ['first', 'later']) {
    const to = openSync(`${path}.in`, 'w');
    writeSync(to, text);
    closeSync(to);
    expect(await read(input, 5)).toBe(text);
  }
  await write(output, 'out');
  const from = openSync(`${path}.out`, 'r');
  const bytes = Buffer.alloc(3);
  expect([readSync(from, bytes), bytes.toString()]).toEqual([3, 'out']);
  closeSync(from);
  input.destroy();
});

test('a server waits for its first connection, takes the next one after it, and loses what nobody reads', async () => {
  const path = join(folder, 'socket');
  const opening = openSerial(
    { kind: 'socket', server: true, wait: true, path },
    `--serial unix:${path}`,
    tell,
  );
  const connect = async (): Promise<Socket> => {
    const socket = createConnection({ path });
    await once(socket, 'connect');
    return socket;
  };
  let one: Socket | undefined;
  while (one === undefined) one = await connect().catch(() => undefined);
  const { input, output } = await opening;
  one.write('in');
  expect(await read(input, 2)).toBe('in');
  await write(output, 'out');
  expect(await read(one, 3)).toBe('out');
  const second = await connect();
  await once(second, 'close');
  one.destroy();
  await once(one, 'close');
  // On our side the end may take a moment longer: until then the next one is refused.
  let next = '';
  while (next === '') {
    const socket = await connect();
    socket.write('again');
    // One that is refused may fail at its write.
    const refused = once(socket, 'close').then(
      () => '',
      () => '',
    );
    next = await Promise.race([read(input, 5), refused]);
    socket.destroy();
  }
  expect(next).toBe('again');
  await write(output, 'nobody reads this');
});

test('a client needs a server', async () => {
  const server = createServer((socket) => socket.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const place = { kind: 'socket', server: false, wait: true, host: '127.0.0.1', port } as const;
  const { input } = await openSerial(place, '--serial tcp:x', tell);
  expect(await read(input, 5)).toBe('hello');
  server.close();
  await once(server, 'close');
  await expect(openSerial(place, '--serial tcp:x', tell)).rejects.toThrow(
    /^--serial tcp:x cannot be opened: .*ECONNREFUSED/,
  );
});
