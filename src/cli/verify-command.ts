import { runVerify } from '../node/verify-host.ts';
import type { JobMessage, VerifyJob } from '../verify/job.ts';
import { type JsonResult, jsonReport } from '../verify/report-json.ts';
import { SCENARIOS } from '../verify/scenarios/index.ts';
import type { WeakeningResult } from '../verify/weak-job.ts';
import { statusOfVerdict } from './exit-status.ts';
import { liveLine } from './live-line.ts';
import { fileOf, limitsOf, readMemory, type VerifyWords } from './verify-options.ts';
import { exploredNote, formatResults, formatWeakenings, progressText, weakNote } from './verify-table.ts';

/** Options of `hartvisor verify` as the parser gives them. */
export interface VerifyCommandOptions extends VerifyWords {
  readonly memory: string;
  readonly weaken?: true | undefined;
  readonly list?: true | undefined;
  readonly json?: true | undefined;
}

/**
 * `hartvisor verify`: every protocol in every scenario.
 *
 * @returns the exit status
 * @throws InputError for options and files that cannot be used
 */
export async function verifyCommand(options: VerifyCommandOptions): Promise<number> {
  if (options.list) {
    process.stdout.write(scenarioList());
    return 0;
  }
  const memory = readMemory(options.memory);
  const byCell: JsonResult[] = [];
  const weakenings: WeakeningResult[] = [];
  const line = liveLine(process.stderr);
  const onMessage = (message: JobMessage) => {
    if (message.kind === 'progress') line.show(progressText(message));
    if (message.kind === 'result') byCell[message.cell] = message.result.json;
    if (message.kind === 'weakening') weakenings.push(message.result);
  };
  const { protocol = [], scenario = [] } = options;
  const started = performance.now();
  try {
    const job: VerifyJob = {
      task: options.weaken ? 'weaken' : 'matrix',
      memory,
      protocols: protocol,
      scenarios: scenario,
      ...fileOf(options),
      ...limitsOf(options),
    };
    const status = await runVerify(job, onMessage);
    const results = byCell.filter((result) => result !== undefined);
    line.clear();
    const milliseconds = performance.now() - started;
    if (options.weaken) {
      process.stdout.write(
        options.json ? `${JSON.stringify(weakenings, undefined, 2)}\n` : formatWeakenings(weakenings),
      );
      return statusOfVerdict(status);
    }
    process.stdout.write(
      options.json
        ? `${JSON.stringify(jsonReport(results, memory, milliseconds), undefined, 2)}\n`
        : formatResults(results, milliseconds, options.file) +
            (memory === 'rvwmo' ? weakNote(results) : exploredNote(results, options.file)),
    );
    return statusOfVerdict(status);
  } finally {
    line.clear();
  }
}

function scenarioList(): string {
  const groups = [...new Set(SCENARIOS.map(({ group }) => group))];
  return groups
    .map((group) => {
      const scenarios = SCENARIOS.filter((scenario) => scenario.group === group);
      const width = Math.max(...scenarios.map(({ name }) => name.length));
      const lines = scenarios.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`);
      return `${group}:\n${lines.join('\n')}\n`;
    })
    .join('\n');
}
