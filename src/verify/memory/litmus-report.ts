/**
 * Runs a collection of litmus tests and compares the results with expected ones: by hand-made verdicts, by the logs of
 * herd7, or by the folder of the published RISC-V suite that says "all should not be observed".
 */
import { InputError } from '../../errors/input-error.ts';
import { enumerateExecutions } from './axiomatic.ts';
import type { AssemblyOptions } from './litmus-assembly.ts';
import { parseLitmus } from './litmus-parser.ts';
import { type Enumerator, runLitmus } from './litmus-run.ts';

export interface LitmusFile {
  /** Path, for messages and for {@link expectedByFolder}. */
  readonly path: string;
  readonly text: string;
}

/** Whether the execution that a test asks about can happen; undefined when nobody says. */
export type Expectation = (name: string, path: string) => boolean | undefined;

export interface Disagreement {
  readonly name: string;
  readonly path: string;
  readonly expected: boolean;
}

export interface LitmusReport {
  /** Tests that ran. */
  readonly run: number;
  /** Of them, those whose execution the model allows. */
  readonly observable: number;
  /** Of them, those with an expected result. */
  readonly judged: number;
  readonly agreeing: number;
  readonly disagreeing: readonly Disagreement[];
  /** Tests whose loops were cut: that something cannot happen holds for the part that was looked at. */
  readonly incomplete: readonly string[];
  /** Tests that did not run, by the reason. */
  readonly skipped: ReadonlyMap<string, readonly string[]>;
}

/** Runs the tests one after the other; takes about half a millisecond for a test of the RISC-V suite. */
export function litmusReport(
  files: Iterable<LitmusFile>,
  expectation: Expectation,
  options: AssemblyOptions = {},
  model: Enumerator = enumerateExecutions,
): LitmusReport {
  const disagreeing: Disagreement[] = [];
  const incomplete: string[] = [];
  const skipped = new Map<string, string[]>();
  let [run, observable, judged] = [0, 0, 0];
  for (const { path, text } of files) {
    try {
      const test = parseLitmus(text, options);
      const result = runLitmus(test, model);
      run++;
      if (result.observable) observable++;
      if (result.cut && !result.observable) incomplete.push(path);
      const expected = expectation(test.name, path);
      if (expected === undefined) continue;
      judged++;
      if (expected !== result.observable) disagreeing.push({ name: test.name, path, expected });
    } catch (error) {
      const reason = skipReason(error);
      skipped.set(reason, [...(skipped.get(reason) ?? []), path]);
    }
  }
  const agreeing = judged - disagreeing.length;
  return { run, observable, judged, agreeing, disagreeing, incomplete, skipped };
}

/** The message without the name of the test, if it has one, so that equal reasons fall together. */
function skipReason(error: unknown): string {
  if (!(error instanceof InputError)) throw error;
  const colon = error.message.indexOf(': ');
  return colon < 0 ? error.message : error.message.slice(colon + 2);
}

/**
 * Expected results from the folders of the published suite: what is in `SAFE` was generated from orderings that are
 * kept, so none may be observed. (`RELAX` is no such promise: its tests contain an ordering that is *under question*.)
 *
 * Tests with `fencei` in their name are left out: the suite counts a control dependency and a `fence.i` as an ordering
 * of loads, as other architectures have it, but no rule of RVWMO speaks of `fence.i`, and herd7 allows such executions.
 */
export function expectedByFolder(name: string, path: string): boolean | undefined {
  return /(^|\/)SAFE\//.test(path) && !name.includes('fencei') ? false : undefined;
}

/**
 * Expected results from a log of herd7, which has for each test a line `Condition exists|~exists|forall ...` and then
 * `Observation NAME Never|Sometimes|Always ...`, about the states that satisfy what follows the quantifier.
 */
export function expectedByLog(log: string): Expectation {
  const observable = new Map<string, boolean>();
  let isForall = false;
  for (const line of log.split('\n')) {
    if (line.startsWith('Condition ')) isForall = line.startsWith('Condition forall');
    const match = /^Observation (.+) (Never|Sometimes|Always) \d+ \d+$/.exec(line);
    if (match !== null) observable.set(match[1], match[2] !== (isForall ? 'Always' : 'Never'));
  }
  return (name) => observable.get(name);
}
