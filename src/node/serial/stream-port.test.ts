import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { StreamPort } from './stream-port.ts';

/** A port whose guest takes as many bytes as there is room. */
function guest() {
  const taken: number[] = [];
  const state = { room: 0 };
  const input = (bytes: Uint8Array) => {
    const part = bytes.subarray(0, state.room);
    state.room -= part.length;
    taken.push(...part);
    return part.length;
  };
  return { state, taken, port: { name: undefined, input, resize: () => undefined } };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what comes waits until the guest has room, and keeps its order', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const { state, taken, port } = guest();
  const line = new StreamPort({ input, output });
  line.attach(port);
  input.write('abc');
  input.write('def');
  await turn();
  expect(taken).toEqual([]);
  expect(input.isPaused()).toBe(true);
  for (const room of [1, 3, 0, 9]) {
    state.room = room;
    line.inputSpace();
    await turn();
  }
  expect(String.fromCharCode(...taken)).toBe('abcdef');
});

test('what the guest writes waits for its reader, or is lost when that is gone', async () => {
  const [input, output] = [new PassThrough(), new PassThrough({ highWaterMark: 2 })];
  const line = new StreamPort({ input, output });
  expect(line.output(Buffer.from('x'))).toBeUndefined();
  const ready = line.output(Buffer.from('yz'));
  expect(ready).toBeInstanceOf(Promise);
  expect(String(output.read())).toBe('xyz');
  await ready;
  const never = line.output(Buffer.from('more'));
  output.destroy();
  await never;
  expect(line.output(Buffer.from('lost'))).toBeUndefined();
});
