import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { align, array, f64, halves, i32, i64, many, row, struct, type Type, u8, u16 } from './struct.ts';

const buffer = new SharedArrayBuffer(4096);

const SCALARS: readonly Type[] = [u8, u16, i32, i64, f64, halves];
const scalars = fc.constantFrom(...SCALARS);

/** Types of all kinds, nested up to the depth that fast-check finds useful. */
const { type: types } = fc.letrec<{ type: Type }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    scalars,
    fc.tuple(tie('type'), fc.integer({ min: 0, max: 5 })).map(([type, count]) => array(type, count)),
    fc.tuple(fc.integer({ min: 0, max: 7 }), tie('type')).map(([bits, type]) => align(2 ** bits, type)),
    fc.array(tie('type'), { minLength: 1, maxLength: 4 }).map((list) => struct(named(list))),
    fc.tuple(scalars, fc.integer({ min: 1, max: 9 })).map(([type, count]) => row(type, names(count))),
  ),
}));

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `n${index}`);
}

function named(list: readonly Type[]): Record<string, Type> {
  return Object.fromEntries(list.map((type, index) => [`n${index}`, type]));
}

describe('struct', () => {
  test('no field overlaps another, all are aligned, and nothing reaches beyond the end', () => {
    fc.assert(
      fc.property(fc.array(types, { minLength: 1, maxLength: 12 }), (list) => {
        const { at, word, bytes, words, alignment } = struct(named(list));
        let end = 0;
        for (const [index, type] of list.entries()) {
          const start = at[`n${index}`] as number;
          expect(start).toBeGreaterThanOrEqual(end);
          expect(start - end).toBeLessThan(type.alignment);
          expect(start % type.alignment).toBe(0);
          expect(alignment % type.alignment).toBe(0);
          if (start % 4 === 0) expect(word).toHaveProperty(`n${index}`, start / 4);
          end = start + type.bytes;
        }
        expect(bytes % alignment).toBe(0);
        expect(bytes - end).toBeGreaterThanOrEqual(0);
        expect(bytes - end).toBeLessThan(alignment);
        expect(words).toBe(bytes / 4);
      }),
    );
  });

  test('every type is as large as elements of an array of it have to be', () => {
    fc.assert(fc.property(types, ({ bytes, alignment }) => bytes % alignment === 0));
  });

  test('lays out as a C compiler does', () => {
    const POINT = struct({ x: f64, flags: u8, id: u16, next: i32 });
    expect(POINT.at).toEqual({ x: 0, flags: 8, id: 10, next: 12 });
    expect([POINT.bytes, POINT.words, POINT.alignment]).toEqual([16, 4, 8]);
    const LINE = struct({ kind: i32, ends: array(POINT, 2), last: i32 });
    expect(LINE.at).toEqual({ kind: 0, ends: 8, last: 40 });
    expect(LINE.word).toEqual({ kind: 0, ends: 2, last: 10 });
    expect(LINE.bytes).toBe(48);
  });

  test('gives a view of each field that writes nowhere else', () => {
    const layout = struct({
      a: i32,
      b: array(f64, 3),
      c: row(i64, ['x', 'y']),
      d: halves,
      e: array(u8, 5),
      f: align(64, array(u16, 3)),
      g: struct({ one: i32, other: i64 }),
    });
    const bytes = new Uint8Array(buffer);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const) {
      bytes.fill(0);
      const view = layout.view(name, buffer, 64);
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(0xff);
      expect(bytes.indexOf(0xff)).toBe(64 + layout.at[name]);
      expect(bytes.filter((byte) => byte === 0xff)).toHaveLength(view.byteLength);
    }
    expect(layout.view('b', buffer, 64)).toHaveLength(3);
    expect(layout.view('d', buffer, 64)).toHaveLength(2);
    expect(layout.view('f', buffer, 64)).toHaveLength(3);
    expect(layout.over(buffer, 64)).toHaveLength(layout.words);
  });

  test('an aligned field has its cache lines for itself', () => {
    const { at, bytes } = struct({ a: i32, lock: align(64, i32), b: i32 });
    expect(at).toEqual({ a: 0, lock: 64, b: 128 });
    expect(bytes).toBe(192);
  });

  test('the last field may go on for as long as there is room', () => {
    const HART = struct({ soft: i32, timer: halves });
    const layout = struct({ lock: i32, harts: many(HART) });
    expect([layout.at.harts, layout.words]).toEqual([8, 2]);
    expect([0, 1, 3].map(layout.wordsFor)).toEqual([2, 6, 14]);
    expect(() => struct({ list: many(i32), lock: i32 })).toThrow('lock lies behind a field without an end');
    expect(() => HART.wordsFor(1)).toThrow(RangeError);
  });

  test('a field that is not there is an error of types, and so is a word of something smaller', () => {
    const layout = struct({ a: i32, b: u8, c: array(u16, 2), d: array(f64, 2) });
    expectTypeOf(layout.at).toEqualTypeOf<{
      readonly a: number;
      readonly b: number;
      readonly c: number;
      readonly d: number;
    }>();
    expectTypeOf(layout.word).toEqualTypeOf<{ readonly a: number; readonly d: number }>();
    expectTypeOf(layout.view('d', buffer, 0)).toEqualTypeOf<Float64Array>();
    expectTypeOf(row(f64, ['x', 'y']).index).toEqualTypeOf<Readonly<Record<'x' | 'y', number>>>();
  });
});

test('a row has a place for each name', () => {
  const counters = row(f64, ['exits', 'sleeps']);
  expect(counters.index).toEqual({ exits: 0, sleeps: 1 });
  expect(counters.word).toEqual({ exits: 0, sleeps: 2 });
  expect(counters.over(buffer, 8)).toHaveLength(2);
  expect(() => row(i32, ['a', 'b', 'a'])).toThrow('a row has a name twice');
});

test.each([0, -1, 3, 48, 1.5])('%s is no alignment', (alignment) => {
  expect(() => align(alignment, i32)).toThrow(RangeError);
});

test('places cannot be changed', () => {
  const { at } = struct({ a: i32 });
  expect(() => Object.assign(at, { a: 4 })).toThrow(TypeError);
});
