import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { AgentConnection, type StreamHandler } from './connection.ts';
import { encodeFrame, type Frame, FrameDecoder } from './frame.ts';
import { helloPayload } from './hello.ts';
import { PayloadWriter } from './payload.ts';
import { CHANNEL, FRAME, PROTOCOL } from './protocol.ts';

const hello = (version: number = PROTOCOL.VERSION) =>
  encodeFrame(0, FRAME.HELLO, helloPayload({ version, pid: 7 }));
const u32 = (...values: number[]) =>
  values.reduce((writer, value) => writer.u32(value), new PayloadWriter()).payload;

/** A connection whose guest is this test. */
async function connect() {
  const connection = new AgentConnection();
  const sent: Uint8Array[] = [];
  let room = Number.POSITIVE_INFINITY;
  connection.attach({
    input: (bytes) => {
      const taken = Math.min(room, bytes.length);
      if (taken > 0) sent.push(bytes.slice(0, taken));
      room -= taken;
      return taken;
    },
  });
  connection.opened(true);
  await Promise.resolve();
  sent.length = 0;
  const streamOf = (handler: Partial<StreamHandler>, bytes = 0) =>
    connection.open(
      { type: FRAME.READ, payload: u32(1), windows: [{ channel: CHANNEL.OUT, bytes }] },
      { done: () => undefined, failed: () => undefined, ...handler },
    );
  return {
    ...{ connection, sent, streamOf },
    limit: (bytes: number) => {
      room = bytes;
    },
    greet: () => connection.output(hello()),
  };
}

describe('frames', () => {
  test('come whole, however they are cut, and data as it comes', () => {
    const frame = fc.oneof(
      fc.record({
        type: fc.constant(FRAME.DATA),
        payload: fc.uint8Array({ minLength: 1, maxLength: 300 }),
        channel: fc.integer({ min: 0, max: 2 }),
      }),
      fc.record({
        type: fc.constant(FRAME.DONE),
        payload: fc.uint8Array({ minLength: 4, maxLength: 300 }),
        channel: fc.constant(0),
      }),
      fc.record({
        type: fc.constant(FRAME.END),
        payload: fc.constant(new Uint8Array()),
        channel: fc.constant(1),
      }),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, sizes) => {
        const bytes = frames.flatMap(({ type, payload, channel }, index) => [
          ...encodeFrame(index, type, payload, channel),
        ]);
        const seen: Frame[] = [];
        const decoder = new FrameDecoder((each) => seen.push(each));
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length];
          decoder.take(Uint8Array.from(bytes.slice(at, at + size)));
          at += size;
        }
        const joined = frames.map(({ type, channel }, stream) => {
          const parts = seen.filter((each) => each.stream === stream);
          expect(parts.every((each) => each.type === type && each.channel === channel)).toBe(true);
          return parts.flatMap(({ payload }) => [...payload]);
        });
        expect(joined).toEqual(frames.map(({ payload }) => [...payload]));
      }),
    );
  });
});

describe('the beginning of a connection', () => {
  test('is found behind whatever an agent before has left, however it is cut', async () => {
    const noise = fc.array(fc.oneof(fc.constant(16), fc.constant(0), fc.nat(255)), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(noise, fc.integer({ min: 1, max: 30 }), async (before, size) => {
        const { connection } = await connect();
        const bytes = Uint8Array.from([...before, ...hello()]);
        for (let at = 0; at < bytes.length; at += size) connection.output(bytes.subarray(at, at + size));
        expect(await connection.ready()).toEqual({ version: PROTOCOL.VERSION, pid: 7 });
      }),
    );
  });

  test('is the last of several greetings: a machine was saved, and saved again before its agent answered', async () => {
    const { connection, streamOf } = await connect();
    connection.output(Uint8Array.from([...hello(), ...hello()]));
    const done = vi.fn<StreamHandler['done']>();
    streamOf({ done });
    connection.output(hello());
    expect(await connection.ready()).toMatchObject({ pid: 7 });
    connection.output(encodeFrame(1, FRAME.DONE, u32(0)));
    expect(done).toHaveBeenCalledOnce();
  });

  test('serves agents of the version before', async () => {
    const { connection } = await connect();
    connection.output(hello(2));
    expect(await connection.ready()).toEqual({ version: 2, pid: 7 });
  });

  test.each([1, 99])('fails with an agent of version %i, and for whoever gives up', async (version) => {
    const { connection } = await connect();
    await expect(connection.ready(AbortSignal.abort(new Error('no more')))).rejects.toThrow('no more');
    const ready = connection.ready();
    connection.output(hello(version));
    await expect(ready).rejects.toMatchObject({ name: 'AgentError', code: 'version' });
    await expect(connection.ready()).rejects.toMatchObject({ code: 'version' });
    connection.opened(false);
    connection.opened(true);
    connection.output(hello());
    expect(await connection.ready()).toMatchObject({ pid: 7 });
  });
});

describe('an agent that breaks the rules', () => {
  test.each<[string, Uint8Array]>([
    ['more than it may', encodeFrame(1, FRAME.DATA, new Uint8Array(11), CHANNEL.OUT)],
    ['on a channel without a window', encodeFrame(1, FRAME.DATA, new Uint8Array(1), CHANNEL.ERR)],
    ['for a stream that is not open', encodeFrame(9, FRAME.END)],
    ['for one that is over', Uint8Array.from([1, 2].flatMap(() => [...encodeFrame(1, FRAME.DONE, u32(0))]))],
    [
      'a greeting behind an answer',
      Uint8Array.from([...encodeFrame(1, FRAME.CREDIT, u32(1), CHANNEL.IN), ...hello()]),
    ],
    ['a frame of no type', encodeFrame(1, 200)],
    ['data that are too long', encodeFrame(1, FRAME.DATA, new Uint8Array(PROTOCOL.LARGEST_DATA_TO_HOST + 1))],
    ['an answer that is too long', encodeFrame(1, FRAME.DONE, new Uint8Array(PROTOCOL.LARGEST_TO_HOST + 1))],
    ['a frame that is too short', encodeFrame(1, FRAME.EXITED, u32(1))],
    ['a channel that there is not', encodeFrame(1, FRAME.DATA, new Uint8Array(1), 7)],
  ])('by %s is not listened to any more, and its streams fail', async (_, bytes) => {
    const { connection, streamOf, greet } = await connect();
    greet();
    const failed = vi.fn<(error: Error) => void>();
    streamOf({ failed }, 10);
    const other = streamOf({ failed });
    expect(other.id).toBe(2);
    connection.output(bytes);
    expect(failed.mock.calls.map(([error]) => error)).toContainEqual(
      expect.objectContaining({ code: 'protocol' }),
    );
    await expect(connection.ready()).rejects.toMatchObject({ code: 'protocol' });
    connection.output(hello());
    expect(() => streamOf({})).toThrow(/does not keep to its protocol/);
  });

  test('by taking nothing does not make the host keep more and more', async () => {
    const { connection, streamOf, greet, limit } = await connect();
    greet();
    const failed = vi.fn<(error: Error) => void>();
    const stream = streamOf({ failed });
    limit(100);
    expect(connection.room).toBeUndefined();
    for (let sent = 0; sent < 5; sent++) stream.send(FRAME.DATA, new Uint8Array(60_000));
    expect(connection.room).toBeInstanceOf(Promise);
    for (let sent = 0; sent < 300; sent++) stream.send(FRAME.DATA, new Uint8Array(60_000));
    expect(failed).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'protocol' }));
    await expect(connection.ready()).rejects.toMatchObject({ code: 'protocol' });
  });

  test('whatever it sends is either understood or refused, and the next one is served', async () => {
    const types = fc.oneof(fc.constantFrom(...Object.values(FRAME)), fc.nat(255));
    const frames = fc.array(
      fc
        .tuple(fc.nat(3), types, fc.uint8Array({ maxLength: 40 }), fc.nat(3))
        .map((parts) => encodeFrame(...parts)),
      { maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(frames, fc.uint8Array({ maxLength: 40 }), async (sent, rest) => {
        const { connection, streamOf, greet } = await connect();
        greet();
        for (let opened = 0; opened < 3; opened++) streamOf({}, 50);
        for (const frame of [...sent, rest]) connection.output(frame);
        connection.opened(false);
        connection.opened(true);
        greet();
        expect(await connection.ready()).toMatchObject({ pid: 7 });
      }),
    );
  });
});

test('what the guest has no room for is sent later, in its order', async () => {
  const { connection, sent, streamOf, greet, limit } = await connect();
  greet();
  limit(10);
  const stream = streamOf({});
  stream.send(FRAME.DATA, Uint8Array.of(1, 2, 3));
  for (let turn = 0; turn < 20; turn++) {
    limit(3);
    connection.inputSpace();
  }
  const bytes = Buffer.concat(sent);
  const expected = [encodeFrame(1, FRAME.READ, u32(1)), encodeFrame(1, FRAME.DATA, Uint8Array.of(1, 2, 3))];
  expect(bytes.equals(Buffer.concat(expected))).toBe(true);
});

test('the end of the machine ends everything, for good', async () => {
  const { connection, streamOf, greet } = await connect();
  greet();
  const failed = vi.fn<(error: Error) => void>();
  streamOf({ failed });
  connection.close(new Error('The machine has ended.'));
  expect(failed).toHaveBeenCalledWith(new Error('The machine has ended.'));
  connection.opened(true);
  await expect(connection.ready()).rejects.toThrow('The machine has ended.');
});
