import type { VectorShape } from '../../isa/index.ts';
import { type MemoryLimits, ModuleBuilder } from '../../wasm/index.ts';
import { configurationKernel } from './configuration-kernel.ts';
import { elementsKernel, maskLogicKernel, reductionKernel } from './element-kernel.ts';
import { KernelFrame, type KernelSetting } from './kernel-frame.ts';
import { memoryKernel } from './memory-kernel.ts';
import { specialKernel, wholeMoveKernel } from './special-kernel.ts';

/**
 * Generates the module of one kernel: it imports `env.memory` and the call-outs, and exports `run(hart, bits)`.
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
  module.function(
    'run',
    ['i32', 'i32'],
    'i32',
    (f) => writeKernel(new KernelFrame(f, setting, out), shape),
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
    case 'special':
      specialKernel(kernel, shape);
      break;
    case 'whole-move':
      wholeMoveKernel(kernel, shape);
      break;
  }
}
