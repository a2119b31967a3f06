import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PagePlacer } from './page-placer.ts';
import { PAGE } from './ram-pages.ts';

const RAM_PAGES = 8;

/** Runs as a section has them: the head, then pages that are full of their number. */
function section(runs: readonly (readonly [first: number, count: number])[]): Uint8Array {
  const head = new Uint8Array(Int32Array.of(runs.length, ...runs.flat()).buffer);
  const numbers = runs.flatMap(([first, count]) => Array.from({ length: count }, (_, page) => first + page));
  const pages = numbers.map((page) => new Uint8Array(PAGE).fill(page + 1));
  return Uint8Array.from(Buffer.concat([head, ...pages]));
}

/** The result of a placer for bytes that come in pieces which end at `cuts`. */
function placed(bytes: Uint8Array, cuts: readonly number[] = []) {
  const ram = new Uint8Array(RAM_PAGES * PAGE);
  const placer = new PagePlacer(ram);
  const ends = [...cuts, bytes.length].toSorted((one, other) => one - other);
  let at = 0;
  for (const end of ends) {
    placer.take(bytes.subarray(at, end));
    at = end;
  }
  const firstBytes = Array.from({ length: RAM_PAGES }, (_, page) => ram[page * PAGE]);
  return { isWhole: placer.isWhole, firstBytes, lastByte: ram[RAM_PAGES * PAGE - 1] };
}

describe('the pages of a section', () => {
  const bytes = section([
    [1, 2],
    [5, 1],
    [7, 1],
  ]);

  test('get to their places, in whatever pieces they come', () => {
    const cut = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: bytes.length }));
    fc.assert(
      fc.property(fc.array(cut, { maxLength: 9 }), (cuts) => {
        expect(placed(bytes, cuts)).toEqual({
          isWhole: true,
          firstBytes: [0, 2, 3, 0, 0, 6, 0, 8],
          lastByte: 8,
        });
      }),
    );
  });

  test('are not whole when some are missing, or there is more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (end) => {
        expect(placed(bytes.subarray(0, end)).isWhole).toBe(false);
      }),
    );
    expect(placed(Uint8Array.of(...bytes, 0)).isWhole).toBe(false);
  });

  test.each([
    ['no run', section([])],
    ['a run without pages', section([[0, 0]])],
    ['a run behind RAM', section([[RAM_PAGES, 1]])],
    ['a run over its end', section([[RAM_PAGES - 1, 2]])],
    ['more runs than a section has', Uint8Array.of(255, 255, 255, 255, ...new Uint8Array(PAGE))],
    ['a run that begins beyond all numbers', Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 1)],
  ])('have no place in %s', (_, wrong) => {
    expect(placed(wrong)).toMatchObject({ isWhole: false, firstBytes: new Array(RAM_PAGES).fill(0) });
  });
});
