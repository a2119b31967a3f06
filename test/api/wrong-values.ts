import fc from 'fast-check';

/** Values of all kinds that a program may give by mistake. */
export const KINDS = {
  missing: fc.constant(undefined),
  nothing: fc.constant(null),
  switch: fc.boolean(),
  number: fc.constant(1),
  negative: fc.oneof(
    fc.integer({ max: -1 }),
    fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, -Number.MAX_VALUE),
  ),
  fraction: fc.constantFrom(0.5, 1.5),
  infinite: fc.constant(Number.POSITIVE_INFINITY),
  bigint: fc.bigInt(),
  // None that means something somewhere.
  text: fc.string().filter((text) => !/\0|^[+-]+$/.test(text)),
  long: fc.constant('y'.repeat(1 << 20)),
  zero: fc.string().map((text) => `${text}\0`),
  symbol: fc.string().map(Symbol),
  function: fc.constantFrom(() => undefined, class Some {}),
  list: fc.array(fc.oneof(fc.constant(null), fc.constant(undefined), fc.boolean(), fc.constant({ x: 1 })), {
    minLength: 1,
  }),
  map: fc.constantFrom(new Map([['a', 1]]), new Set(['a'])),
  empty: fc.constant({}),
  object: fc.dictionary(
    fc.string().map((name) => `${name}?`),
    fc.anything(),
    { minKeys: 1 },
  ),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  words: fc.constantFrom(new Uint16Array(2), new DataView(new ArrayBuffer(2)), new ArrayBuffer(2)),
  promise: fc.constant(Promise.resolve('x')),
} as const;

export type Kind = keyof typeof KINDS;

/** A value that is of none of some kinds, with the name of its own. */
export function valueBut(
  kinds: readonly Kind[],
): fc.Arbitrary<{ readonly kind: Kind; readonly value: unknown }> {
  const names = Object.keys(KINDS) as Kind[];
  const wrong = names.filter((name) => !kinds.includes(name));
  return fc.oneof(...wrong.map((kind) => KINDS[kind].map((value) => ({ kind, value }))));
}
