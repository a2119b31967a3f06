import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { GuestStream, StreamBackend } from '../../devices/backends.ts';
import { InputError } from '../../errors/input-error.ts';
import { UnixSockets } from './unix-sockets.ts';

const folder = mkdtempSync(join(tmpdir(), 'hartvisor-vsock-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const newPath = () => join(folder, `socket-${count++}`);

/** A stream whose guest takes so many bytes at once, and gives them back. */
class Guest implements GuestStream {
  readonly hostPort = 1234;
  readonly got: number[] = [];
  readonly ended: Promise<string>;
  backend: StreamBackend | undefined;
  readonly #resolve: (how: string) => void;
  readonly #room: number;

  constructor(room: number) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#room = room;
  }

  input(bytes: Uint8Array): number {
    const part = bytes.slice(0, this.#room);
    this.got.push(...part);
    void this.backend?.output(part);
    if (part.length < bytes.length) setImmediate(() => this.backend?.inputSpace());
    return part.length;
  }

  endInput(): void {
    this.backend?.outputEnded();
    this.#resolve('ended');
  }

  reset(): void {
    this.#resolve('reset');
  }
}

/** Connects to the guest's port 22, where `guest` is. */
async function open(guest: Guest): Promise<Socket> {
  const path = newPath();
  const sockets = await UnixSockets.open(path);
  sockets.attach({
    connect: (port, backend) => {
      if (port !== 22) throw new RangeError('no such port');
      guest.backend = backend;
      setImmediate(() => backend.connected?.());
      return guest;
    },
  });
  const socket = createConnection({ path, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const piece of socket) text += String(piece);
  return text;
}

describe('a program of the host', () => {
  test.each([1, 7, 1000])('talks to the guest, %d bytes at a time, to the end', async (room) => {
    const guest = new Guest(room);
    const socket = await open(guest);
    socket.write('CONN');
    socket.write('ECT 22\nfirst ');
    socket.end('last');
    expect([await guest.ended, String.fromCharCode(...guest.got)]).toEqual(['ended', 'first last']);
    const text = await readAll(socket);
    expect(text.replace('OK 1234\n', '')).toBe('first last');
    expect(text).toContain('OK 1234\n');
  });

  test.each(['CONNECT 23\n', 'CONNECT\n', 'connect x\n', 'GET / HTTP/1.1\n', 'CONNECT '.repeat(9)])(
    'that says %j is cut off',
    async (line) => {
      const socket = await open(new Guest(1));
      socket.write(line);
      expect(await readAll(socket).catch(() => '')).toBe('');
    },
  );

  test('that goes away ends what the guest gets', async () => {
    const guest = new Guest(1000);
    const socket = await open(guest);
    socket.write('CONNECT 22\n');
    await once(socket, 'data');
    socket.destroy();
    // For the other end it looks as if it had said all.
    expect(await guest.ended).toBe('ended');
  });
});

describe('a program of the guest', () => {
  test('is connected to the program that listens at its port, and refused where none does', async () => {
    const path = newPath();
    const sockets = await UnixSockets.open(path);
    const server = createServer((socket) => socket.pipe(socket)).listen(`${path}_80`);
    await once(server, 'listening');
    const guest = new Guest(1000);
    expect(sockets.connected(81, guest)).toBeUndefined();
    const backend = sockets.connected(80, guest);
    void backend?.output(new TextEncoder().encode('hello'));
    backend?.outputEnded();
    expect([await guest.ended, String.fromCharCode(...guest.got)]).toEqual(['ended', 'hello']);
    server.close();
  });
});

test('a path that is taken, or cannot be, is a mistake', async () => {
  const path = newPath();
  const first = await UnixSockets.open(path);
  await expect(UnixSockets.open(path)).rejects.toThrow(/there is a socket at .* already/);
  await expect(UnixSockets.open(join(folder, 'none', 'x'))).rejects.toThrow(InputError);
  first.close();
  (await UnixSockets.open(path)).close();
});
