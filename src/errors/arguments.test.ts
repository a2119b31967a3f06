import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BYTES,
  between,
  checkArgument,
  checkOptions,
  either,
  LISTENER,
  listOf,
  NUMBER,
  type OptionRules,
  optionsOf,
  type Rule,
  recordOf,
  SIGNAL,
  SWITCH,
  TEXT,
  WEB_STREAM,
  whole,
  word,
} from './arguments.ts';
import { InputError } from './input-error.ts';

interface Cake {
  readonly layers?: number;
  readonly name?: string;
}
const CAKE: OptionRules<Cake> = { layers: whole(1, 3), name: TEXT };

test.each<[unknown, Rule, string]>([
  [undefined, TEXT, 'a: undefined is not possible: give a text.'],
  [null, SWITCH, 'a: null is not possible: give true or false.'],
  [Number.NaN, whole(1, 3), 'a: NaN is not possible: give a whole number, 1 to 3.'],
  ['2', whole(1, 3), 'a: "2" is not possible: give a whole number, 1 to 3.'],
  [2n, whole(1, 3), 'a: 2 is not possible: give a whole number, 1 to 3.'],
  [-0.5, between(0, 1), 'a: -0.5 is not possible: give a number, 0 to 1.'],
  [Symbol('s'), NUMBER, 'a: Symbol(s) is not possible: give a number.'],
  [{}, BYTES, 'a: an object is not possible: give bytes (a Uint8Array).'],
  [new Uint16Array(1), BYTES, 'a: an object (Uint16Array) is not possible: give bytes (a Uint8Array).'],
  [[], LISTENER, 'a: a list is not possible: give a function.'],
  [() => 1, SIGNAL, 'a: a function is not possible: give an AbortSignal.'],
  ['x'.repeat(1e6), word('b', 'c'), `a: "${'x'.repeat(57)}..." is not possible: give one of b, c.`],
  [[1, ''], listOf(NUMBER, 'numbers'), 'a[1]: "" is not possible: give a number.'],
  // A gap.
  [new Array(1), listOf(NUMBER, 'numbers'), 'a[0]: undefined is not possible: give a number.'],
  [{ x: 1 }, recordOf(TEXT, 'texts by names'), "a['x']: 1 is not possible: give a text."],
  [[1], optionsOf(CAKE, 'a cake'), 'a: a list is not possible: give a cake.'],
  [{ layer: 1 }, optionsOf(CAKE, 'a cake'), 'a.layer: there is no such option; give some of layers, name.'],
  [{ layers: 4 }, optionsOf(CAKE, 'a cake'), 'a.layers: 4 is not possible: give a whole number, 1 to 3.'],
  [{ layers: 1 }, optionsOf(CAKE, 'a cake', ['name']), 'a.name: it is missing: give a text.'],
  [1, either(TEXT, BYTES), 'a: 1 is not possible: give a text, or bytes (a Uint8Array).'],
  [{ name: 1 }, either(TEXT, optionsOf(CAKE, 'a cake')), 'a.name: 1 is not possible: give a text.'],
])('%s is refused (%#)', (value, rule, message) => {
  expect(() => checkArgument('a', value, rule)).toThrow(new InputError(message));
});

test('what there is passes, also from other realms, and undefined as if it were left out', () => {
  const foreign: unknown = runInNewContext('new Uint8Array(2)');
  for (const [value, rule] of [
    ['', TEXT],
    [foreign, BYTES],
    [Buffer.from('x'), BYTES],
    [AbortSignal.abort(), SIGNAL],
    [new ReadableStream(), WEB_STREAM],
    [Number.POSITIVE_INFINITY, between(0, Number.POSITIVE_INFINITY)],
    [{ layers: 2, name: undefined }, optionsOf(CAKE, 'a cake')],
    [Object.create(null), optionsOf(CAKE, 'a cake')],
  ] as const)
    expect(() => checkArgument('a', value, rule)).not.toThrow();
});

test.each([null, 1, 'x', [], () => 1, new Uint8Array(1), new Map(), AbortSignal.abort()])(
  '%s are no options',
  (given) => {
    expect(() => checkOptions(given as object, CAKE)).toThrow(
      /^options: .* give an object with options, or nothing\.$/,
    );
  },
);

const ALL: Rule = optionsOf(
  {
    text: TEXT,
    number: between(0, 1),
    list: listOf(whole(0, 9), 'numbers'),
    inner: optionsOf(CAKE, 'a cake'),
    record: recordOf(either(TEXT, BYTES), 'a record'),
    signal: either(SIGNAL, WEB_STREAM),
  },
  'something',
);

test('any value at all is taken, or refused by one sentence of bounded length', () => {
  const names = fc.constantFrom(
    'text',
    'number',
    'list',
    'inner',
    'record',
    'signal',
    '__proto__',
    'constructor',
  );
  const value = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withTypedArray: true }),
    fc.dictionary(names, fc.anything()),
    fc.string({ minLength: 1000, maxLength: 2000 }),
  );
  fc.assert(
    fc.property(value, (given) => {
      try {
        checkArgument('a', given, ALL);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect(String(error)).toMatch(/^InputError: a[^\n]*/);
        expect(String(error).length).toBeLessThan(500);
      }
    }),
    { numRuns: 2000 },
  );
});
