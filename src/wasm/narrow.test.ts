/** Expressions of 64 bits, computed with 32 bits where only the lower half is wanted. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Expr } from './expression.ts';
import { ModuleBuilder } from './module-builder.ts';
import { f64, i32, i64, select } from './operations.ts';

type I32 = Expr<'i32'>;
type I64 = Expr<'i64'>;
type Shape = (word: I32, wide: I64) => I64;
type Condition = (word: I32, wide: I64) => I32;

const constants = fc.oneof(
  fc.constantFrom(0, 1, -1, 3, 31, 32, 0x7fff_ffff, -0x8000_0000, 2 ** 31, 2 ** 32, 2 ** 40),
  fc.integer(),
);
const WIDE = ['add', 'sub', 'mul', 'and', 'or', 'xor', 'shl', 'shr_s', 'shr_u', 'rotl'] as const;
const NARROW = ['add', 'sub', 'mul', 'and', 'or', 'xor', 'shl', 'shr_s', 'shr_u', 'rotr'] as const;
const COMPARE = ['eq', 'ne', 'lt_s', 'lt_u', 'gt_s', 'gt_u', 'le_s', 'le_u', 'ge_s', 'ge_u'] as const;
const LOAD = ['load', 'load8_s', 'load8_u', 'load16_s', 'load16_u', 'load32_s', 'load32_u'] as const;

/** Values as descriptions of instructions have them, and conditions about them. */
const { shape } = fc.letrec<{ shape: Shape; word: Condition; condition: Condition }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 4 },
    fc.constant<Shape>((word) => i64.extend_i32_s(word)),
    fc.constant<Shape>((_, wide) => wide),
    constants.map<Shape>((value) => () => i64.const(value)),
    fc.constantFrom(...LOAD).map<Shape>((name) => () => i64[name](i32.const(0), 64)),
    fc.constant<Shape>((_, wide) => i64.reinterpret_f64(f64.reinterpret_i64(wide))),
    fc.tuple(fc.constantFrom(...WIDE), tie('shape'), tie('shape')).map<Shape>(
      ([name, a, b]) =>
        (word, wide) =>
          i64[name](a(word, wide), b(word, wide)),
    ),
    fc.tuple(fc.constantFrom('extend8_s', 'extend16_s', 'extend32_s'), tie('shape')).map<Shape>(
      ([name, a]) =>
        (word, wide) =>
          i64[name](a(word, wide)),
    ),
    fc
      .tuple(fc.constantFrom('extend_i32_s', 'extend_i32_u'), fc.oneof(tie('word'), tie('condition')))
      .map<Shape>(
        ([name, a]) =>
          (word, wide) =>
            i64[name](a(word, wide)),
      ),
    fc.tuple(tie('condition'), tie('shape'), tie('shape')).map<Shape>(
      ([test, a, b]) =>
        (word, wide) =>
          select(test(word, wide), a(word, wide), b(word, wide)),
    ),
  ),
  word: fc.oneof(
    { maxDepth: 4 },
    fc.constant<Condition>((word) => word),
    tie('shape').map<Condition>((a) => (word, wide) => i32.wrap_i64(a(word, wide))),
    fc.tuple(fc.constantFrom(...NARROW), tie('word'), tie('word')).map<Condition>(
      ([name, a, b]) =>
        (word, wide) =>
          i32[name](a(word, wide), b(word, wide)),
    ),
    fc.tuple(fc.constantFrom('clz', 'ctz', 'popcnt'), tie('word')).map<Condition>(
      ([name, a]) =>
        (word, wide) =>
          i32[name](a(word, wide)),
    ),
    fc.tuple(tie('condition'), tie('word'), tie('word')).map<Condition>(
      ([test, a, b]) =>
        (word, wide) =>
          select(test(word, wide), a(word, wide), b(word, wide)),
    ),
  ),
  condition: fc.oneof(
    { maxDepth: 4 },
    fc.tuple(fc.constantFrom(...COMPARE), tie('shape'), tie('shape')).map<Condition>(
      ([name, a, b]) =>
        (word, wide) =>
          i64[name](a(word, wide), b(word, wide)),
    ),
    fc.tuple(fc.constantFrom(...COMPARE), tie('word'), tie('word')).map<Condition>(
      ([name, a, b]) =>
        (word, wide) =>
          i32[name](a(word, wide), b(word, wide)),
    ),
    tie('shape').map<Condition>((a) => (word, wide) => i64.eqz(a(word, wide))),
    tie('word').map<Condition>((a) => (word, wide) => i32.eqz(a(word, wide))),
  ),
}));

test('a narrowed value is the lower half of the whole one', () => {
  fc.assert(
    fc.property(
      shape,
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (make, word, wide) => {
        const module = new ModuleBuilder({ minimum: 1, maximum: 1 });
        for (const [name, low] of [
          ['whole', (value: I64) => i32.wrap_i64(value)],
          ['narrow', (value: I64) => value.narrowed()],
        ] as const) {
          module.function(
            name,
            ['i32', 'i64'],
            'i32',
            (f) => {
              f.return(low(make(f.param(0, 'i32'), f.param(1, 'i64'))));
              f.unreachable();
            },
            true,
          );
        }
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        new DataView(memory.buffer).setBigInt64(64, wide * 7n, true);
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.toBytes()), {
          env: { memory },
        });
        const { whole, narrow } = exports as Record<string, (word: number, wide: bigint) => number>;
        expect(narrow(word, wide)).toBe(whole(word, wide));
      },
    ),
    { numRuns: 300 },
  );
});
