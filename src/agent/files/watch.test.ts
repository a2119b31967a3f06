import { expect, test, vi } from 'vitest';
import { AgentConnection } from '../connection.ts';
import { encodeFrame } from '../frame.ts';
import { helloPayload } from '../hello.ts';
import { PayloadWriter } from '../payload.ts';
import { CHANNEL, FRAME, PROTOCOL } from '../protocol.ts';
import { Files } from './files.ts';
import { IN } from './inotify.ts';

/** A watched folder of an agent that is this test. */
async function watched() {
  let holds = 0;
  const connection = new AgentConnection(() => {
    holds++;
    let isHeld = true;
    return () => {
      if (isHeld) holds--;
      isHeld = false;
    };
  });
  let requests = 0;
  connection.attach({
    input: (bytes) => {
      if (bytes[8] === FRAME.WATCH) requests++;
      return bytes.length;
    },
  });
  connection.opened(true);
  connection.output(encodeFrame(0, FRAME.HELLO, helloPayload({ version: PROTOCOL.VERSION, pid: 7 })));
  const opening = new Files(connection).watch('/tmp');
  await vi.waitFor(() => expect(requests).toBe(1));
  connection.output(encodeFrame(1, FRAME.STARTED, new Uint8Array([1, 0, 0, 0])));
  const reader = (await opening).getReader();
  const happen = (name: string) => {
    const event = new PayloadWriter()
      .u32(1)
      .u32(IN.created)
      .u32(0)
      .u32(name.length + 1)
      .text(name).payload;
    connection.output(encodeFrame(1, FRAME.DATA, event.slice(), CHANNEL.OUT));
  };
  return { reader, happen, connection, held: () => holds };
}

test('a program does not come to its end while an event is waited for', async () => {
  const { reader, happen, held } = await watched();
  expect(held()).toBe(0);
  const first = reader.read();
  await vi.waitFor(() => expect(held()).toBe(1));
  happen('a');
  expect(await first).toEqual({ done: false, value: { kind: 'created', name: 'a' } });
  await vi.waitFor(() => expect(held()).toBe(0));
  // Those that came meanwhile need not be waited for.
  happen('b');
  happen('c');
  expect([await reader.read(), await reader.read()].map(({ value }) => value?.name)).toEqual(['b', 'c']);
  await vi.waitFor(() => expect(held()).toBe(0));
});

test.each([
  ['it is given up', ({ reader }: Awaited<ReturnType<typeof watched>>) => void reader.cancel()],
  ['the agent is gone', ({ connection }: Awaited<ReturnType<typeof watched>>) => connection.opened(false)],
])('nor is it held when %s', async (_, end) => {
  const all = await watched();
  const waiting = all.reader.read().catch(() => undefined);
  await vi.waitFor(() => expect(all.held()).toBe(1));
  end(all);
  await waiting;
  await vi.waitFor(() => expect(all.held()).toBe(0));
});
