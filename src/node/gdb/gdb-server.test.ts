import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { FakeTarget } from '../../../test/debug/fake-target.ts';
import { framePacket, PacketReader } from '../../debug/packets.ts';
import { GdbServer } from './gdb-server.ts';

/** A debugger at the other end of a connection. */
class Caller {
  readonly #socket: Socket;
  readonly #reader = new PacketReader();
  readonly #packets: string[] = [];

  static async to(server: GdbServer): Promise<Caller> {
    const port = Number(/:(\d+)$/.exec(server.connectWords)?.[1]);
    const socket = createConnection({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new Caller(socket);
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      for (const incoming of this.#reader.read(bytes)) {
        if (incoming.kind === 'packet') this.#packets.push(incoming.data);
      }
      socket.emit('heard');
    });
  }

  async ask(packet: string): Promise<string> {
    this.#socket.write(framePacket(packet));
    return this.next();
  }

  async next(): Promise<string> {
    while (this.#packets.length === 0) await once(this.#socket, 'heard');
    return this.#packets.shift() ?? '';
  }

  async hangUp(): Promise<void> {
    this.#socket.destroy();
    await once(this.#socket, 'close');
  }

  /** Waits until the other side has hung up. */
  async end(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }
}

const servers: GdbServer[] = [];

async function open(target = new FakeTarget(), said: string[] = []): Promise<GdbServer> {
  const place = { host: '127.0.0.1', port: 0 };
  const server = await GdbServer.open(place, 'tcp::0', target, (text) => said.push(text));
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describe('a server for debuggers', () => {
  test('lets one at a time in, and tells others why', async () => {
    const said: string[] = [];
    const server = await open(new FakeTarget(), said);
    const first = await Caller.to(server);
    expect(await first.ask('?')).toBe('T05thread:01;');
    const second = await Caller.to(server);
    expect(await second.ask('qSupported')).toMatch(/^E\.hartvisor has another debugger/);
    await second.end();
    expect(said).toEqual(['A second debugger was refused: there is one already.']);
    expect(await first.ask('qC')).toBe('QC1');
  });

  test('lets the next one in when the first has hung up, whose points are gone', async () => {
    const target = new FakeTarget();
    const server = await open(target);
    const first = await Caller.to(server);
    expect(await first.ask('Z0,80000000,4')).toBe('OK');
    await first.hangUp();
    for (;;) {
      const next = await Caller.to(server);
      if ((await next.ask('?')) === 'T05thread:01;') break;
      await next.hangUp();
    }
    expect(target.points).toEqual([]);
  });

  test('lets a debugger that detaches go', async () => {
    const server = await open();
    const caller = await Caller.to(server);
    expect(await caller.ask('D')).toBe('OK');
    await caller.end();
  });

  test('says how the machine ended before it closes', async () => {
    const target = new FakeTarget();
    const server = await open(target);
    const caller = await Caller.to(server);
    await caller.ask('?');
    const reply = caller.ask('vCont;c');
    while (target.actions.length === 0) await new Promise((resolve) => setImmediate(resolve));
    target.end({ kind: 'exit', status: 7 });
    await server.close();
    expect(await reply).toBe('W07');
    await caller.end();
  });

  test('listens at a socket in the file system', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gdb-server-'));
    const path = join(folder, 'gdb');
    const server = await GdbServer.open({ path }, `unix:${path}`, new FakeTarget(), () => undefined);
    servers.push(server);
    expect(server.connectWords).toBe(`target remote ${path}`);
    const socket = createConnection(path);
    await once(socket, 'connect');
    expect(await new Caller(socket).ask('?')).toBe('T05thread:01;');
    rmSync(folder, { recursive: true });
  });

  test('says when it cannot listen', async () => {
    const server = await open();
    const port = Number(/:(\d+)$/.exec(server.connectWords)?.[1]);
    const place = { host: '127.0.0.1', port };
    const attempt = GdbServer.open(place, `--gdb tcp::${port}`, new FakeTarget(), () => undefined);
    await expect(attempt).rejects.toThrow(`--gdb tcp::${port}: another program uses this place.`);
    const nowhere = GdbServer.open(
      { host: '192.0.2.1', port: 1 },
      'tcp:192.0.2.1:1',
      new FakeTarget(),
      () => undefined,
    );
    await expect(nowhere).rejects.toThrow('this machine has no such address');
  });
});
