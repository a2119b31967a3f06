/** Loaded by the threads of a machine that has a network; its I/O thread opens it. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { NetworkCallbacks, OpenNetwork, WorkerHost } from '../../machine/thread.ts';
import { formatIpv4, type Ipv4 } from '../../network/address.ts';
import { hostClock } from '../../network/host.ts';
import { DumpedNetwork } from '../../network/pcap.ts';
import { UserNetwork, type UserNetworkOptions } from '../../network/user-network.ts';
import { dumpWriter } from './dump.ts';
import { NodeHostNetwork } from './node-host-network.ts';
import { NodeStream } from './node-stream.ts';

/** A port of the host that leads to one of the guest. */
export interface Forward {
  readonly protocol: 'tcp' | 'udp';
  /** Addresses of the host. */
  readonly host: Ipv4;
  readonly hostPort: number;
  readonly guest: Ipv4;
  readonly guestPort: number;
}

/** A network that threads can open, as they are told of it. */
export interface NetworkStart {
  readonly options: UserNetworkOptions;
  readonly forwards: readonly Forward[];
  /** An open file for all frames: descriptors belong to the whole process. */
  readonly dump: number | undefined;
}

/** Gives a thread the machine's network. */
export function extendHost(start: NetworkStart): Partial<WorkerHost> {
  return { openNetwork: (callbacks) => openNetwork(start, callbacks) };
}

function openNetwork(
  { options, forwards, dump }: NetworkStart,
  { ready, notice }: NetworkCallbacks,
): OpenNetwork {
  const network = new UserNetwork(options, { host: new NodeHostNetwork(), clock: hostClock, ready });
  const closers = forwards.map((forward) => {
    const onError = (error: Error) =>
      notice(`${forward.protocol} port ${hostPlace(forward)} does not lead to the guest: ${error.message}.`);
    return forward.protocol === 'tcp'
      ? forwardStreams(forward, network, onError)
      : forwardDatagrams(forward, network, onError);
  });
  const card = dump === undefined ? network : new DumpedNetwork(network, dumpWriter(dump, notice));
  return {
    dropped: card.dropped,
    send: (frame, open) => card.send(frame, open),
    peek: (taker) => card.peek(taker),
    shift: () => card.shift(),
    save: () => card.save(),
    restore: (saved) => card.restore(saved),
    turn: () => new Promise((resolve) => setImmediate(resolve)),
    end: () => {
      for (const close of closers) close();
      network.end();
    },
  };
}

/** A host and its port, as in a URL. */
export function hostPlace({ host, hostPort }: Forward): string {
  return `${formatIpv4(host)}:${hostPort}`;
}

function forwardStreams(
  { host, hostPort, guest, guestPort }: Forward,
  network: UserNetwork,
  onError: (error: Error) => void,
): () => void {
  const accept = network.accept(guest, guestPort);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const stream = new NodeStream(socket);
    accept(stream, (listener) => stream.listen(listener));
  });
  server.on('error', onError);
  server.listen({ host: formatIpv4(host), port: hostPort });
  return () => server.close();
}

function forwardDatagrams(
  { host, hostPort, guest, guestPort }: Forward,
  network: UserNetwork,
  onError: (error: Error) => void,
): () => void {
  const socket = createSocket('udp4');
  socket.on('error', onError);
  socket.on('message', (data, { address, port }) => {
    const reply = (bytes: Uint8Array) => socket.send(bytes, port, address);
    network.receiveDatagram(guest, guestPort, { id: `${address}:${port}:${hostPort}`, reply }, data);
  });
  socket.bind(hostPort, formatIpv4(host));
  return () => socket.close();
}
