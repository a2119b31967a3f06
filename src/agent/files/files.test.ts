import { expect, test } from 'vitest';
import { AgentConnection } from '../connection.ts';
import { encodeFrame } from '../frame.ts';
import { helloPayload } from '../hello.ts';
import { CHANNEL, FRAME, PROTOCOL } from '../protocol.ts';
import { Files } from './files.ts';

/** No agent ever answers: what is refused is refused without one. */
const files = new Files(new AgentConnection());

test.each([
  ['maxBytes: NaN', () => files.read('/a', { maxBytes: Number.NaN })],
  ['offset: -1', () => files.read('/a', { offset: -1 })],
  ['length: 0.5', () => files.stream('/a', { length: 0.5 })],
  ['mode: 4096', () => files.write('/a', '', { mode: 0o10000 })],
  ['mode: -1', () => files.mkdir('/a', { mode: -1 })],
  ['mode: NaN', () => files.chmod('/a', Number.NaN)],
  // As a program in JavaScript gives it, which no compiler reads.
  [
    'how: "overwrite" is not possible: give one of replace,',
    () => files.write('/a', '', JSON.parse('{"how":"overwrite"}')),
  ],
])('%s is refused', async (text, request) => {
  await expect(request()).rejects.toMatchObject({ code: 'input', message: expect.stringContaining(text) });
});

test('the stream of a file fails with the reason of its signal, and the agent is told', async () => {
  const connection = new AgentConnection();
  const types: number[] = [];
  connection.attach({
    input: (bytes) => {
      types.push(bytes[8]);
      return bytes.length;
    },
  });
  connection.opened(true);
  connection.output(encodeFrame(0, FRAME.HELLO, helloPayload({ version: PROTOCOL.VERSION, pid: 7 })));
  const controller = new AbortController();
  const stream = await new Files(connection).stream('/a', { signal: controller.signal });
  const reader = stream.getReader();
  connection.output(encodeFrame(1, FRAME.DATA, new Uint8Array(8), CHANNEL.OUT));
  expect(await reader.read()).toMatchObject({ done: false });
  controller.abort(new Error('enough'));
  await expect(reader.read()).rejects.toThrow('enough');
  expect(types.slice(-2)).toEqual([FRAME.READ, FRAME.CANCEL]);
});
