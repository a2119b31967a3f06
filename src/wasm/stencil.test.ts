import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ByteWriter,
  ConstHole,
  FunctionBuilder,
  i32,
  i64,
  indexHole,
  labelHole,
  localHole,
  ModuleBuilder,
  moduleText,
  recordStencil,
  SLOTS,
  writeSingleFunction,
} from './index.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** The statements of a function with two i64 parameters. */
function statements(build: (f: FunctionBuilder) => void): string {
  const module = new ModuleBuilder({ minimum: 0, maximum: 0 });
  module.function('f', ['i64', 'i64'], 'void', build);
  const text = moduleText(module.toBytes());
  return text.slice(text.indexOf('(func $f0'));
}

/** The same, of a stencil with numbers for its slots from 0 on. */
function pasted(build: (f: FunctionBuilder) => void, ...numbers: readonly number[]): string {
  const stencil = recordStencil(build);
  const values = new Int32Array(SLOTS.all);
  values.set(numbers);
  return statements((f) => f.paste(stencil, values));
}

test('a stencil becomes what would have been written', () => {
  fc.assert(
    fc.property(
      int32.filter((n) => n !== 0),
      fc.nat(),
      fc.boolean(),
      (constant, offset, swap) => {
        // A sum with a constant 0 is left out where it is known.
        const [from, to] = swap ? [1, 0] : [0, 1];
        const code = pasted(
          (f) => {
            const sum = i64.add(localHole('i64', 0), new ConstHole('i64', 2));
            f.set(localHole('i64', 1), i64.load(i32.wrap_i64(sum), indexHole(3)));
          },
          ...[from, to, constant, offset],
        );
        const direct = statements((f) => {
          const sum = i64.add(f.param(from, 'i64'), i64.const(constant));
          f.set(f.param(to, 'i64'), i64.load(i32.wrap_i64(sum), offset));
        });
        expect(code).toBe(direct);
      },
    ),
  );
});

test('a wide constant is made of two numbers', () => {
  const numbers = fc.tuple(int32, fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(numbers, ([high, low]) => {
      const code = pasted((f) => f.drop(new ConstHole('i64', 0, 'wide')), high, low);
      expect(code).toBe(statements((f) => f.drop(i64.const(high * 65_536 + low))));
    }),
  );
});

test('a label is as far away as it says, and farther within the blocks of the stencil', () => {
  const text = pasted((f) => f.block(() => f.br(labelHole(0))), 3);
  expect(text).toContain('(br 4)');
});

test('a value that is named, read at once and not again stays on the stack', () => {
  const text = pasted(
    (f) => f.set(localHole('i64', 0), f.let(i64.mul(localHole('i64', 1), i64.const(3)))),
    0,
    1,
  );
  expect(text).toContain('(local.set 0 (i64.mul (local.get 1) (i64.const 3)))');
  expect(text).not.toContain('(local i64)');
});

test('a value that is read again keeps its local, and the next stencil uses it too', () => {
  const square = recordStencil((f) => {
    const value = f.let(i64.add(localHole('i64', 0), i64.const(1)));
    f.set(localHole('i64', 0), i64.mul(value, value));
  });
  const text = statements((f) => {
    f.paste(square, new Int32Array(SLOTS.all));
    f.paste(square, new Int32Array(SLOTS.all));
  });
  expect(text.match(/local\.tee 2/g)).toHaveLength(2);
  expect(text).toContain('(local i64)');
});

test('a hole has no place in code that is not recorded', () => {
  expect(() => statements((f) => f.drop(new ConstHole('i32', 0)))).toThrow('a hole outside of a stencil');
});

test('a function between the head and the tail of a module is the module', () => {
  const write = (f: FunctionBuilder) => {
    f.ifUnlikely(i32.const(1), () => f.drop(i32.const(5)));
    for (let i = 0; i < 100; i++) f.drop(i32.const(i));
    f.return(i32.const(7));
  };
  const whole = new ModuleBuilder({ minimum: 0, maximum: 0 });
  whole.function('f', ['i32'], 'i32', write, true);
  const shell = new ModuleBuilder({ minimum: 0, maximum: 0 });
  shell.declare('f', ['i32'], 'i32', true);
  const out = new ByteWriter();
  const f = new FunctionBuilder(['i32']);
  write(f);
  shell.writeHead(out);
  writeSingleFunction(out, 0, f, new ByteWriter());
  shell.writeTail(out);
  expect(out.toBytes()).toEqual(whole.toBytes());
});
