import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../errors/input-error.ts';
import { readInputFile } from '../node/files.ts';
import {
  type Expectation,
  expectedByFolder,
  expectedByLog,
  type LitmusFile,
  type LitmusReport,
  litmusReport,
} from '../verify/memory/litmus-report.ts';
import { EXIT_STATUS } from './exit-status.ts';
import { liveLine } from './live-line.ts';

/** Options of `hartvisor verify litmus` as the parser gives them. */
export interface LitmusOptions {
  readonly herdLog?: string | undefined;
  readonly json?: true | undefined;
}

/** Changes when a field of the JSON changes its meaning or goes away. */
const LITMUS_SCHEMA = 1;

/** How many disagreements, and how many files of one reason, are shown. */
const MOST_SHOWN = 20;

const count = (value: number) => value.toLocaleString('en-US');

/**
 * `hartvisor verify litmus`: the RVWMO axioms by which this project speaks of C on hardware, against a collection of
 * litmus tests.
 *
 * @returns the exit status: 0 when no judged test disagrees, 1 when one does, 2 when no test could be run
 * @throws InputError for a directory or a log that cannot be used
 */
export async function litmusCommand(directory: string, options: LitmusOptions): Promise<number> {
  const paths = litmusPaths(directory);
  const expectation = await expectationOf(options.herdLog);
  const line = liveLine(process.stderr);
  const started = performance.now();
  const report = litmusReport(
    filesOf(directory, paths, (text) => line.show(text)),
    expectation,
    // The meaning that annotations of plain loads and stores have in the RISC-V suite and in herd's model.
    { plainAnnotations: 'rcpc' },
  );
  line.clear();
  const run: LitmusRun = {
    directory,
    files: paths.length,
    herdLog: options.herdLog,
    report,
    milliseconds: performance.now() - started,
  };
  if (options.herdLog !== undefined && report.run > 0 && report.judged === 0) {
    throw new InputError(
      `--herd-log ${options.herdLog} says nothing about any of the tests below ${directory}. Give herd7's output for them.`,
    );
  }
  process.stdout.write(options.json ? jsonText(run) : formatLitmus(run));
  if (report.run === 0) return EXIT_STATUS.badInput;
  return report.disagreeing.length === 0 ? EXIT_STATUS.success : EXIT_STATUS.defect;
}

function litmusPaths(directory: string): string[] {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new InputError(`${directory}: there is no such directory. Give one with .litmus files below it.`);
  }
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.litmus'))
    .sort();
  if (paths.length > 0) return paths;
  throw new InputError(`${directory}: there are no .litmus files in this directory, nor below it.`);
}

async function expectationOf(herdLog: string | undefined): Promise<Expectation> {
  if (herdLog === undefined) return expectedByFolder;
  const log = new TextDecoder().decode(await readInputFile(herdLog, 'The log of herd7', '--herd-log'));
  if (/^Observation .+ (Never|Sometimes|Always) \d+ \d+$/m.test(log)) return expectedByLog(log);
  throw new InputError(
    `--herd-log ${herdLog}: this is no output of herd7: no line begins with "Observation". Give what herd7 prints.`,
  );
}

/** Reads each file when its turn comes. The directory's own name counts as a folder of the suite. */
function* filesOf(
  directory: string,
  paths: readonly string[],
  show: (text: string) => void,
): Generator<LitmusFile> {
  const folder = basename(resolve(directory));
  for (const [index, path] of paths.entries()) {
    show(`[${index + 1}/${paths.length}] ${path}`);
    yield { path: join(folder, path), text: readFileSync(join(directory, path), 'utf8') };
  }
}

interface LitmusRun {
  readonly directory: string;
  readonly files: number;
  readonly herdLog: string | undefined;
  readonly report: LitmusReport;
  readonly milliseconds: number;
}

function jsonText({ directory, files, herdLog, report, milliseconds }: LitmusRun): string {
  const { run, observable, judged, agreeing, disagreeing, incomplete, skipped } = report;
  const json = {
    schema: LITMUS_SCHEMA,
    tool: 'hartvisor verify litmus',
    directory,
    oracle: herdLog === undefined ? 'folders' : 'herd7',
    files,
    run,
    skipped: [...skipped].map(([reason, paths]) => ({ reason, paths })),
    observable,
    judged,
    agreeing,
    disagreeing,
    incomplete,
    milliseconds,
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

function formatLitmus({ directory, files, herdLog, report, milliseconds }: LitmusRun): string {
  const { run, observable, judged, agreeing, disagreeing, incomplete, skipped } = report;
  const left = [...skipped.values()].reduce((sum, paths) => sum + paths.length, 0);
  const lines = [
    `Litmus tests below ${directory}, by the axioms of RVWMO:`,
    `files        ${count(files)}`,
    `ran          ${count(run)}: the execution in question is allowed in ${count(observable)}, forbidden in ${count(run - observable)}`,
    `skipped      ${count(left)}`,
    ...[...skipped].map(([reason, paths]) => `  ${count(paths.length)} x ${reason}: ${listed(paths)}`),
    `judged       ${count(judged)}, by ${oracleText(herdLog)}`,
    `agreeing     ${count(agreeing)}`,
    `disagreeing  ${count(disagreeing.length)}`,
    ...disagreeing.slice(0, MOST_SHOWN).map(disagreementText),
    ...(disagreeing.length > MOST_SHOWN
      ? [`  and ${count(disagreeing.length - MOST_SHOWN)} more; --json has all`]
      : []),
    ...(incomplete.length === 0
      ? []
      : [`loops cut    ${count(incomplete.length)}, which say "forbidden" of a part: ${listed(incomplete)}`]),
    `time         ${(milliseconds / 1000).toFixed(1)} s`,
    ...(judged > 0 || run === 0 ? [] : ['', nothingJudged]),
  ];
  return `${lines.join('\n')}\n`;
}

const nothingJudged =
  'Nothing says what to expect of these tests: give the output of herd7 for them with --herd-log.';

function oracleText(herdLog: string | undefined): string {
  return herdLog === undefined
    ? 'the folders: SAFE means forbidden, except with fence.i; others state nothing'
    : `the log of herd7, ${herdLog}`;
}

function disagreementText({ name, path, expected }: LitmusReport['disagreeing'][number]): string {
  return `  ${name} (${path}): expected ${expected ? 'allowed' : 'forbidden'}, found ${expected ? 'forbidden' : 'allowed'}`;
}

function listed(paths: readonly string[]): string {
  const shown = paths.slice(0, MOST_SHOWN).join(', ');
  return paths.length > MOST_SHOWN ? `${shown} and ${count(paths.length - MOST_SHOWN)} more` : shown;
}
