import { declareFloat, defineFloat, type FloatFunctions, floatFunctions } from '../../float/float.ts';
import type { FloatUse, VectorShape } from '../../isa/index.ts';
import { type MemoryLimits, ModuleBuilder } from '../../wasm/index.ts';
import { configurationKernel } from './configuration-kernel.ts';
import { KernelFloat } from './element-float.ts';
import { elementsKernel, maskLogicKernel, reductionKernel } from './element-kernel.ts';
import { groupsKernel } from './group-kernel.ts';
import { KernelFrame, type KernelSetting } from './kernel-frame.ts';
import { memoryKernel } from './memory-kernel.ts';
import { specialKernel, wholeMoveKernel } from './special-kernel.ts';

/** The functions of floating point that the interpreter exports, by their numbers. */
const EXPORTED: ReadonlySet<number> = new Set(floatFunctions(declareFloat()).map(({ index }) => index));

/** Imports them all from `float`. */
function importFloat(module: ModuleBuilder): FloatFunctions {
  let next = 0;
  return defineFloat({
    function: (name, params, result) => {
      const index = next++;
      return EXPORTED.has(index)
        ? module.import('float', name, params, result)
        : { index, name, params, result };
    },
  });
}

/** An instruction's use of floating point. */
export function floatUseOf(shape: VectorShape): FloatUse | undefined {
  return 'float' in shape ? shape.float : undefined;
}

/**
 * Generates the module of one kernel: it imports `env.memory`, the call-outs and the functions of `float` that it
 * needs, and exports `run(hart, bits)`.
 */
export function generateKernel(
  shape: VectorShape,
  setting: KernelSetting,
  limits: MemoryLimits,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(limits);
  const out = {
    load: module.import('env', 'load', ['i32'], 'i32'),
    store: module.import('env', 'store', ['i32'], 'i32'),
  };
  const use = floatUseOf(shape);
  const functions = use === undefined ? undefined : importFloat(module);
  module.function(
    'run',
    ['i32', 'i32'],
    'i32',
    (f) => {
      const kernel = new KernelFrame(f, setting, out);
      if (use !== undefined && functions !== undefined) {
        kernel.useFloat(new KernelFloat(kernel, use, functions));
      }
      writeKernel(kernel, shape);
    },
    true,
  );
  return module.toBytes();
}

function writeKernel(kernel: KernelFrame, shape: VectorShape): void {
  switch (shape.kind) {
    case 'configuration':
      configurationKernel(kernel, shape);
      break;
    case 'memory':
      memoryKernel(kernel, shape);
      break;
    case 'elements':
      elementsKernel(kernel, shape);
      break;
    case 'reduction':
      reductionKernel(kernel, shape);
      break;
    case 'mask-logic':
      maskLogicKernel(kernel, shape);
      break;
    case 'groups':
      groupsKernel(kernel, shape);
      break;
    case 'special':
      specialKernel(kernel, shape);
      break;
    case 'whole-move':
      wholeMoveKernel(kernel, shape);
      break;
  }
}
