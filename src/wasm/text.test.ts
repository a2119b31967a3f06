import { describe, expect, test } from 'vitest';
import wabt from 'wabt';
import { defineFloat } from '../float/float.ts';
import { generateInterpreter } from '../hart/index.ts';
import { ModuleBuilder } from './module-builder.ts';
import { f64, i32, i64, relaxedMadd, select, tee } from './operations.ts';
import { moduleText } from './text.ts';

const FEATURES = { threads: true, bulk_memory: true, sat_float_to_int: true, sign_extension: true };

async function reassembled(bytes: Uint8Array): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const module = parseWat('text', moduleText(bytes), FEATURES);
  return module.toBinary({ write_debug_names: false }).buffer;
}

describe('the text of a module', () => {
  test('shows statements as lines and expressions as trees', () => {
    const module = new ModuleBuilder({ minimum: 1, maximum: 2 });
    const log = module.import('env', 'log', ['i64'], 'void');
    const build = (f: Parameters<Parameters<ModuleBuilder['define']>[1]>[0]): void => {
      const a = f.param(0, 'i64');
      f.loop((again) => {
        f.if(
          i64.eqz(a),
          () => f.call(log, i64.const(-7n)),
          () => f.store('i64.store8', i32.const(64), a, 8),
        );
        f.set(a, i64.sub(a, i64.const(1)));
        f.brIf(again, i64.ne(a, i64.load(i32.const(0), 16)));
      });
      f.return(
        i64.atomic.rmwAdd(
          i32.const(8),
          select(i64.eqz(a), i64.const(2n ** 62n), tee(a, i64.trunc_sat_f64_s(f64.load(i32.const(0))))),
        ),
      );
      f.unreachable();
    };
    module.function('main', ['i64'], 'i64', build, true);
    expect(moduleText(module.toBytes())).toMatchInlineSnapshot(`
      "(module
        (type (func (param i64)))
        (type (func (param i64) (result i64)))
        (import "env" "log" (func $log (type 0)))
        (import "env" "memory" (memory 1 2 shared))
        (func $f0 (type 1)
          loop
            (i64.eqz (local.get 0))
            if
              (call $log (i64.const -7))
            else
              (i64.store8 offset=8 align=1 (i32.const 64) (local.get 0))
            end
            (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
            (br_if 0 (i64.ne (local.get 0) (i64.load offset=16 align=1 (i32.const 0))))
          end
          (return (i64.atomic.rmw.add (i32.const 8) (select (i64.const 4611686018427387904) (local.tee 0 (i64.trunc_sat_f64_s (f64.load align=1 (i32.const 0)))) (i64.eqz (local.get 0)))))
          unreachable
        )
        (export "main" (func 1))
      )"
    `);
  });

  test('shows the vector instructions that scalars go through', () => {
    const module = new ModuleBuilder({ minimum: 1, maximum: 1 });
    const build = (f: Parameters<Parameters<ModuleBuilder['define']>[1]>[0]): void => {
      const a = f.param(0, 'f64');
      f.return(relaxedMadd(a, a, a));
      f.unreachable();
    };
    module.function('madd', ['f64'], 'f64', build);
    const splat = '(f64x2.splat (local.get 0))';
    const result = `(f64x2.extract_lane 0 (f64x2.relaxed_madd ${splat} ${splat} ${splat}))`;
    expect(moduleText(module.toBytes())).toContain(`(return ${result})`);
  });

  test('is that of the same module: text and binary go there and back', async () => {
    const module = new ModuleBuilder({ minimum: 1, maximum: 2 });
    defineFloat(module);
    const bytes = module.toBytes();
    const again = await reassembled(bytes);
    expect(WebAssembly.validate(Uint8Array.from(again))).toBe(true);
    expect(moduleText(again)).toBe(moduleText(bytes));
  });

  test('can be made of the whole interpreter', () => {
    expect(moduleText(generateInterpreter({ minimum: 1, maximum: 2 }))).toContain('(call_indirect (type ');
  });
});
