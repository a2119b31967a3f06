import { InputError } from '../../src/errors/input-error.ts';

/** A program for the bare machine, and how to build it. */
export interface Kernel {
  readonly name: string;
  /** A file of `kernels/`, without its ending. */
  readonly source: string;
  /** Macros for the preprocessor. */
  readonly defines: Readonly<Record<string, number>>;
  /** For people. */
  readonly about: string;
  /** The harts that it needs, in QEMU's words, and what the compiler calls them; those of its width unless given. */
  readonly cpu?: string;
  readonly march?: string;
}

const plain = (name: string, about: string): Kernel => ({ name, source: name, defines: {}, about });

const stream = (kib: number): Kernel => ({
  name: `stream-${kib}k`,
  source: 'stream',
  defines: { KIB: kib },
  about: `sequential reads and writes over ${kib} KiB`,
});

/**
 * `steps` shrinks as sets outgrow caches; it is no multiple of a cycle's length, so that the checksum says something.
 */
const chase = (kib: number, steps: number): Kernel => ({
  name: `chase-${kib}k`,
  source: 'chase',
  defines: { KIB: kib, STEPS: steps },
  about: `dependent loads in random order over ${kib} KiB`,
});

/** All kernels that are measured. */
export const kernels: readonly Kernel[] = [
  plain('list', 'linked lists sorted through function pointers'),
  plain('matmul-i16', 'matrices of 16-bit integers'),
  plain('parse', 'a state machine that reads numbers'),
  plain('crc', 'CRC-16 bit by bit, CRC-32 by table'),
  plain('records', 'strings and structures'),
  plain('quicksort', 'quicksort of 50 000 numbers'),
  plain('sha256', 'SHA-256 of 64 KiB'),
  plain('bytecode', 'an interpreter loop with a jump table'),
  plain('nbody', 'planets in double precision'),
  plain('matmul-f64', 'matrices of doubles'),
  plain('mandelbrot', 'the Mandelbrot set in double precision'),
  plain('atomics', 'AMO, LR/SC and fences of one hart'),
  plain('virtual', 'methods called through tables, of one class and of many'),
  plain('switch', 'a switch with 32 cases in random order'),
  plain('divide', 'integer division and remainder'),
  plain('strings', 'copies, searches and comparisons of strings'),
  plain('ecall', 'calls from user mode to a supervisor that saves all registers'),
  plain('pages', 'loads in random order from 8192 pages of 4 KiB under Sv39'),
  plain('walk', 'page tables that change, with sfence.vma'),
  stream(4),
  stream(64),
  stream(1024),
  stream(16384),
  stream(65536),
  chase(4, 160_000_008),
  chase(64, 100_000_008),
  chase(1024, 40_000_008),
  chase(16384, 2_400_008),
  chase(65536, 2_400_008),
];

/**
 * Finds kernels by name, or all sizes of one by the name of their source (`chase`).
 *
 * @param names separated by commas; undefined means all
 * @param from those that there are
 * @throws InputError when a name fits no kernel
 */
export function selectKernels(
  names: string | undefined,
  from: readonly Kernel[] = kernels,
): readonly Kernel[] {
  if (names === undefined) return from;
  const wanted = names.split(',').map((name) => name.trim());
  for (const name of wanted) {
    if (!from.some((kernel) => fits(kernel, name))) {
      const known = from.map((kernel) => kernel.name).join(', ');
      throw new InputError(`--kernels: there is no kernel "${name}". There are ${known}.`);
    }
  }
  return from.filter((kernel) => wanted.some((name) => fits(kernel, name)));
}

function fits({ name, source }: Kernel, wanted: string): boolean {
  return name === wanted || source === wanted;
}
