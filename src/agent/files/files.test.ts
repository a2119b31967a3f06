import { expect, test } from 'vitest';
import { AgentConnection } from '../connection.ts';
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
