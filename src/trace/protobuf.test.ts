import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fieldsOf } from '../../test/trace/read-trace.ts';
import { MessageWriter } from './protobuf.ts';

const number = fc.integer({ min: 1, max: 1000 });

/** A message as a tree, with what a reader has to find in it. */
type Tree =
  | { readonly kind: 'number'; readonly field: number; readonly value: number }
  | { readonly kind: 'fixed'; readonly field: number; readonly value: number }
  | { readonly kind: 'halves'; readonly field: number; readonly low: number; readonly high: number }
  | { readonly kind: 'text'; readonly field: number; readonly text: string }
  | { readonly kind: 'message'; readonly field: number; readonly parts: readonly Tree[] };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.record({ kind: fc.constant('number' as const), field: number, value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant('fixed' as const), field: number, value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant('halves' as const), field: number, low: fc.integer(), high: fc.integer() }),
    fc.record({
      kind: fc.constant('text' as const),
      field: number,
      text: fc.string({ unit: 'grapheme', maxLength: 200 }),
    }),
    fc.record({
      kind: fc.constant('message' as const),
      field: number,
      parts: fc.array(tie('tree'), { maxLength: 6 }),
    }),
  ),
}));

function write(writer: MessageWriter, each: Tree): void {
  if (each.kind === 'number') writer.number(each.field, each.value);
  else if (each.kind === 'fixed') writer.fixed64(each.field, each.value);
  else if (each.kind === 'halves') writer.halves(each.field, each.low, each.high);
  else if (each.kind === 'text') writer.text(each.field, each.text);
  else {
    const begun = writer.open(each.field);
    for (const part of each.parts) write(writer, part);
    writer.close(begun);
  }
}

function check(bytes: Uint8Array, trees: readonly Tree[]): void {
  const fields = [...fieldsOf(bytes)];
  expect(fields.map(({ number }) => number)).toEqual(trees.map(({ field }) => field));
  for (const [index, each] of trees.entries()) {
    const value = fields[index]?.value;
    if (each.kind === 'number' || each.kind === 'fixed')
      expect(BigInt(value as number)).toBe(BigInt(each.value));
    if (each.kind === 'halves') {
      expect(BigInt(value as bigint)).toBe((BigInt(each.high >>> 0) << 32n) | BigInt(each.low >>> 0));
    }
    if (each.kind === 'text')
      expect(new TextDecoder().decode(value as Uint8Array)).toBe(each.text.toWellFormed());
    if (each.kind === 'message') check(value as Uint8Array, each.parts);
  }
}

test('a reader finds what was written, whatever the lengths', () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 8 }), fc.integer({ min: 1, max: 64 }), (trees, room) => {
      const writer = new MessageWriter(room);
      // The bytes that were taken before are in nobody's way.
      writer.text(1, 'before');
      writer.take();
      for (const each of trees) write(writer, each);
      check(writer.take(), trees);
      expect(writer.length).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('a message of more than 16 KiB has a length of three bytes', () => {
  const writer = new MessageWriter();
  const begun = writer.open(1);
  for (let index = 0; index < 20_000; index++) writer.number(2, 1);
  writer.close(begun);
  writer.number(3, 5);
  const [long, behind] = fieldsOf(writer.take());
  expect(long?.value).toHaveLength(40_000);
  expect(behind).toEqual({ number: 3, value: 5 });
});
