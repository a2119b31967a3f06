import { expect, test } from 'vitest';
import { ignoresHangup, type ProcessFacts } from './hangup.ts';

const plain: ProcessFacts = {
  env: { _: '/usr/bin/node' },
  read: (path) => (path === '/proc/7/status' ? 'SigIgn:\t0000000000001000\n' : 'pos:\t0\nflags:\t0100002\n'),
  parent: 7,
  inputIsDevice: true,
};

test.each<[string, Partial<ProcessFacts>, boolean]>([
  ['nothing of it shows', {}, false],
  ['nothing at all shows', { env: {}, read: () => undefined, inputIsDevice: false }, false],
  ['the shell started nohup', { env: { _: '/usr/bin/nohup' } }, true],
  ['the input cannot be read', { read: () => 'pos:\t0\nflags:\t0100001\n' }, true],
  ['the input is a file that is written to', { read: () => 'flags:\t01\n', inputIsDevice: false }, false],
  ['the parent ignores it', { read: () => 'SigIgn:\t0000000000001001\n' }, true],
  ['the parent ignores another signal', { read: () => 'SigIgn:\t0000000000001002\n' }, false],
])('a hangup counts or not: %s', (_, facts, ignored) => {
  expect(ignoresHangup({ ...plain, ...facts })).toBe(ignored);
});
