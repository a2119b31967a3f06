import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from './byte-writer.ts';
import { ModuleBuilder } from './module-builder.ts';
import { call, f64, i32, i64, select, tee } from './operations.ts';

const LIMITS = { minimum: 1, maximum: 1 };

function instantiate(module: ModuleBuilder, imports: Record<string, WebAssembly.ImportValue> = {}) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const bytes = module.toBytes();
  expect(WebAssembly.validate(bytes)).toBe(true);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, ...imports } });
  return { memory, exports: instance.exports as Record<string, CallableFunction> };
}

/** Independent decoder of signed LEB128. */
function readSigned(bytes: Uint8Array): bigint {
  let result = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    result |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
  }
  return BigInt.asIntN(Number(shift), result);
}

describe('ByteWriter', () => {
  test('encodes every 64-bit integer as signed LEB128', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const writer = new ByteWriter(1);
        writer.s64(value);
        expect(readSigned(writer.toBytes())).toBe(value);
      }),
    );
  });

  test('encodes 32-bit integers as signed LEB128', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const writer = new ByteWriter();
        writer.s32(value);
        expect(readSigned(writer.toBytes())).toBe(BigInt(value));
      }),
    );
  });
});

describe('ModuleBuilder', () => {
  test('builds functions with loops, branches and calls', () => {
    const module = new ModuleBuilder(LIMITS);
    const square = module.function('square', ['i32'], 'i32', (f) => {
      f.return(i32.mul(f.param(0, 'i32'), f.param(0, 'i32')));
      f.unreachable();
    });
    module.function(
      'sumOfSquares',
      ['i32'],
      'i32',
      (f) => {
        const n = f.param(0, 'i32');
        const sum = f.local('i32');
        f.block((done) => {
          f.loop((again) => {
            f.brIf(done, i32.eqz(n));
            f.set(sum, i32.add(sum, call(square, n)));
            f.drop(tee(n, i32.sub(n, i32.const(1))));
            f.br(again);
          });
        });
        f.return(sum);
        f.unreachable();
      },
      true,
    );
    const { exports } = instantiate(module);
    expect(exports.sumOfSquares?.(10)).toBe(385);
  });

  test('branches through tables', () => {
    const module = new ModuleBuilder(LIMITS);
    module.function(
      'pick',
      ['i32'],
      'i32',
      (f) => {
        f.block((other) => {
          f.block((one) => {
            f.block((zero) => f.brTable([zero, one], other, f.param(0, 'i32')));
            f.return(i32.const(100));
          });
          f.return(i32.const(101));
        });
        f.return(i32.const(-1));
        f.unreachable();
      },
      true,
    );
    const { exports } = instantiate(module);
    expect([0, 1, 2, 99].map((index) => exports.pick?.(index))).toEqual([100, 101, -1, -1]);
  });

  test('reads and writes shared memory, plainly and atomically', () => {
    const module = new ModuleBuilder(LIMITS);
    module.function(
      'mix',
      [],
      'i32',
      (f) => {
        f.store('i64.store', i32.const(8), i64.const(0x1122_3344_5566_7788n));
        const old = f.let(i64.atomic.rmwXchg(i32.const(0), i64.const(-1), 8));
        f.store('i64.store32', i32.const(16), old, 4);
        f.atomicFence();
        f.store('f64.store', i32.const(24), f64.sqrt(f64.convert_i32_s(i32.const(2))));
        f.return(select(i64.lt_s(old, i64.const(0)), i32.const(1), i32.const(2)));
        f.unreachable();
      },
      true,
    );
    const { exports, memory } = instantiate(module);
    const view = new DataView(memory.buffer);
    expect(exports.mix?.()).toBe(2);
    expect(view.getBigInt64(8, true)).toBe(-1n);
    expect(view.getUint32(20, true)).toBe(0x5566_7788);
    expect(view.getFloat64(24, true)).toBe(Math.SQRT2);
  });

  test('calls imported functions', () => {
    const module = new ModuleBuilder(LIMITS);
    const host = module.import('env', 'host', ['i32'], 'i32');
    module.function(
      'twice',
      ['i32'],
      'i32',
      (f) => f.return(call(host, call(host, f.param(0, 'i32')))),
      true,
    );
    const { exports } = instantiate(module, { host: (x: number) => x + 5 });
    expect(exports.twice?.(1)).toBe(11);
  });

  test('refuses calls with the wrong number of arguments and functions left undefined', () => {
    const module = new ModuleBuilder(LIMITS);
    const callee = module.declare('callee', ['i32'], 'i32');
    expect(() => module.function('caller', [], 'i32', (f) => f.return(call(callee)))).toThrow(
      /1 arguments, not 0/,
    );
    expect(() => module.toBytes()).toThrow(/not defined/);
  });
});
