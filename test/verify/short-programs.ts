/**
 * Short programs of a few accesses and fences for two shared words, made up at random, and what RVWMO's axioms say of
 * them: against these the memory is held that the explorer runs threads on, and the explorer itself.
 */
import fc from 'fast-check';
import { enumerateExecutions } from '../../src/verify/memory/axiomatic.ts';
import {
  KERNEL_BARRIERS,
  KERNEL_ORDERINGS,
  NAMED_ORDERINGS,
  type Ordering,
} from '../../src/verify/memory/orderings.ts';
import {
  FENCE_FULL,
  type FenceOrder,
  type Instruction,
  type Program,
} from '../../src/verify/memory/program.ts';

/** A step of a thread's program: accesses with the register that gets the result, and fences. */
export type Step =
  | {
      readonly do: 'load' | 'store' | 'swap' | 'add';
      readonly word: number;
      readonly value?: number;
      readonly ordering?: Ordering;
    }
  | { readonly do: 'fence'; readonly orders: readonly FenceOrder[] };

export const load = (word: number, ordering: Ordering = KERNEL_ORDERINGS.READ_ONCE): Step => ({
  do: 'load',
  word,
  ordering,
});
export const store = (
  word: number,
  value: number,
  ordering: Ordering = KERNEL_ORDERINGS.WRITE_ONCE,
): Step => ({
  do: 'store',
  word,
  value,
  ordering,
});
export const swap = (word: number, value: number, ordering: Ordering): Step => ({
  do: 'swap',
  word,
  value,
  ordering,
});
export const barrier = (orders: readonly FenceOrder[]): Step => ({ do: 'fence', orders });

/** Every final outcome by the axioms: results of the loads of each thread, and the words. */
export function axiomatic(threads: readonly (readonly Step[])[]): string[] {
  const program: Program = {
    harts: threads.map(instructionsOf),
    registers: threads.map(registersOf),
    memory: [0, 0],
  };
  const found = new Set<string>();
  enumerateExecutions(program, ({ registers, memory }) => {
    const results = threads.flatMap((steps, hart) => {
      return steps.flatMap((step, i) =>
        step.do === 'fence' || step.do === 'store' ? [] : [registers[hart][i + 1]],
      );
    });
    found.add(`${results.join()} ${memory.join()}`);
  });
  return [...found].sort();
}

/** Registers: i + 1 gets the result of step i, 16 + value has a value, 30 and 31 have the addresses. */
function registersOf(): Map<number, number> {
  return new Map([
    ...[1, 2, 3].map((value): [number, number] => [16 + value, value]),
    [30, 1 << 12],
    [31, 2 << 12],
  ]);
}

function instructionsOf(steps: readonly Step[]): Instruction[] {
  return steps.flatMap((step, i): Instruction[] => {
    if (step.do === 'fence') return [{ kind: 'fence', orders: step.orders }];
    const { before, order, after } = step.ordering ?? NAMED_ORDERINGS.rlx;
    const operands = { base: 30 + step.word, offset: 0, width: 4, order };
    const data = 16 + (step.value ?? 0);
    const access: Instruction =
      step.do === 'load'
        ? { kind: 'load', rd: i + 1, ...operands }
        : step.do === 'store'
          ? { kind: 'store', data, ...operands }
          : { kind: 'amo', operation: step.do, rd: i + 1, data, ...operands };
    return [{ kind: 'fence', orders: before }, access, { kind: 'fence', orders: after }];
  });
}

const { xchg_acquire, smp_store_release, smp_load_acquire } = KERNEL_ORDERINGS;

/** Orders of loads, stores and read-modify-writes that the kernel's operations have, and weaker ones. */
const anyOrdering = fc.constantFrom<Ordering>(
  ...Object.values(NAMED_ORDERINGS),
  xchg_acquire,
  smp_store_release,
  smp_load_acquire,
  { ...NAMED_ORDERINGS.rlx, before: FENCE_FULL },
  { ...NAMED_ORDERINGS.rlx, after: FENCE_FULL },
);
/** Any access or fence. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ word: fc.nat(1), ordering: anyOrdering }).map(({ word, ordering }) => load(word, ordering)),
  fc
    .record({ word: fc.nat(1), value: fc.integer({ min: 1, max: 3 }), ordering: anyOrdering })
    .map(({ word, value, ordering }) => store(word, value, ordering)),
  fc
    .record({ word: fc.nat(1), value: fc.integer({ min: 1, max: 3 }), ordering: anyOrdering })
    .map(({ word, value, ordering }) => swap(word, value, ordering)),
  fc.constantFrom(...Object.values(KERNEL_BARRIERS)).map(barrier),
);
