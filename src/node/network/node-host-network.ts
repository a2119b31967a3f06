import { createSocket } from 'node:dgram';
import dns from 'node:dns';
import { lookup } from 'node:dns/promises';
import { createConnection, isIPv6, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../network/address.ts';
import type {
  DatagramListener,
  HostDatagrams,
  HostNetwork,
  HostStream,
  Resolved,
  StreamListener,
} from '../../network/host.ts';
import { failureOf, NodeStream } from './node-stream.ts';

const OWN_ADDRESSES_MS = 5_000;
/** Seconds for which an address may be kept that the system does not say it of. */
const NAME_SECONDS = 60;
const QUERY_MS = 3_000;
const DNS_PORT = 53;
/** The flag of an answer that is longer than a datagram may be. */
const TRUNCATED = 0x02;
/** Datagrams that wait until a socket knows where they go, and until the system takes them; others are lost. */
const MOST_EARLY = 16;
const MOST_UNDER_WAY = 64;

/** The network of the process's host. */
export class NodeHostNetwork implements HostNetwork {
  #own: readonly Ipv4[] = [];
  #ownAt = Number.NEGATIVE_INFINITY;

  connect(address: Ipv4, port: number, listener: StreamListener): HostStream {
    const socket = new Socket({ allowHalfOpen: true });
    const stream = new NodeStream(socket);
    stream.listen(listener);
    socket.connect({ host: formatIpv4(address), port });
    return stream;
  }

  openDatagrams(address: Ipv4, port: number, listener: DatagramListener): HostDatagrams {
    const socket = createSocket('udp4');
    let early: Uint8Array[] | undefined = [];
    let underWay = 0;
    let closed = false;
    const fail = (error: Error) => {
      if (!closed) listener.failed(failureOf(error));
    };
    socket.on('error', fail);
    const send = (data: Uint8Array) => {
      if (closed || underWay >= MOST_UNDER_WAY) return;
      underWay++;
      socket.send(data, (error) => {
        underWay--;
        if (error !== null) fail(error);
      });
    };
    socket.on('message', (bytes) => listener.data(bytes));
    // An event, since a callback of `connect` would also hear of its failures.
    socket.on('connect', () => {
      for (const data of early ?? []) send(data);
      early = undefined;
    });
    socket.connect(port, formatIpv4(address));
    return {
      send: (data) => {
        if (early === undefined) send(data);
        else if (early.length < MOST_EARLY) early.push(data);
      },
      close: () => {
        if (closed) return;
        closed = true;
        socket.close();
      },
    };
  }

  async resolve(name: string): Promise<Resolved | undefined> {
    try {
      const found = await lookup(name, { family: 4, all: true });
      const addresses = found.map(({ address }) => parseIpv4(address)).filter((each) => each !== undefined);
      return { addresses, seconds: NAME_SECONDS };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOTFOUND' || code === 'ENODATA') return undefined;
      throw error;
    }
  }

  /** Asks the servers in turn, under a number that nobody can guess. */
  async query(message: Uint8Array): Promise<Uint8Array> {
    const question = new Uint8Array(message);
    crypto.getRandomValues(question.subarray(0, 2));
    let failure: unknown = new Error('there is no name server');
    for (const server of dns.getServers().slice(0, 3)) {
      try {
        const answer = await askByDatagram(server, question);
        return (answer[2] & TRUNCATED) === 0 ? answer : await askByStream(server, question);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  ownAddresses(): readonly Ipv4[] {
    const now = performance.now();
    if (now - this.#ownAt < OWN_ADDRESSES_MS) return this.#own;
    this.#ownAt = now;
    const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    this.#own = all.map(({ address }) => parseIpv4(address)).filter((each) => each !== undefined);
    return this.#own;
  }
}

/** Reads `192.0.2.1`, `2001:db8::1`, `192.0.2.1:5353`, `[2001:db8::1]:5353`. */
function placeOf(server: string): { readonly host: string; readonly port: number } {
  if (isIPv6(server)) return { host: server, port: DNS_PORT };
  const [, host = server, port] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(server) ?? [];
  return { host, port: port === undefined ? DNS_PORT : Number(port) };
}

function isAnswer(question: Uint8Array, bytes: Uint8Array): boolean {
  return (
    bytes.length >= 12 && bytes[0] === question[0] && bytes[1] === question[1] && (bytes[2] & 0x80) !== 0
  );
}

function askByDatagram(server: string, question: Uint8Array): Promise<Uint8Array> {
  const { host, port } = placeOf(server);
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const timer = setTimeout(() => reject(new Error(`${server} does not answer`)), QUERY_MS);
  socket.on('error', reject);
  socket.on('message', (bytes) => {
    if (isAnswer(question, bytes)) resolve(bytes);
  });
  socket.on('connect', () => socket.send(question));
  socket.connect(port, host);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

/** The same for long answers, each message behind its length. */
function askByStream(server: string, question: Uint8Array): Promise<Uint8Array> {
  const socket = createConnection(placeOf(server));
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const timer = setTimeout(() => reject(new Error(`${server} does not answer`)), QUERY_MS);
  let received = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error(`${server} has ended the connection`)));
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE()) return;
    const answer = received.subarray(2, 2 + received.readUInt16BE());
    if (isAnswer(question, answer)) resolve(answer);
    else reject(new Error(`${server} answers another question`));
  });
  socket.write(Buffer.concat([Buffer.of(question.length >>> 8, question.length & 0xff), question]));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}
