import { describeStep } from './describe.ts';
import { type BitValues, bitsAfter, findErasure } from './explain.ts';
import { exploredSources } from './explored-sources.ts';
import type { MemoryModel } from './memory-model.ts';
import { remarks } from './remarks.ts';
import type { Counterexample, VerifyResult } from './verify.ts';

/** Changes when a field changes its meaning or goes away. */
const REPORT_SCHEMA = 1;

/** One access of a counterexample. */
export interface JsonStep {
  readonly thread: string;
  /** The function of the kernel, or of `Atomics`, that the access stands for; `choose` for a choice. */
  readonly operation: string;
  readonly text: string;
  readonly word: string;
  readonly before: number;
  readonly after: number;
  /** File and line of the access. */
  readonly source: string;
  /** True for words that no other thread uses; such steps do not count in `length`. */
  readonly quiet: boolean;
  readonly notes: readonly string[];
  /** The part of weak memory, or of a missing order, in it; empty under `sc`. */
  readonly remarks: readonly string[];
  /** Bits of the interrupt that the counterexample is about. */
  readonly bits: BitValues;
}

/** More of a counterexample under RVWMO. */
export interface JsonWeak {
  /** The order that was taken away: where, and what it is; null with all orders. */
  readonly missing: { readonly at: string; readonly without: string } | null;
  /**
   * How many of the last steps come after the violation: those of threads that had made a store ahead of their turn.
   */
  readonly tail: number;
}

export interface JsonCounterexample {
  readonly property: string;
  readonly message: string;
  readonly irq: number;
  readonly schedule: string;
  readonly length: number;
  readonly loop: number;
  /** Under `rvwmo`. */
  readonly weak?: JsonWeak;
  /** Index of the step that erases the interrupt, and of the one that it undoes; -1 if there is none. */
  readonly erases: number;
  readonly undoes: number;
  readonly steps: readonly JsonStep[];
}

/** A result as JSON. All fields but `counterexample` and `fault` are as in {@link VerifyResult}. */
export type JsonResult = Omit<VerifyResult, 'counterexample'> & {
  readonly counterexample?: JsonCounterexample;
};

export interface JsonReport {
  readonly schema: typeof REPORT_SCHEMA;
  readonly tool: 'hartvisor verify';
  /** The memory model that was explored. */
  readonly memory: MemoryModel;
  /** Under `sc`: the source files that were explored, as {@link exploredSources} has them. */
  readonly explored?: readonly string[];
  readonly states: number;
  readonly transitions: number;
  readonly milliseconds: number;
  readonly results: readonly JsonResult[];
}

/**
 * The report on one or many results.
 *
 * @param milliseconds of the whole run
 */
export function jsonReport(
  results: readonly JsonResult[],
  memory: MemoryModel,
  milliseconds: number,
): JsonReport {
  const sum = (of: (result: JsonResult) => number) => results.reduce((total, each) => total + of(each), 0);
  return {
    schema: REPORT_SCHEMA,
    tool: 'hartvisor verify',
    memory,
    ...(memory === 'sc' ? { explored: exploredBy(results) } : {}),
    states: sum(({ states }) => states),
    transitions: sum(({ transitions }) => transitions),
    milliseconds,
    results,
  };
}

/** The source files that were explored for these results. */
export function exploredBy(results: readonly JsonResult[]): readonly string[] {
  const names = (of: (result: JsonResult) => string) => [...new Set(results.map(of))];
  return exploredSources(
    names(({ protocol }) => protocol),
    names(({ scenario }) => scenario),
  );
}

/** One result. */
export function jsonResult(result: VerifyResult): JsonResult {
  const { counterexample, ...rest } = result;
  return counterexample === undefined
    ? rest
    : { ...rest, counterexample: jsonCounterexample(counterexample) };
}

function jsonCounterexample(example: Counterexample): JsonCounterexample {
  const { property, message, irq, schedule, length, loop, steps, quiet, replay, weak } = example;
  const remarked = remarks(example);
  return {
    property,
    message,
    irq,
    schedule,
    length,
    loop,
    ...(weak === undefined ? {} : { weak: { missing: weak.missing ?? null, tail: weak.tail } }),
    ...findErasure(example),
    steps: steps.map((step, index) => ({
      thread: replay.names[step.thread],
      ...describeStep(step, replay, irq),
      before: step.before,
      after: step.after,
      quiet: quiet.has(index),
      notes: step.notes,
      remarks: remarked[index],
      bits: bitsAfter(step.contents, step.states, replay, irq),
    })),
  };
}
