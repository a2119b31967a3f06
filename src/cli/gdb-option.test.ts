import { expect, test } from 'vitest';
import { readGdb } from './gdb-option.ts';

test.each([
  ['tcp::1234', { host: '127.0.0.1', port: 1234 }],
  ['tcp:1234', { host: '127.0.0.1', port: 1234 }],
  ['tcp:0.0.0.0:1', { host: '0.0.0.0', port: 1 }],
  ['tcp:[::1]:65535', { host: '::1', port: 65535 }],
  ['unix:/run/gdb.sock', { path: '/run/gdb.sock' }],
])('--gdb %s', (word, place) => {
  expect(readGdb({ gdb: word })).toEqual({ place, word, stopped: false });
  expect(readGdb({ gdb: word, stopped: true })?.stopped).toBe(true);
});

test.each(['', 'tcp', 'tcp:', 'tcp::', 'tcp::65536', 'tcp::x', 'unix:', 'udp::1', '1234', 'stdio'])(
  '--gdb %s is refused with what there is',
  (word) => {
    expect(() => readGdb({ gdb: word })).toThrow(`--gdb ${word} is not possible; there are tcp::PORT`);
  },
);

test('what would make no sense is refused', () => {
  expect(readGdb({})).toBeUndefined();
  expect(() => readGdb({ stopped: true })).toThrow('Add --gdb tcp::1234');
  expect(() => readGdb({ gdb: 'tcp::1', engine: 'lockstep' })).toThrow('--engine lockstep');
});
