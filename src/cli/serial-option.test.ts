import { describe, expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { readLines, readSerial } from './serial-option.ts';

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

describe('lines beside the console', () => {
  test('are terminals, then channels with names', () => {
    const lines = readLines({ terminal: ['null'], channel: ['org.a-b_1=file:x=y'] }, 2);
    expect(lines).toEqual([
      { place: { kind: 'null' }, word: '--terminal null' },
      { name: 'org.a-b_1', place: { kind: 'file', path: 'x=y' }, word: '--channel org.a-b_1=file:x=y' },
    ]);
  });

  test.each([
    [{ terminal: ['null', 'null', 'null'] }, /There are 3 .* 2 are the most/],
    [{ terminal: ['stdio'] }, /^--terminal stdio is not possible; there are/],
    [{ channel: ['null'] }, /^--channel null: give a name/],
    [{ channel: [`${'a'.repeat(65)}=null`] }, /give a name of up to 64/],
    [{ channel: ['a b=null'] }, /give a name/],
    [{ channel: ['a=nowhere'] }, /^--channel a=nowhere is not possible/],
    [{ channel: ['a=null', 'a=null'] }, /^--channel a: there are two/],
    [{ channel: ['a=tcp:1'] }, /^--channel a=tcp:1: there is no host and port/],
    [{ terminal: ['pty'] }, /^--terminal pty: Node cannot/],
  ])('%j is a mistake', (words, message) => {
    expect(() => readLines(words, 2)).toThrow(InputError);
    expect(() => readLines(words, 2)).toThrow(message);
  });
});
