import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Guest } from '../../test/network/guest.ts';
import { parseIpv4 } from './address.ts';
import { readSavedNetwork, writeSavedNetwork } from './saved-network.ts';
import { FLAG } from './tcp/segment.ts';

const TAKER = { openChecksums: false, longFrames: false };
/** Bytes of a frame before the head of TCP. */
const TCP = 34;

const word = fc.nat(0xffff_ffff);
const ends = fc.record({ guest: word, guestPort: word, remote: word, remotePort: word });
const connection = fc.record({ ends, sequence: word, acknowledged: word });
const neighbour = fc.tuple(word, fc.nat(2 ** 48 - 1));

test('what one network has written another one reads', () => {
  fc.assert(
    fc.property(fc.array(neighbour), fc.array(connection), (neighbours, connections) => {
      const saved = { neighbours, connections };
      expect(readSavedNetwork(writeSavedNetwork(saved))).toEqual(saved);
    }),
  );
});

test('other bytes are refused', () => {
  const bytes = writeSavedNetwork({ neighbours: [[1, 2]], connections: [] });
  expect(() => readSavedNetwork(bytes.subarray(0, 16))).toThrow(RangeError);
  expect(() => readSavedNetwork(bytes.subarray(0, 23))).toThrow(RangeError);
  expect(() => readSavedNetwork(new Uint8Array(new Float64Array([1, Number.NaN, 2]).buffer))).toThrow(
    RangeError,
  );
});

test('the guest hears from the next network that its connections are gone', () => {
  const remote = parseIpv4('93.184.216.34') ?? 0;
  const { network, mac } = new Guest();
  const guest = parseIpv4('10.0.2.15') ?? 0;
  const place = {
    ends: { guest, guestPort: 40_000, remote, remotePort: 80 },
    sequence: 7000,
    acknowledged: 9000,
  };
  network.restore(writeSavedNetwork({ neighbours: [[guest, mac]], connections: [place] }));
  const frame = network.peek(TAKER)?.bytes ?? new Uint8Array();
  const view = new DataView(frame.buffer, frame.byteOffset);
  expect([view.getUint16(TCP), view.getUint16(TCP + 2)]).toEqual([80, 40_000]);
  expect([view.getUint32(TCP + 4), view.getUint32(TCP + 8)]).toEqual([7000, 9000]);
  expect(view.getUint8(TCP + 13)).toBe(FLAG.RST | FLAG.ACK);
  network.shift();
  expect(network.peek(TAKER)).toBeUndefined();
});
