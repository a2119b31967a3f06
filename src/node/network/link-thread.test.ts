import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { OpenNetwork } from '../../machine/thread.ts';
import { DEFAULT_MAC } from '../../network/defaults.ts';
import { extendHost, type LinkStart } from './link-thread.ts';
import { prepareLink } from './open-link.ts';

const TAKER = { openChecksums: false, longFrames: false } as const;
const opened: OpenNetwork[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.end();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function open(start: Pick<LinkStart, 'listens' | 'port'>) {
  const notices: string[] = [];
  let wake: () => void = () => undefined;
  const network = extendHost({ ...start, host: '127.0.0.1', dump: undefined }).openNetwork?.({
    ready: () => wake(),
    notice: (text) => notices.push(text),
  });
  if (network === undefined) throw new Error('there is no network');
  opened.push(network);
  /** The next frame. */
  const next = async (): Promise<Uint8Array> => {
    for (;;) {
      const frame = network.peek(TAKER);
      if (frame !== undefined) {
        network.shift();
        return frame.bytes;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { network, notices, next };
}

/** Sends frames until the other side has one: before it has come, they are lost. */
async function meet(from: ReturnType<typeof open>, to: ReturnType<typeof open>): Promise<void> {
  const frame = new Uint8Array(20).fill(1);
  const got = to.next();
  let has = false;
  void got.then(() => {
    has = true;
  });
  while (!has) {
    from.network.send(frame.slice(), undefined);
    await from.network.turn();
  }
}

test('frames go both ways, also when the machine that connects is the first, and when the other one comes back', async () => {
  const port = await freePort();
  const two = open({ listens: false, port });
  while (two.notices.length === 0) await two.network.turn();
  expect(two.notices[0]).toMatch(/there is no machine at 127\.0\.0\.1:\d+ .*; it is looked for again/);
  const one = open({ listens: true, port });
  await meet(two, one);
  await meet(one, two);
  one.network.end();
  const again = open({ listens: true, port });
  await meet(again, two);
  expect([...one.notices, ...again.notices]).toEqual([]);
});

test('a port in use is told of', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { network, notices } = open({ listens: true, port });
  while (notices.length === 0) await network.turn();
  expect(notices[0]).toMatch(/nobody can connect to 127\.0\.0\.1:\d+: .*EADDRINUSE/);
  const link = { listens: true, host: '127.0.0.1', port, mac: DEFAULT_MAC, dump: undefined };
  await expect(prepareLink(link)).rejects.toThrow(/listen: nobody can listen at .* EADDRINUSE/);
  server.close();
});
