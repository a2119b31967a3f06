import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EscapeKeys } from './escape-keys.ts';

function typed(...pieces: string[]): { guest: string; commands: string[] } {
  const keys = new EscapeKeys();
  const taken = pieces.map((piece) => keys.take(new TextEncoder().encode(piece)));
  return {
    guest: taken.map(({ guest }) => new TextDecoder().decode(guest)).join(''),
    commands: taken.flatMap(({ commands }) => commands),
  };
}

test.each([
  ['plain keys, Ctrl-C and Ctrl-Z included', ['ls\r\x03\x1a'], 'ls\r\x03\x1a', []],
  ['Ctrl-A x', ['a\x01xb'], 'a', ['quit']],
  ['Ctrl-A X', ['\x01X'], '', ['quit']],
  ['Ctrl-A h', ['a\x01hb'], 'ab', ['help']],
  ['Ctrl-A ?', ['\x01?'], '', ['help']],
  ['Ctrl-A Ctrl-A', ['a\x01\x01b'], 'a\x01b', []],
  ['Ctrl-A Ctrl-A x', ['\x01\x01x'], '\x01x', []],
  ['Ctrl-A s, then z', ['\x01sa\x01z'], 'a', ['save', 'suspend']],
  [
    'one command many times',
    ['\x01ha\x01hb\x01H\x01s\x01h'.repeat(2)],
    'abab',
    ['help', 'save', 'help', 'save', 'help'],
  ],
  ['Ctrl-A and another key', ['a\x01yb'], 'ab', []],
  ['a pair in two pieces', ['a\x01', 'x'], 'a', ['quit']],
  ['a lonely Ctrl-A', ['a\x01'], 'a', []],
] as const)('%s', (_, pieces, guest, commands) => {
  expect(typed(...pieces)).toEqual({ guest, commands });
});

test('input without Ctrl-A passes as it is, and doubled Ctrl-A passes once, wherever it is cut', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(), (bytes, cut) => {
      const doubled = Uint8Array.from([...bytes].flatMap((byte) => (byte === 1 ? [1, 1] : [byte])));
      const keys = new EscapeKeys();
      const at = cut % (doubled.length + 1);
      const first = keys.take(doubled.subarray(0, at));
      const second = keys.take(doubled.subarray(at));
      expect([...first.guest, ...second.guest]).toEqual([...bytes]);
      expect([...first.commands, ...second.commands]).toEqual([]);
    }),
  );
});
