import type { Kernel } from '../cpu/kernels.ts';

/** Harts of all sides, in QEMU's words. */
const HARTS = 'rv64,v=true,vlen=256';

const kernel = (name: string, about: string): Kernel => ({
  ...{ name: `vector-${name}`, source: `vector-${name}`, defines: {}, about },
  ...{ cpu: HARTS, march: 'rv64gcv' },
});

/** Programs whose work is done by vector instructions, written by hand: no compiler chooses them. */
export const vectorKernels: readonly Kernel[] = [
  kernel('copy', 'copies of many lengths, by bytes'),
  kernel('saxpy', 'a x + y in single precision'),
  kernel('matmul', 'matrices of doubles'),
  kernel('strlen', 'lengths of strings, by fault-only-first loads'),
  kernel('dot', 'sums of products of 8-bit integers'),
];
