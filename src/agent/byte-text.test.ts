import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeName, encodeName } from './byte-text.ts';

const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes);

test.each<[string, Uint8Array, string]>([
  ['Latin-1', bytesOf(0x66, 0xfc, 0x72), 'f\udcfcr'],
  ['a byte that goes on from nothing', bytesOf(0x80), '\udc80'],
  ['a character that is cut short', bytesOf(0xe2, 0x82), '\udce2\udc82'],
  ['a longer form than is needed', bytesOf(0xc0, 0xaf), '\udcc0\udcaf'],
  ['half of a pair', bytesOf(0xed, 0xb2, 0x80), '\udced\udcb2\udc80'],
  ['something above all characters', bytesOf(0xf4, 0x90, 0x80, 0x80), '\udcf4\udc90\udc80\udc80'],
  ['a byte order mark', bytesOf(0xef, 0xbb, 0xbf, 0x61), '\ufeffa'],
  ['characters of all lengths', new TextEncoder().encode('aä€😀'), 'aä€😀'],
])('%s', (_, bytes, text) => {
  expect(decodeName(bytes)).toBe(text);
  expect(encodeName(text)).toEqual(bytes);
});

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

test('any bytes come back, and text is what it is', () => {
  const anyBytes = fc.uint8Array({ maxLength: 24 });
  const nearText = fc.tuple(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(anyBytes, nearText), (bytes) => {
      const text = decodeName(bytes);
      expect(encodeName(text)).toEqual(bytes);
      let isText = true;
      try {
        expect(text).toBe(strict.decode(bytes));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        isText = false;
      }
      expect(/[\udc80-\udcff]/u.test(text)).toBe(!isText);
    }),
    { numRuns: 2000 },
  );
});

test('what a person has typed is UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(encodeName(text)).toEqual(new TextEncoder().encode(text));
      expect(decodeName(encodeName(text))).toBe(text);
    }),
  );
});
