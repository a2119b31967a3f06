import { expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { readSerial } from './serial-option.ts';

const socket = { kind: 'socket', server: false, wait: true } as const;

test.each([
  [undefined, undefined],
  ['stdio', undefined],
  ['null', { kind: 'null' }],
  ['file:/tmp/a:b', { kind: 'file', path: '/tmp/a:b' }],
  ['pipe:p', { kind: 'pipe', path: 'p' }],
  ['tcp:localhost:80', { ...socket, host: 'localhost', port: 80 }],
  ['tcp::4321,server=on,wait=off', { ...socket, server: true, wait: false, host: '127.0.0.1', port: 4321 }],
  ['tcp:[::1]:1,server,nodelay=on', { ...socket, server: true, host: '::1', port: 1 }],
  ['unix:a.sock,server=on', { ...socket, server: true, path: 'a.sock' }],
])('%s', (word, place) => {
  expect(readSerial(word)).toEqual(place);
});

test.each([
  ['', 'there are stdio'],
  ['file:', 'there are stdio'],
  ['udp:1', 'there are stdio'],
  ['tcp:80', 'no host and port'],
  ['tcp:h:65536', 'no host and port'],
  ['tcp:h:1,server=yes', '"server=yes" is none of'],
  ['unix:,server=on', 'there is no path'],
  ['pty', 'socat'],
])('%s is refused', (word, why) => {
  expect(() => readSerial(word)).toThrow(InputError);
  expect(() => readSerial(word)).toThrow(why);
});
