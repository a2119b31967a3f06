import { f32, f64, i32, i64, ModuleBuilder, relaxedMadd } from '../wasm/index.ts';

let known: boolean | undefined;

/** Whether the engine rounds `relaxedMadd` once, as processors with such an instruction let it: found by trying. */
export function fusesMadd(): boolean {
  known ??= tryMadd();
  return known;
}

function tryMadd(): boolean {
  const module = new ModuleBuilder({ minimum: 0, maximum: 0 });
  // (1 + e) (1 - e) - 1 = -e², which is lost if the product is rounded.
  const double = (bits: bigint) => f64.reinterpret_i64(i64.const(bits));
  const single = (bits: number) => f32.reinterpret_i32(i32.const(bits));
  const inDoubles = relaxedMadd(
    double(0x3ff0_0000_0040_0000n),
    double(0x3fef_ffff_ff80_0000n),
    double(0xbff0_0000_0000_0000n),
  );
  const inSingles = relaxedMadd(single(0x3f80_0800), single(0x3f7f_f000), single(0xbf80_0000));
  const zero = f64.convert_i32_s(i32.const(0));
  const fused = i32.and(f64.ne(inDoubles, zero), f64.ne(f64.promote_f32(inSingles), zero));
  module.function(
    'fused',
    [],
    'i32',
    (f) => {
      f.return(fused);
      f.unreachable();
    },
    true,
  );
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true });
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.toBytes()), {
      env: { memory },
    });
    return typeof exports.fused === 'function' && exports.fused() === 1;
  } catch (error) {
    // An engine without relaxed SIMD.
    if (error instanceof WebAssembly.CompileError) return false;
    throw error;
  }
}
