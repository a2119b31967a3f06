import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUFFERS, createRig, type Piece, RAM, VirtioDriver } from '../../../test/devices/virtio-driver.ts';
import type { Frame, Network, OpenChecksum, Taker } from '../../network/ethernet.ts';
import { DEVICE_STATUS, INTERRUPT, REG } from '../virtio/registers.ts';
import { VirtioNet } from './device.ts';
import { NET_FEATURE, NET_HEADER, NET_QUEUE, VIRTIO_NET } from './facts.ts';
import { VirtioNetHost } from './host.ts';
import { NET_WORDS } from './words.ts';

const { GUEST_CSUM, GUEST_TSO4, MRG_RXBUF } = NET_FEATURE;
const SIZE = 64;
const TRANSMIT_RINGS = {
  desc: RAM + 0x4000,
  driver: RAM + 0x5000,
  device: RAM + 0x6000,
  indirect: RAM + 0x7000,
} as const;

/** A network that keeps what it is sent, and has what it is given. */
class ScriptedNetwork implements Network {
  readonly sent: { readonly frame: number[]; readonly open: OpenChecksum | undefined }[] = [];
  readonly frames: Frame[] = [];
  readonly dropped = { malformed: 0, refused: 0, overflow: 0 };
  taker: Taker | undefined;

  send(frame: Uint8Array<ArrayBuffer>, open: OpenChecksum | undefined): void {
    this.sent.push({ frame: [...frame], open });
  }

  peek(taker: Taker): Frame | undefined {
    this.taker = taker;
    return this.frames[0];
  }

  shift(): void {
    this.frames.shift();
  }
}

function createCard(features: number, words = new Int32Array(new SharedArrayBuffer(4 * NET_WORDS))) {
  const network = new ScriptedNetwork();
  let wakes = 0;
  const rig = createRig(
    (memory) => new VirtioNet({ words, memory, mac: 0x52_54_00_12_34_56, network: () => network }),
    VIRTIO_NET.queues,
    () => wakes++,
  );
  const receive = new VirtioDriver(rig, { size: SIZE, features, queue: NET_QUEUE.RECEIVE });
  const transmit = new VirtioDriver(rig, {
    ...{ size: SIZE, features, queue: NET_QUEUE.TRANSMIT, rings: TRANSMIT_RINGS, start: false },
  });
  transmit.makeReady();
  const work = () => {
    while (rig.device.work());
  };
  return { ...rig, words, network, receive, transmit, work, wakes: () => wakes };
}

const bytes = (count: number, start = 1) => Uint8Array.from({ length: count }, (_, index) => start + index);
const room = (address: number, length: number): Piece => ({ address, length, write: true });
/** Flags, kind of segments, bytes of headers, bytes of a segment, start and offset of the checksum, buffers. */
const header = (...[flags, kind, headers, segment, start, offset, buffers]: number[]) => {
  const view = new DataView(new ArrayBuffer(NET_HEADER.BYTES));
  view.setUint8(0, flags);
  view.setUint8(1, kind);
  for (const [index, value] of [headers, segment, start, offset, buffers].entries())
    view.setUint16(2 + 2 * index, value, true);
  return new Uint8Array(view.buffer);
};

test('the driver finds the address of the card, and that its link is up', () => {
  const { device, receive } = createCard(0);
  const config = [0, 1, 2, 3, 4, 5].map((at) => device.read(REG.CONFIG + at, 1));
  expect(config).toEqual([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
  expect([device.read(REG.CONFIG + 6, 2), receive.get(REG.DEVICE_ID)]).toEqual([1, 1]);
});

test('a frame that goes out', () => {
  const { transmit, network, memory, work, wakes } = createCard(NET_FEATURE.CSUM);
  memory.copyIn(BUFFERS, header(1, 0, 0, 0, 34, 6, 0));
  memory.copyIn(BUFFERS + 0x100, bytes(60));
  const before = wakes();
  transmit.add([
    { address: BUFFERS, length: 12 },
    { address: BUFFERS + 0x100, length: 60 },
  ]);
  transmit.notify();
  expect([wakes() - before, network.sent]).toEqual([1, []]);
  work();
  expect(network.sent).toEqual([{ frame: [...bytes(60)], open: { start: 34, at: 40 } }]);
  expect(transmit.take()).toEqual([{ head: 0, written: 0 }]);
});

test('what passes and what is dropped is counted, however often its network begins anew', () => {
  const { transmit, receive, network, work, words } = createCard(NET_FEATURE.CSUM);
  const card = new VirtioNetHost(words).network;
  const send = () => {
    transmit.add([{ address: BUFFERS, length: 12 + 60 }]);
    transmit.notify();
    work();
  };
  network.dropped.refused = 2;
  send();
  network.dropped.refused = 3;
  network.dropped.overflow = 1;
  send();
  network.frames.push({ bytes: bytes(20) });
  receive.add([room(BUFFERS, 100)]);
  receive.notify();
  work();
  const counts = { sent: 2, received: 1, malformed: 0, refused: 3, overflow: 1 };
  expect(card.counts()).toEqual(counts);

  const restored = createCard(NET_FEATURE.CSUM, words);
  restored.network.dropped.refused = 1;
  restored.transmit.add([{ address: BUFFERS, length: 12 + 60 }]);
  restored.transmit.notify();
  restored.work();
  expect(card.counts()).toEqual({ ...counts, sent: 3, refused: 4 });
});

test('a frame that comes in takes as many buffers as it needs', () => {
  const { receive, network, memory, work, level } = createCard(GUEST_CSUM | GUEST_TSO4 | MRG_RXBUF);
  const segments = { bytes: 20, headers: 54 };
  network.frames.push({ bytes: bytes(100), open: { start: 34, at: 50 }, segments }, { bytes: bytes(20) });
  receive.add([room(BUFFERS, 10), room(BUFFERS + 0x100, 40)]);
  receive.add([room(BUFFERS + 0x200, 50)]);
  work();
  // It waits until all of it fits.
  expect([network.frames.length, receive.take(), network.taker]).toEqual([
    2,
    [],
    { openChecksums: true, longFrames: true },
  ]);
  for (const at of [0x300, 0x400]) receive.add([room(BUFFERS + at, 50)]);
  receive.notify();
  work();
  expect(receive.take()).toEqual([
    { head: 0, written: 50 },
    { head: 2, written: 50 },
    { head: 3, written: 12 },
    { head: 4, written: 32 },
  ]);
  const head = header(1, 1, 54, 20, 34, 16, 3);
  expect(memory.copyOut(BUFFERS, 10)).toEqual(head.subarray(0, 10));
  expect(memory.copyOut(BUFFERS + 0x100, 2)).toEqual(head.subarray(10));
  expect(memory.copyOut(BUFFERS + 0x102, 38)).toEqual(bytes(38));
  expect(memory.copyOut(BUFFERS + 0x200, 50)).toEqual(bytes(50, 39));
  expect(memory.copyOut(BUFFERS + 0x300, 12)).toEqual(bytes(12, 89));
  expect(memory.copyOut(BUFFERS + 0x400, 12)).toEqual(header(2, 0, 0, 0, 0, 0, 1));
  expect([network.frames, level()]).toEqual([[], true]);
});

test('a driver without checksums gets whole ones, and none with many segments', () => {
  const { receive, network, memory, work } = createCard(0);
  network.frames.push(
    { bytes: bytes(60), segments: { bytes: 20, headers: 20 } },
    { bytes: Uint8Array.of(1, 2, 3, 4, 0, 0), open: { start: 0, at: 4 } },
    { bytes: bytes(90) },
    { bytes: bytes(4) },
  );
  for (const at of [0, 0x100]) receive.add([room(BUFFERS + at, 60)]);
  work();
  expect(receive.take()).toEqual([
    { head: 0, written: 18 },
    { head: 1, written: 16 },
  ]);
  expect(memory.copyOut(BUFFERS, 18)).toEqual(
    Uint8Array.of(...header(0, 0, 0, 0, 0, 0, 1), 1, 2, 3, 4, 0xfb, 0xf9),
  );
  expect(memory.copyOut(BUFFERS + 0x10c, 4)).toEqual(bytes(4));
});

describe('a driver that breaks the rules', () => {
  test.each<[string, (card: ReturnType<typeof createCard>) => void]>([
    ['has a frame without a header', ({ transmit }) => transmit.add([{ address: BUFFERS, length: 11 }])],
    ['has a buffer that is to be read', ({ receive }) => receive.add([{ address: BUFFERS, length: 99 }])],
    ['has a buffer without room for a header', ({ receive }) => receive.add([room(BUFFERS, 11)])],
    ['has a buffer outside of RAM', ({ receive }) => receive.add([room(8, 100)])],
    ['counts its buffers wrong', ({ memory }) => memory.store16(RAM + 0x1002, 1000)],
  ])('and %s stops the card until it is reset', (_, mistake) => {
    const card = createCard(0);
    const { receive, transmit, network, work } = card;
    network.frames.push({ bytes: bytes(4) });
    mistake(card);
    transmit.notify();
    work();
    expect(receive.status & DEVICE_STATUS.NEEDS_RESET).toBe(DEVICE_STATUS.NEEDS_RESET);
    expect(receive.acknowledge()).toBe(INTERRUPT.CONFIG_CHANGE);
    receive.start();
    receive.added = receive.taken = 0;
    receive.add([room(BUFFERS, 100)]);
    work();
    expect(receive.take()).toHaveLength(1);
  });

  test('does no more than stop it, whatever is in its rings', () => {
    const word = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xff }), fc.integer());
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff }),
        fc.array(word, { minLength: 1, maxLength: 400 }),
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
        (features, words, frames) => {
          const { network, memory, receive, transmit, work } = createCard(features & 0x8883);
          for (const frame of frames) network.frames.push({ bytes: frame });
          for (const start of [RAM, RAM + 0x4000])
            for (const [index, each] of words.entries()) memory.write32(start + 4 * index, each);
          for (const [index, each] of words.slice(0, 20).entries()) {
            memory.write16(RAM + 0x1004 + 2 * index, each & 0x3f);
            memory.write16(RAM + 0x5004 + 2 * index, each & 0x3f);
          }
          for (const start of [RAM + 0x1000, RAM + 0x5000]) memory.store16(start + 2, words[0] & 0x3f);
          receive.notify();
          transmit.notify();
          work();
          expect(network.sent.length).toBeLessThanOrEqual(SIZE);
          receive.put(REG.STATUS, 0);
          expect(receive.status).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
