import { describe, expect, test } from 'vitest';
import wabt from 'wabt';
import { generateInterpreter } from '../hart/index.ts';
import { ModuleBuilder } from './module-builder.ts';
import { f64, i32, i64, select, tee } from './operations.ts';
import { moduleText } from './text.ts';

const FEATURES = { threads: true, bulk_memory: true, sat_float_to_int: true, sign_extension: true };

/** The module without its names, which are not part of the text. */
async function normalized(bytes: Uint8Array): Promise<Uint8Array> {
  const { readWasm } = await wabt();
  const module = readWasm(bytes, { ...FEATURES, readDebugNames: false });
  return module.toBinary({ write_debug_names: false }).buffer;
}

async function reassembled(bytes: Uint8Array): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const module = parseWat('text', moduleText(bytes), FEATURES);
  module.validate();
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
    expect(moduleText(module.toBytes())).toMatchInlineSnapshot();
  });

  test('is that of the same module: the interpreter goes there and back', async () => {
    const bytes = generateInterpreter({ minimum: 1, maximum: 2 });
    expect(Buffer.compare(await reassembled(bytes), await normalized(bytes))).toBe(0);
  });
});
