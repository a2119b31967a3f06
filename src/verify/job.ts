/**
 * One run of the checker on a thread of its own: what it is asked and what it answers is plain data that can be posted.
 */
import { InputError } from '../errors/input-error.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import { PROTOCOLS } from '../interrupts/protocols.ts';
import { type Cell, EveryNumberAnswers, haveOneAnswer } from './crowd/every-number.ts';
import { explain, headLines } from './explain.ts';
import { exportC } from './export/c-listing.ts';
import { exportHtml } from './export/html.ts';
import { exportLitmus } from './export/litmus.ts';
import { exportMermaid } from './export/mermaid.ts';
import { exportPromela } from './export/promela.ts';
import { HarnessFault } from './fault.ts';
import { TRANSCRIPTIONS, transcribed as transcribedCode } from './memory/transcription.ts';
import type { MemoryModel } from './memory-model.ts';
import { concernsSleepers } from './operations.ts';
import { loadPlugin } from './plugin.ts';
import { type JsonResult, jsonResult } from './report-json.ts';
import type { Scenario } from './scenario.ts';
import { cellsOf, type Selection, select, type Wanted } from './selection.ts';
import { statusOf, type VerifyOptions, type VerifyResult, verify } from './verify.ts';
import {
  transcribed,
  verifyUnderRvwmo,
  verifyWithout,
  WEAK_SCENARIOS,
  type WeakeningResult,
  weakenings,
} from './weak-job.ts';

/** Forms in which a counterexample, or for Promela the model, is written. */
export const EXPORT_FORMATS = ['html', 'mermaid', 'litmus', 'promela', 'c'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The question to a run. */
export interface VerifyJob extends Wanted {
  /**
   * `matrix`: every protocol in every scenario. `explain`: the shortest counterexample of the one protocol. `weaken`:
   * which orders of a protocol in C are needed.
   */
  readonly task: 'matrix' | 'explain' | 'weaken';
  /** Default `sc`. */
  readonly memory?: MemoryModel;
  /** For `explain` under `rvwmo`: words that tell which order of the C code is taken away. */
  readonly without?: string;
  /** A person's module. */
  readonly file?: { readonly url: string; readonly shown: string };
  readonly maxStates?: number;
  /** Milliseconds for each cell. */
  readonly maxTime?: number;
  /** For `explain`. */
  readonly formats?: readonly ExportFormat[];
}

/** One cell's result, with its counterexample in words. */
export interface JobResult {
  readonly json: JsonResult;
  /** The table of `explain`. */
  readonly text: string;
  readonly exports: Readonly<Partial<Record<ExportFormat, string>>>;
}

/** News from a run while it goes on, and at its end. */
export type JobMessage =
  | {
      readonly kind: 'progress';
      readonly protocol: string;
      readonly scenario: string;
      /** Number of the cell, from 0. */
      readonly cell: number;
      readonly cells: number;
      readonly states: number;
      /** Of this cell. */
      readonly milliseconds: number;
    }
  /** `cell` is its number, from 0. Of several threads at work, results come in any order. */
  | { readonly kind: 'result'; readonly cell: number; readonly result: JobResult }
  | { readonly kind: 'weakening'; readonly result: WeakeningResult }
  /** `status` is that of the gravest result, as `VERIFY_STATUS` has it. */
  | { readonly kind: 'done'; readonly status: number }
  /** A mistake of the person. */
  | { readonly kind: 'mistake'; readonly message: string };

/**
 * Does a job. Answers arrive through `post`; a mistake of the person is one of them.
 *
 * @param enter told where in the code of the person's module the thread is, so that another thread can say so when it
 * never comes back.
 * @param take the number of the next piece of a matrix, each once for all threads that do the same job
 */
export async function runVerifyJob(
  job: VerifyJob,
  post: (message: JobMessage) => void,
  enter: (place: string) => void = () => undefined,
  take: () => number = counter(),
): Promise<void> {
  try {
    const plugin = job.file === undefined ? undefined : await loadPlugin(job.file.url, job.file.shown, enter);
    const selection = codeOf(job, select(wantedOf(job), plugin));
    if (job.task === 'weaken') {
      weakenAll(job, selection, post);
      post({ kind: 'done', status: 0 });
      return;
    }
    const results = runCells(job, selection, post, take);
    if (job.task === 'explain') {
      post({ kind: 'result', cell: 0, result: answer(job, selection, shortest(results)) });
    }
    post({ kind: 'done', status: statusOf(job.task === 'explain' ? [shortest(results)] : results) });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    post({ kind: 'mistake', message: error.message });
  }
}

function counter(): () => number {
  let next = 0;
  return () => next++;
}

/** For the C code, that is run, also where its orders do not matter: it knows which statement each access is. */
function codeOf({ formats }: VerifyJob, selection: Selection): Selection {
  if (formats?.includes('c') !== true) return selection;
  const inC = selection.protocols.map((protocol) => {
    const { name } = protocol;
    const code = TRANSCRIPTIONS[name];
    // One of a person's own may have a name of ours.
    if (code !== undefined && PROTOCOLS.includes(protocol)) return transcribedCode(code);
    throw new InputError(
      `${name} is not written down in C, so --c cannot show it; it knows ${transcribed().join(', ')}.`,
    );
  });
  return { ...selection, protocols: inC, fileProtocols: inC };
}

function runCells(
  job: VerifyJob,
  selection: Selection,
  post: (message: JobMessage) => void,
  take: () => number,
): VerifyResult[] {
  const results: VerifyResult[] = [];
  const all = cellsOf(selection);
  const cells = all.length;
  const pieces = piecesOf(all);
  const bounds = boundsOf(job);
  const explore = exploration(job);
  // To explain the worst of many, only what is violated counts.
  const everyNumber = job.task === 'matrix' || cells === 1 ? new EveryNumberAnswers() : undefined;
  const run = (cell: number) => {
    const { protocol, scenario } = all[cell];
    const at = { protocol: protocol.name, scenario: scenario.name, cell, cells };
    const onProgress = ({ states, milliseconds }: { states: number; milliseconds: number }) =>
      post({ kind: 'progress', ...at, states, milliseconds });
    onProgress({ states: 0, milliseconds: 0 });
    const options = { ...bounds, ...(everyNumber === undefined ? {} : { everyNumber }), onProgress };
    const result = explore(protocol, scenario, options);
    results.push(result);
    if (job.task !== 'matrix') return;
    const exports = {};
    post({ kind: 'result', cell, result: { json: jsonResult(result), text: explain(result), exports } });
  };
  for (let piece = take(); piece < pieces.length; piece = take()) pieces[piece].forEach(run);
  return results;
}

/** Numbers of cells, divided so that those with one answer about other numbers of senders stay together. */
function piecesOf(cells: readonly Cell[]): readonly (readonly number[])[] {
  const pieces: number[][] = [];
  for (const [number, cell] of cells.entries()) {
    const known = pieces.find(([first]) => haveOneAnswer(cells[first], cell));
    if (known === undefined) pieces.push([number]);
    else known.push(number);
  }
  return pieces;
}

function exploration({ memory, without }: VerifyJob): typeof verify {
  if (without === undefined) return memory === 'rvwmo' ? verifyUnderRvwmo : verify;
  return (protocol, scenario, options) => verifyWithout(protocol, scenario, without, options);
}

function boundsOf({ maxStates, maxTime }: VerifyJob): VerifyOptions {
  return { ...(maxStates === undefined ? {} : { maxStates }), ...(maxTime === undefined ? {} : { maxTime }) };
}

/** Weak memory has fewer protocols and takes longer, so less is usual there. */
function wantedOf({ task, memory, without, file, protocols, scenarios }: VerifyJob): Wanted {
  const weak = task === 'weaken' || memory === 'rvwmo' || without !== undefined;
  if (!weak || file !== undefined) return { protocols, scenarios };
  return {
    protocols: protocols.length > 0 ? protocols : transcribed(),
    scenarios: scenarios.length > 0 ? scenarios : WEAK_SCENARIOS,
  };
}

function weakenAll(
  job: VerifyJob,
  { protocols, scenarios }: Selection,
  post: (message: JobMessage) => void,
): void {
  for (const [cell, protocol] of protocols.entries()) {
    const scenario = scenarios.map(({ name }) => name).join(', ');
    const at = { protocol: protocol.name, scenario, cell, cells: protocols.length };
    post({ kind: 'progress', ...at, states: 0, milliseconds: 0 });
    for (const result of weakenings(protocol, scenarios, boundsOf(job))) post({ kind: 'weakening', result });
  }
}

/** The result to explain: a fault before all, then the shortest counterexample, then whatever is not proven. */
function shortest(results: readonly VerifyResult[]): VerifyResult {
  const weight = ({ verdict, counterexample }: VerifyResult): number => {
    if (verdict === 'FAULT') return -1;
    if (counterexample !== undefined) return counterexample.length;
    return verdict === 'NOT PROVEN' ? 1e9 : 2e9;
  };
  return results.reduce((best, each) => (weight(each) < weight(best) ? each : best));
}

function answer(job: VerifyJob, selection: Selection, result: VerifyResult): JobResult {
  const json = jsonResult(result);
  const protocol = selection.protocols.find(({ name }) => name === result.protocol);
  const scenario = selection.scenarios.find(({ name }) => name === result.scenario);
  if (protocol === undefined || scenario === undefined) throw new Error('a result of nothing that was run');
  const formats = job.formats ?? [];
  const exports = Object.fromEntries(
    formats.map((format) => [format, write(format, protocol, scenario, result)]),
  );
  return { json, text: explain(result), exports };
}

/** Sleep in `Atomics.wait` has no form in models and instructions. */
function write(format: ExportFormat, protocol: Protocol, scenario: Scenario, result: VerifyResult): string {
  const sleeps = result.counterexample?.steps.some(({ operation }) => concernsSleepers(operation.kind));
  if (format === 'litmus' && sleeps) {
    throw new InputError(
      `${result.protocol} in ${scenario.name} sleeps in Atomics.wait, for which a litmus test has no instruction. --html and --mermaid can show it.`,
    );
  }
  try {
    return writeForm(format, protocol, scenario, result);
  } catch (error) {
    if (!(error instanceof HarnessFault)) throw error;
    throw new InputError(`${scenario.name} cannot be written as ${format}: ${error.message}.`);
  }
}

function writeForm(
  format: ExportFormat,
  protocol: Protocol,
  scenario: Scenario,
  result: VerifyResult,
): string {
  if (format === 'promela') return exportPromela(protocol, scenario);
  if (format === 'c') return exportC(result, headLines(result));
  if (result.counterexample === undefined) {
    throw new InputError(
      `${result.protocol} has no counterexample in ${result.scenario} (${result.verdict}), so there is nothing to write as ${format}.`,
    );
  }
  switch (format) {
    case 'html':
      return exportHtml(jsonResult(result), scenario.title);
    case 'mermaid':
      return exportMermaid(jsonResult(result));
    case 'litmus':
      return exportLitmus(result.counterexample, `${result.protocol}-${result.scenario}`);
  }
}
