import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SystemMap } from './system-map.ts';

const LINUX = `ffffffff80000000 T _start
ffffffff80000000 t $x
ffffffff80002000 T handle_exception
ffffffff80010120 t do_idle
ffffffff80a00000 D jiffies
ffffffff80c00000 W weak_one
`;

test('an address is in the function that begins last before it', () => {
  const map = SystemMap.parse(LINUX);
  const name = (low: number) => map?.name(low | 0, -1);
  expect(map?.size).toBe(4);
  expect(name(0x8000_0000)).toBe('_start');
  expect(name(0x8000_1fff)).toBe('_start');
  expect(name(0x8000_2000)).toBe('handle_exception');
  expect(name(0x8001_0120)).toBe('do_idle');
  // Data begins there, which no code is in.
  expect(name(0x80a0_0010)).toBe('do_idle');
  expect(name(0x80c0_0000)).toBe('weak_one');
  expect(name(0x7fff_ffff)).toBeUndefined();
  // A program's address.
  expect(map?.name(0x8000_2000 | 0, 0x3f)).toBeUndefined();
});

test('addresses of 32 bits are as harts of that width have them', () => {
  const map = SystemMap.parse('c0000000 T _start\n00000100 T low\r\n');
  expect(map?.name(0xc000_0010 | 0, -1)).toBe('_start');
  expect(map?.name(0x104, 0)).toBe('low');
});

test.each(['', 'nothing of the kind', 'ffffffff80000000 D data\n'])('"%s" names no function', (text) => {
  expect(SystemMap.parse(text)).toBeUndefined();
});

test('a search finds what a look at all symbols finds, however often it is asked', () => {
  const address = fc.record({
    high: fc.constantFrom(0, 0x3f, 0xffff_ffff),
    low: fc.nat({ max: 0xffff_ffff }),
  });
  const order = (a: { high: number; low: number }, b: { high: number; low: number }) =>
    a.high - b.high || a.low - b.low;
  fc.assert(
    fc.property(
      fc.uniqueArray(address, { minLength: 1, selector: ({ high, low }) => high * 2 ** 20 + low }),
      fc.array(address),
      (all, asked) => {
        const hex = (word: number) => word.toString(16).padStart(8, '0');
        const map = SystemMap.parse(
          all.map(({ high, low }, n) => `${hex(high)}${hex(low)} T f${n}\n`).join(''),
        );
        for (const wanted of [...asked, ...all, ...asked]) {
          const before = all
            .filter((each) => each.high === wanted.high && order(each, wanted) <= 0)
            .toSorted(order);
          const best = before.at(-1);
          const expected = best === undefined ? undefined : `f${all.indexOf(best)}`;
          expect(map?.name(wanted.low | 0, wanted.high | 0)).toBe(expected);
        }
      },
    ),
  );
});
