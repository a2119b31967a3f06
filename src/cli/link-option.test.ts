import { expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { DEFAULT_MAC } from '../network/defaults.ts';
import { readLink } from './link-option.ts';

test('a cable has an end that listens and one that connects, with cards of two addresses', () => {
  expect(readLink({})).toBeUndefined();
  expect(readLink({ netdev: ['user,restrict=on'] })).toBeUndefined();
  const place = { host: '127.0.0.1', port: 4000 };
  expect(readLink({ netdev: ['socket,listen=:4000'] })).toEqual({
    ...{ ...place, listens: true, mac: DEFAULT_MAC },
    dump: undefined,
  });
  expect(readLink({ netdev: ['socket,id=n,connect=127.0.0.1:4000,dump=x'] })).toEqual({
    ...{ ...place, listens: false, mac: DEFAULT_MAC + 1 },
    dump: 'x',
  });
  expect(readLink({ netdev: ['socket,listen=[::1]:1,mac=52:54:00:00:00:01'] })).toMatchObject({
    ...{ host: '::1', mac: 0x5254_0000_0001 },
  });
});

test.each([
  ['socket', /a cable has two ends/],
  ['socket,listen=:1,connect=:1', /a cable has two ends/],
  ['socket,listen=4000', /4000 is no host and port/],
  ['socket,listen=:0', /:0 is no host and port/],
  ['socket,connect=a:65536', /a:65536 is no host and port/],
  ['socket,listen=:1,mac=x', /mac=x is no card's address/],
  ['socket,listen=:1,hostfwd=x', /"hostfwd=x" is none of connect=, dump=/],
  ['socket,listen', /"listen" is none of/],
])('--netdev %s is a mistake', (text, message) => {
  expect(() => readLink({ netdev: [text] })).toThrow(InputError);
  expect(() => readLink({ netdev: [text] })).toThrow(message);
});
