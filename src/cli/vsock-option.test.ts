import { expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { readVsock } from './vsock-option.ts';

test('sockets have a path, and an address unless it is the first one', () => {
  expect(readVsock(undefined)).toBeUndefined();
  expect(readVsock('socket=a.sock')).toEqual({ cid: 3, path: 'a.sock' });
  expect(readVsock('cid=4294967294,socket=a,,b')).toEqual({ cid: 4294967294, path: 'a,b' });
});

test.each([
  ['', /"" is neither/],
  ['cid=3', /there is no path/],
  ['socket=', /there is no path/],
  ['socket=a,cid=2', /a number of 3 to/],
  ['socket=a,cid=4294967295', /a number of 3 to/],
  ['socket=a,cid=x', /a number of 3 to/],
  ['socket=a,port=1', /"port=1" is neither/],
])('--vsock %j is a mistake', (text, message) => {
  expect(() => readVsock(text)).toThrow(InputError);
  expect(() => readVsock(text)).toThrow(message);
});
