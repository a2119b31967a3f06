import type { Ipv4 } from './address.ts';
import type { Mac } from './ethernet.ts';
import type { ConnectionPlace } from './tcp/tcp.ts';

/** State that one network hands to another one that goes on with its guest. */
export interface SavedNetwork {
  /** Cards of the guest by their addresses. */
  readonly neighbours: readonly (readonly [Ipv4, Mac])[];
  readonly connections: readonly ConnectionPlace[];
}

/** Numbers of one neighbour, and of one connection. */
const NEIGHBOUR = 2;
const CONNECTION = 6;

/** As numbers of 64 bits: how many neighbours there are, these, then the connections. */
export function writeSavedNetwork({ neighbours, connections }: SavedNetwork): Uint8Array {
  const numbers = [
    neighbours.length,
    ...neighbours.flat(),
    ...connections.flatMap(({ ends, sequence, acknowledged }) => {
      const { guest, guestPort, remote, remotePort } = ends;
      return [guest, guestPort, remote, remotePort, sequence, acknowledged];
    }),
  ];
  return new Uint8Array(Float64Array.from(numbers).buffer);
}

/** @throws RangeError for bytes that no network has written */
export function readSavedNetwork(bytes: Uint8Array): SavedNetwork {
  const size = Float64Array.BYTES_PER_ELEMENT;
  const numbers = new Float64Array(bytes.slice().buffer, 0, Math.floor(bytes.length / size));
  const [count = 0, ...rest] = numbers;
  const neighbours = rest.slice(0, NEIGHBOUR * count);
  const connections = rest.slice(NEIGHBOUR * count);
  const isWhole = bytes.length % size === 0 && neighbours.length === NEIGHBOUR * count;
  if (!isWhole || connections.length % CONNECTION !== 0 || !rest.every(Number.isSafeInteger)) {
    throw new RangeError('no network has written this');
  }
  return {
    neighbours: grouped(neighbours, NEIGHBOUR).map(([address, mac]) => [address, mac]),
    connections: grouped(connections, CONNECTION).map(
      ([guest, guestPort, remote, remotePort, sequence, acknowledged]) => ({
        ends: { guest, guestPort, remote, remotePort },
        ...{ sequence, acknowledged },
      }),
    ),
  };
}

function grouped(numbers: readonly number[], size: number): number[][] {
  return Array.from({ length: numbers.length / size }, (_, index) =>
    numbers.slice(index * size, (index + 1) * size),
  );
}
