import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { BUFFER_BYTES, QUEUE_SIZE, QueuesDriver } from '../../../test/devices/queues-driver.ts';
import { createRam } from '../../../test/devices/virtio-driver.ts';
import type { GuestStream, StreamBackend, StreamEnd } from '../backends.ts';
import { VirtioMmio } from '../virtio/mmio.ts';
import { DEVICE_STATUS, REG } from '../virtio/registers.ts';
import { virtioWords } from '../virtio/words.ts';
import { STREAM_BUFFER } from './connection.ts';
import { VirtioVsock } from './device.ts';
import { HEADER, OP, SHUTDOWN, VIRTIO_VSOCK, VSOCK_FEATURE, VSOCK_QUEUE } from './facts.ts';
import { VSOCK_WORDS } from './words.ts';

const CID = 77;
const PORT = 5000;
/** The port of the guest's program. */
const OWN = 9;
/** Bytes of data in a buffer of this driver. */
const DATA = BUFFER_BYTES - HEADER.BYTES;
const ROOM = 1 << 20;

interface Sent {
  readonly op: number;
  readonly guestPort?: number;
  readonly hostPort?: number;
  readonly flags?: number;
  readonly buffer?: number;
  readonly forwarded?: number;
  readonly type?: number;
  readonly data?: Uint8Array;
  /** The length in the header, if that is not the truth. */
  readonly length?: number;
}

interface Received {
  readonly op: number;
  readonly hostPort: number;
  readonly guestPort: number;
  readonly flags: number;
  readonly buffer: number;
  readonly forwarded: number;
  readonly data: readonly number[];
}

/** A driver of sockets, by packets. */
class VsockDriver extends QueuesDriver {
  packet({ op, data = new Uint8Array(), ...rest }: Sent): void {
    const bytes = new Uint8Array(HEADER.BYTES + data.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(HEADER.SOURCE_CID, CID, true);
    view.setUint32(HEADER.DESTINATION_CID, 2, true);
    view.setUint32(HEADER.SOURCE_PORT, rest.guestPort ?? OWN, true);
    view.setUint32(HEADER.DESTINATION_PORT, rest.hostPort ?? PORT, true);
    view.setUint32(HEADER.LENGTH, rest.length ?? data.length, true);
    view.setUint16(HEADER.TYPE, rest.type ?? 1, true);
    view.setUint16(HEADER.OP, op, true);
    view.setUint32(HEADER.FLAGS, rest.flags ?? 0, true);
    view.setUint32(HEADER.BUFFER, rest.buffer ?? ROOM, true);
    view.setUint32(HEADER.FORWARDED, rest.forwarded ?? 0, true);
    bytes.set(data, HEADER.BYTES);
    this.send(VSOCK_QUEUE.TRANSMIT, bytes);
  }

  packets(): Received[] {
    return this.received(VSOCK_QUEUE.RECEIVE).map((bytes) => {
      const view = new DataView(bytes.slice().buffer);
      return {
        op: view.getUint16(HEADER.OP, true),
        hostPort: view.getUint32(HEADER.SOURCE_PORT, true),
        guestPort: view.getUint32(HEADER.DESTINATION_PORT, true),
        flags: view.getUint32(HEADER.FLAGS, true),
        buffer: view.getUint32(HEADER.BUFFER, true),
        forwarded: view.getUint32(HEADER.FORWARDED, true),
        data: [...bytes.subarray(HEADER.BYTES)],
      };
    });
  }

  /** Gives buffers for packets to come. */
  offerAll(count = QUEUE_SIZE): void {
    for (let index = 0; index < count; index++) this.offer(VSOCK_QUEUE.RECEIVE);
  }
}

/** The reader of a stream, as far as it has heard. */
interface Reader extends StreamBackend {
  /** The promise with which it answers output. */
  busy: Promise<void> | undefined;
  readonly text: readonly number[];
  ended: boolean;
  end: StreamEnd | undefined;
}

function createReader() {
  const output: number[] = [];
  const reader: Reader = {
    busy: undefined,
    text: output,
    ended: false,
    end: undefined,
    connected: vi.fn<() => void>(),
    inputSpace: vi.fn<() => void>(),
    output: (bytes: Uint8Array) => {
      output.push(...bytes);
      return reader.busy;
    },
    outputEnded: () => {
      reader.ended = true;
    },
    closed: (end: StreamEnd) => {
      expect(reader.end).toBeUndefined();
      reader.end = end;
    },
  };
  return reader;
}

function create() {
  const memory = createRam();
  const words = virtioWords(VIRTIO_VSOCK.queues.length);
  const shared = new Int32Array(new SharedArrayBuffer(4 * (words + VSOCK_WORDS)));
  const told = vi.fn<() => void>();
  const irq = { set: vi.fn<(level: boolean) => void>() };
  const device = new VirtioVsock(shared.subarray(words), { memory, cid: CID, onNotify: told });
  const transport = new VirtioMmio(shared, device, VIRTIO_VSOCK.queues, { memory, irq });
  const readers: Reader[] = [];
  const streams: GuestStream[] = [];
  const vsock = {
    connected: (port: number, stream: GuestStream) => {
      if (port !== PORT) return undefined;
      streams.push(stream);
      const reader = createReader();
      readers.push(reader);
      return reader;
    },
  };
  const side = transport.connect({ console: { output: () => undefined }, vsock });
  const sockets = side?.sockets;
  if (side === undefined || sockets === undefined) throw new Error('there is no host side');
  const access: Pick<VirtioMmio, 'write'> = {
    write: (offset, width, value) => {
      transport.write(offset, width, value);
      if (told.mock.calls.length === 0) return;
      told.mockClear();
      side.hear(0);
    },
  };
  const drive = () => new VsockDriver(access, memory, VIRTIO_VSOCK.queues.length, VSOCK_FEATURE.STREAM);
  return { driver: drive(), drive, transport, side, sockets, readers, streams };
}

/** With a connection that the guest has asked for. */
async function createOpen(buffer = ROOM) {
  const rig = create();
  rig.driver.offerAll();
  rig.driver.packet({ op: OP.REQUEST, buffer });
  await settled();
  expect(rig.driver.packets().map(({ op }) => op)).toEqual([OP.RESPONSE]);
  rig.driver.offerAll(1);
  return { ...rig, reader: rig.readers[0], stream: rig.streams[0] };
}

/** Waits for the work at the end of the event. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const bytes = (content: string) => new TextEncoder().encode(content);
const text = (content: readonly number[]) => String.fromCharCode(...content);
const opsOf = (packets: readonly Received[]) => packets.map(({ op }) => op);

test("the guest's address is in the configuration space", () => {
  const { transport } = create();
  expect([transport.read(REG.CONFIG, 4), transport.read(REG.CONFIG + 4, 4)]).toEqual([CID, 0]);
});

describe('a connection that the guest asks for', () => {
  test('carries bytes both ways', async () => {
    const { driver, reader, stream } = await createOpen();
    driver.packet({ op: OP.RW, data: bytes('to the host') });
    expect(text(reader.text)).toBe('to the host');
    expect(stream.input(bytes('to the guest'))).toBe(12);
    const [packet] = driver.packets();
    expect([packet.op, packet.hostPort, packet.guestPort, text(packet.data)]).toEqual([
      ...[OP.RW, PORT, OWN],
      'to the guest',
    ]);
    expect([packet.buffer, packet.forwarded]).toEqual([STREAM_BUFFER, 11]);
  });

  test.each<[string, Partial<Sent>]>([
    ['a port where nobody listens', { hostPort: 1 }],
    ['another type of socket', { type: 2 }],
  ])('is refused at %s', async (_, request) => {
    const { driver, readers } = create();
    driver.offerAll();
    driver.packet({ op: OP.REQUEST, ...request });
    await settled();
    expect(opsOf(driver.packets())).toEqual([OP.RST]);
    expect(readers).toEqual([]);
  });

  test('is answered when there is a buffer for it, and then it takes input', async () => {
    const { driver, streams } = create();
    driver.packet({ op: OP.REQUEST });
    await settled();
    expect(streams[0].input(bytes('in'))).toBe(0);
    driver.offerAll(2);
    await settled();
    expect(streams[0].input(bytes('in'))).toBe(2);
    expect(opsOf(driver.packets())).toEqual([OP.RESPONSE, OP.RW]);
  });

  test('is refused however many there are at once, as there are buffers, and none is forgotten', async () => {
    const { driver } = create();
    for (let guestPort = 0; guestPort < 140; guestPort++)
      driver.packet({ op: OP.REQUEST, guestPort, hostPort: 1 });
    const refused: number[] = [];
    for (let round = 0; round < 20; round++) {
      driver.offerAll(8);
      await settled();
      refused.push(...driver.packets().map(({ guestPort }) => guestPort));
    }
    expect(refused).toEqual(Array.from({ length: 140 }, (_, index) => index));
  });

  test('of which there are too many is refused', async () => {
    const { driver, streams } = create();
    let refused = 0;
    for (let guestPort = 0; guestPort < 600; guestPort++) {
      driver.offerAll(1);
      driver.packet({ op: OP.REQUEST, guestPort });
      await settled();
      refused += driver.packets().filter(({ op }) => op === OP.RST).length;
    }
    expect([streams.length, refused]).toEqual([512, 88]);
  });
});

describe('a connection that the host asks for', () => {
  test('begins when the guest accepts it', async () => {
    const { driver, sockets } = create();
    driver.offerAll();
    const reader = createReader();
    const stream = sockets.connect(22, reader);
    await settled();
    const [{ op, hostPort, guestPort }] = driver.packets();
    expect([op, hostPort, guestPort]).toEqual([OP.REQUEST, stream.hostPort, 22]);
    expect(stream.input(bytes('early'))).toBe(0);
    driver.packet({ op: OP.RESPONSE, guestPort: 22, hostPort });
    expect(reader.connected).toHaveBeenCalledOnce();
    expect(reader.inputSpace).toHaveBeenCalled();
    expect(stream.input(bytes('in'))).toBe(2);
  });

  test('is refused by a guest where nobody listens, and by a driver that begins anew', async () => {
    const { driver, sockets, drive } = create();
    driver.offerAll();
    const [one, two] = [createReader(), createReader()];
    const stream = sockets.connect(22, one);
    driver.packet({ op: OP.RST, guestPort: 22, hostPort: stream.hostPort });
    expect(one.end).toBe('refused');
    sockets.connect(22, two);
    drive();
    expect(two.end).toBe('refused');
  });

  test.each([-1, 2 ** 32 - 1, 0.5])('has no port %s', (port) => {
    expect(() => create().sockets.connect(port, createReader())).toThrow(RangeError);
  });
});

describe('credit', () => {
  test('of the guest bounds what is sent, and is asked for', async () => {
    const { driver, stream, reader } = await createOpen(10);
    expect(stream.input(bytes('0123456789abcdef'))).toBe(10);
    await settled();
    expect(driver.packets().map(({ op, data }) => [op, text(data)])).toEqual([
      [OP.RW, '0123456789'],
      [OP.CREDIT_REQUEST, ''],
    ]);
    driver.packet({ op: OP.CREDIT_UPDATE, buffer: 10, forwarded: 0 });
    expect(reader.inputSpace).not.toHaveBeenCalled();
    driver.packet({ op: OP.CREDIT_UPDATE, buffer: 10, forwarded: 4 });
    expect(reader.inputSpace).toHaveBeenCalledOnce();
    expect(stream.input(bytes('abcdef'))).toBe(4);
  });

  test('of the host is what its reader has read', async () => {
    const { driver, reader } = await createOpen();
    const { promise, resolve } = Promise.withResolvers<void>();
    reader.busy = promise;
    // Never more at once than this driver has room for in a buffer.
    const piece = new Uint8Array(DATA).fill(1);
    let sent = 0;
    for (; sent + DATA <= STREAM_BUFFER; sent += DATA) driver.packet({ op: OP.RW, data: piece });
    expect(reader.text.length).toBe(DATA);
    reader.busy = undefined;
    resolve();
    await settled();
    expect(reader.text.length).toBe(sent);
    const [{ op, forwarded }] = driver.packets();
    expect([op, forwarded]).toEqual([OP.CREDIT_UPDATE, sent]);
  });

  test('is told when the guest asks', async () => {
    const { driver } = await createOpen();
    driver.packet({ op: OP.RW, data: bytes('abc') });
    driver.packet({ op: OP.CREDIT_REQUEST });
    await settled();
    expect(driver.packets().map(({ op, forwarded }) => [op, forwarded])).toEqual([[OP.CREDIT_UPDATE, 3]]);
  });

  test('that is overdrawn ends the stream', async () => {
    const { driver, reader } = await createOpen();
    reader.busy = new Promise(() => undefined);
    for (let sent = 0; sent <= STREAM_BUFFER; sent += DATA)
      driver.packet({ op: OP.RW, data: new Uint8Array(DATA) });
    await settled();
    expect([reader.end, opsOf(driver.packets())]).toEqual(['reset', [OP.RST]]);
  });
});

describe('the end', () => {
  test('of what the guest sends leaves the other way open', async () => {
    const { driver, reader, stream } = await createOpen();
    driver.packet({ op: OP.RW, data: bytes('last') });
    driver.packet({ op: OP.SHUTDOWN, flags: SHUTDOWN.SEND });
    expect([text(reader.text), reader.ended, reader.end]).toEqual(['last', true, undefined]);
    expect(stream.input(bytes('still'))).toBe(5);
  });

  test('comes to both when both have said it, and the guest confirms by a reset', async () => {
    const { driver, reader, stream } = await createOpen();
    stream.endInput();
    await settled();
    expect(stream.input(bytes('late'))).toBe(0);
    driver.packet({ op: OP.SHUTDOWN, flags: SHUTDOWN.SEND });
    await settled();
    expect(driver.packets().map(({ op, flags }) => [op, flags])).toEqual([
      [OP.SHUTDOWN, SHUTDOWN.SEND],
      [OP.SHUTDOWN, SHUTDOWN.BOTH],
    ]);
    expect(reader.end).toBeUndefined();
    driver.packet({ op: OP.RST });
    expect(reader.end).toBe('closed');
  });

  test('of a guest that closes is confirmed when all is read', async () => {
    const { driver, reader } = await createOpen();
    const { promise, resolve } = Promise.withResolvers<void>();
    reader.busy = promise;
    driver.packet({ op: OP.RW, data: bytes('a') });
    driver.packet({ op: OP.RW, data: bytes('b') });
    driver.packet({ op: OP.SHUTDOWN, flags: SHUTDOWN.BOTH });
    await settled();
    expect([text(reader.text), opsOf(driver.packets())]).toEqual(['a', []]);
    reader.busy = undefined;
    resolve();
    await settled();
    expect([text(reader.text), reader.ended, reader.end]).toEqual(['ab', true, 'closed']);
    expect(opsOf(driver.packets())).toEqual([OP.RST]);
  });

  test.each<[string, (rig: Awaited<ReturnType<typeof createOpen>>) => void, StreamEnd | undefined]>([
    ['by a reset of the guest', ({ driver }) => driver.packet({ op: OP.RST }), 'reset'],
    ['by a driver that begins anew', ({ drive }) => void drive(), 'reset'],
    ['by a packet that nobody knows', ({ driver }) => driver.packet({ op: 99 }), 'reset'],
    ['by a second request', ({ driver }) => driver.packet({ op: OP.REQUEST }), 'reset'],
    ['by the end of the machine', ({ side }) => side.finish?.(), 'reset'],
    ['by the host, which knows', ({ stream }) => stream.reset(), undefined],
  ])('comes at once %s', async (_, act, end) => {
    const rig = await createOpen();
    act(rig);
    await settled();
    expect(rig.reader.end).toBe(end);
    expect(rig.stream.input(bytes('x'))).toBe(0);
  });

  test('of a machine gives the reader what the guest had sent', async () => {
    const { driver, reader, side } = await createOpen();
    reader.busy = new Promise(() => undefined);
    for (const word of ['a', 'b', 'c']) driver.packet({ op: OP.RW, data: bytes(word) });
    side.pause?.();
    driver.packet({ op: OP.RW, data: bytes('d') });
    side.finish?.();
    expect([text(reader.text), reader.ended, reader.end]).toEqual(['abcd', false, 'reset']);
  });
});

test('while the machine is paused nothing moves', async () => {
  const { driver, side, stream, reader } = await createOpen();
  side.pause?.();
  driver.packet({ op: OP.RW, data: bytes('x') });
  stream.endInput();
  await settled();
  expect([stream.input(bytes('in')), text(reader.text), driver.packets()]).toEqual([0, '', []]);
  side.resume?.();
  await settled();
  expect([text(reader.text), opsOf(driver.packets())]).toEqual(['x', [OP.SHUTDOWN]]);
});

test('bytes arrive as they were sent, however they are cut, and whatever room there is', async () => {
  const step = fc.record({
    toGuest: fc.nat(300),
    toHost: fc.nat(DATA),
    buffers: fc.nat(6),
    read: fc.nat(300),
    busy: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 400 }),
      fc.array(step, { maxLength: 40 }),
      async (buffer, steps) => {
        const { driver, reader, stream } = await createOpen(buffer);
        const [sentIn, sentOut, got]: number[][] = [[], [], []];
        let [offered, read] = [QUEUE_SIZE, 0];
        const pattern = (from: number, count: number) =>
          Uint8Array.from({ length: count }, (_, index) => (from + index) % 251);
        const receive = () => {
          for (const { op, data } of driver.packets()) {
            offered--;
            if (op === OP.RW) got.push(...data);
          }
          expect(got.length - read).toBeLessThanOrEqual(buffer);
        };
        for (const { toGuest, toHost, buffers, ...rest } of steps) {
          const piece = pattern(sentIn.length, toGuest);
          sentIn.push(...piece.subarray(0, stream.input(piece)));
          reader.busy = rest.busy ? settled().then(() => undefined) : undefined;
          const out = pattern(sentOut.length, toHost);
          sentOut.push(...out);
          receive();
          driver.packet({ op: OP.RW, data: out, buffer, forwarded: read });
          await settled();
          receive();
          read = Math.min(got.length, read + rest.read);
          driver.packet({ op: OP.CREDIT_UPDATE, buffer, forwarded: read });
          for (let more = Math.min(buffers, QUEUE_SIZE - offered); more > 0; more--, offered++)
            driver.offer(VSOCK_QUEUE.RECEIVE);
        }
        await settled();
        await settled();
        receive();
        expect(got).toEqual(sentIn);
        expect(reader.text).toEqual(sentOut);
        expect(reader.end).toBeUndefined();
      },
    ),
    { numRuns: 60 },
  );
});

test('whatever packets the guest sends, the device answers or asks for a reset, and works after that', async () => {
  const packet = fc.record({
    op: fc.nat(9),
    guestPort: fc.constantFrom(OWN, 10, 0xffff_ffff),
    hostPort: fc.constantFrom(PORT, 0, 0xffff_ffff),
    flags: fc.nat(0xff),
    buffer: fc.constantFrom(0, 1, 0xffff_ffff),
    forwarded: fc.constantFrom(0, 1, 0x8000_0000, 0xffff_ffff),
    type: fc.nat(2),
    data: fc.uint8Array({ maxLength: DATA }),
    length: fc.option(fc.constantFrom(0, 1, 0x1_0000, 0x1_0001, 0xffff_ffff), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(packet, { maxLength: 30 }), async (packets) => {
      const { driver, transport, streams, drive } = create();
      driver.offerAll();
      for (const { length, ...each } of packets) {
        driver.packet({ ...each, ...(length === undefined ? {} : { length }) });
        for (const stream of streams) stream.input(bytes('abc'));
        await settled();
        if ((transport.read(REG.STATUS, 4) & DEVICE_STATUS.NEEDS_RESET) !== 0) break;
      }
      const next = drive();
      next.offerAll();
      next.packet({ op: OP.REQUEST });
      await settled();
      expect(opsOf(next.packets())).toEqual([OP.RESPONSE]);
    }),
    { numRuns: 150 },
  );
});

describe('in a machine that is restored', () => {
  test('the driver hears that its connections are gone, and nobody takes their packets any more', async () => {
    const { driver, side } = create();
    driver.offerAll();
    driver.offer(VSOCK_QUEUE.EVENT);
    side.restored?.();
    side.resume?.();
    expect(driver.received(VSOCK_QUEUE.EVENT).map((event) => [...event])).toEqual([[0, 0, 0, 0]]);
    driver.packet({ op: OP.RW, data: bytes('still there?') });
    await settled();
    expect(opsOf(driver.packets())).toEqual([OP.RST]);
  });

  test('a driver without a buffer for the event goes on', () => {
    const { driver, side } = create();
    side.restored?.();
    expect(driver.received(VSOCK_QUEUE.EVENT)).toEqual([]);
  });
});
