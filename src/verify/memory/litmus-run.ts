/** Runs litmus tests: whether the model allows what a test asks about. */
import { type Completeness, enumerateExecutions, type FinalState } from './axiomatic.ts';
import { evaluate } from './litmus-condition.ts';
import type { LitmusTest } from './litmus-parser.ts';
import type { Program } from './program.ts';

/** A model: calls back with every final state that it allows, at least those that are interesting. */
export type Enumerator = (
  program: Program,
  found: (state: FinalState) => void,
  isInteresting?: (registers: readonly Int32Array[]) => boolean,
) => Completeness;

export interface LitmusResult extends Completeness {
  /**
   * Whether some allowed execution satisfies the test's condition, or for `forall` contradicts it.
   */
  readonly observable: boolean;
}

/** Looks for the execution that a test is about. */
export function runLitmus(test: LitmusTest, enumerate: Enumerator = enumerateExecutions): LitmusResult {
  let observable = false;
  const wanted = test.quantifier !== 'forall';
  const matters = (registers: readonly Int32Array[], memory: readonly number[] | undefined): boolean => {
    if (test.filter !== undefined && evaluate(test.filter, registers, memory) === false) return false;
    const value = evaluate(test.condition, registers, memory);
    return value === undefined || value === wanted;
  };
  const completeness = enumerate(
    test.program,
    (state) => {
      observable ||= matters(state.registers, state.memory);
    },
    (registers) => !observable && matters(registers, undefined),
  );
  return { ...completeness, observable };
}
