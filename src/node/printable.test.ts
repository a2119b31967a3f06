import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, printableLine } from './printable.ts';

test('control characters are named, line ends and tabs stay', () => {
  expect(printable('a\x1b[2J\x9b1m\r\x00\x7f\n\tä€')).toBe('a\\x1b[2J\\x9b1m\\x0d\\x00\\x7f\n\tä€');
});

test('one line of a guest has no line ends, and an end', () => {
  expect(printableLine('a\nb\tc')).toBe('a\\x0ab\\x09c');
  expect(printableLine('x'.repeat(10_000))).toMatch(/^x{500} \.\.\.$/);
});

test('whatever the text, nothing is left that a terminal obeys', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const character of printableLine(text)) {
        const code = character.codePointAt(0) ?? 0;
        expect(code >= 0x20 && (code < 0x7f || code > 0x9f)).toBe(true);
      }
      expect(printable(text).replaceAll(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u);
    }),
  );
});
