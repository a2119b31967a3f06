import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import dns from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { LOOPBACK } from '../../network/address.ts';
import type { StreamListener } from '../../network/host.ts';
import { NodeHostNetwork } from './node-host-network.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(onSocket: (socket: Socket) => void, port = 0): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, onSocket);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function bind(
  onMessage: (socket: DatagramSocket, data: Buffer, port: number) => void,
): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (data, { port }) => onMessage(socket, data, port));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closers.push(() => socket.close());
  return socket.address().port;
}

/** Writes down what a stream says, and lets a test wait for a word of it. */
class Diary implements StreamListener {
  readonly words: string[] = [];
  text = '';
  bytes = 0;
  #waiting: { readonly word: string; readonly go: () => void }[] = [];

  connected = () => this.#write('connected');
  ended = () => this.#write('ended');
  closed = () => this.#write('closed');
  drained = () => undefined;
  failed = (why: string) => this.#write(why);
  data = (bytes: Uint8Array) => {
    this.bytes += bytes.length;
    if (this.bytes < 1000) this.text += Buffer.from(bytes).toString();
    this.#write('data');
  };

  async until(word: string): Promise<void> {
    if (!this.words.includes(word)) await new Promise<void>((go) => this.#waiting.push({ word, go }));
  }

  #write(word: string): void {
    if (word !== 'data' || !this.words.includes('data')) this.words.push(word);
    for (const { word: wanted, go } of this.#waiting) if (wanted === word) go();
  }
}

const network = new NodeHostNetwork();

describe('a stream', () => {
  test('carries bytes both ways, and each way ends by itself', async () => {
    const port = await listen((socket) => {
      let all = '';
      socket.on('data', (bytes) => {
        all += bytes;
      });
      socket.on('end', () => socket.end(`you said ${all}`));
    });
    const diary = new Diary();
    const stream = network.connect(LOOPBACK, port, diary);
    await diary.until('connected');
    stream.write(Buffer.from('hello'));
    stream.end();
    await diary.until('closed');
    expect([diary.text, diary.words]).toEqual(['you said hello', ['connected', 'data', 'ended', 'closed']]);
    expect(stream.pending).toBe(0);
  });

  test('waits where it is to wait, and counts what nobody takes', async () => {
    const sockets: Socket[] = [];
    const port = await listen((socket) => {
      sockets.push(socket.pause());
      socket.write(Buffer.alloc(8 << 20));
    });
    const diary = new Diary();
    const stream = network.connect(LOOPBACK, port, diary);
    await diary.until('data');
    stream.pause();
    const before = diary.bytes;
    stream.write(new Uint8Array(64 << 20));
    await new Promise((resolve) => setImmediate(resolve));
    expect(diary.bytes - before).toBeLessThan(1 << 20);
    expect(stream.pending).toBeGreaterThan(1 << 20);
    sockets[0].on('error', () => undefined);
    const reset = new Promise((resolve) => sockets[0].on('close', resolve));
    stream.reset();
    sockets[0].resume();
    await reset;
    expect(diary.words).toEqual(['connected', 'data']);
  });

  test('is refused where nobody listens, and reset where the other side resets', async () => {
    const port = await listen((socket) => socket.resetAndDestroy());
    const reset = new Diary();
    network.connect(LOOPBACK, port, reset);
    await reset.until('reset');
    closers.splice(0)[0]();
    const refused = new Diary();
    network.connect(LOOPBACK, port, refused);
    await refused.until('refused');
    expect(refused.words).toEqual(['refused']);
  });
});

test('datagrams go out before the socket is ready, and come back', async () => {
  const port = await bind((socket, data, from) => socket.send(`${data}!`, from, '127.0.0.1'));
  const answers: string[] = [];
  await new Promise<void>((done) => {
    const datagrams = network.openDatagrams(LOOPBACK, port, {
      data: (bytes) => {
        answers.push(Buffer.from(bytes).toString());
        if (answers.length === 2) done();
      },
      failed: () => undefined,
    });
    datagrams.send(Buffer.from('one'));
    datagrams.send(Buffer.from('two'));
    closers.push(() => datagrams.close());
  });
  expect(answers).toEqual(['one!', 'two!']);
});

test('a datagram to a port without anybody fails', async () => {
  const port = await bind(() => undefined);
  closers.splice(0)[0]();
  const why = await new Promise((resolve) => {
    const datagrams = network.openDatagrams(LOOPBACK, port, { data: () => undefined, failed: resolve });
    datagrams.send(Buffer.from('one'));
    closers.push(() => datagrams.close());
  });
  expect(why).toBe('refused');
});

test('a datagram for which there is no way fails, and nothing else does', async () => {
  const why = await new Promise((resolve) => {
    const datagrams = network.openDatagrams(0xffff_ffff, 9, { data: () => undefined, failed: resolve });
    datagrams.send(Buffer.from('one'));
    closers.push(() => datagrams.close());
  });
  expect(why).toBe('unreachable');
});

test('names are those that the host knows', async () => {
  const found = await network.resolve('localhost');
  expect(found?.addresses).toContain(LOOPBACK);
});

test('questions go to the name server, whose answers have to fit; long ones come by a stream', async () => {
  const question = Buffer.concat([
    Buffer.of(7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1),
    Buffer.from('a'),
    Buffer.of(0, 0, 16, 0, 1),
  ]);
  const port = await bind((socket, data, from) => {
    const wrong = Buffer.from(data);
    wrong[0] ^= 0xff;
    wrong[2] |= 0x80;
    socket.send(wrong, from, '127.0.0.1');
    const cut = Buffer.from(data);
    cut[2] |= 0x82;
    socket.send(cut, from, '127.0.0.1');
  });
  await listen((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const answer = Buffer.concat([data.subarray(2), Buffer.alloc(700, 5)]);
      answer[2] |= 0x80;
      const length = Buffer.of(answer.length >>> 8, answer.length & 0xff);
      socket.write(Buffer.concat([length, answer.subarray(0, 100)]));
      socket.end(answer.subarray(100));
    });
  }, port);
  const before = dns.getServers();
  closers.push(() => dns.setServers(before));
  dns.setServers([`127.0.0.1:${port}`]);
  const answer = await network.query(question);
  expect(answer).toHaveLength(question.length + 700);
  expect([...answer.subarray(12, 14)]).toEqual([1, 97]);
});
