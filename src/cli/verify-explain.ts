import { InputError } from '../errors/input-error.ts';
import { writeOutputFile } from '../node/files.ts';
import { runVerify } from '../node/verify-host.ts';
import type { ExportFormat, JobResult, VerifyJob } from '../verify/job.ts';
import type { MemoryModel } from '../verify/memory-model.ts';
import { VERIFY_STATUS } from '../verify/verify.ts';
import { EXIT_STATUS, statusOfVerdict } from './exit-status.ts';
import { liveLine } from './live-line.ts';
import { fileOf, limitsOf, readMemory, type VerifyWords } from './verify-options.ts';
import { progressText } from './verify-table.ts';

/** Options of `hartvisor verify explain` as the parser gives them. */
export interface ExplainOptions extends VerifyWords {
  readonly memory: string;
  readonly without?: string | undefined;
  readonly html?: string | undefined;
  readonly mermaid?: true | undefined;
  readonly litmus?: true | undefined;
  readonly promela?: true | undefined;
  readonly c?: true | undefined;
  readonly json?: true | undefined;
}

/**
 * `hartvisor verify explain`: the shortest counterexample.
 *
 * @returns the exit status: 0 also for a protocol that is proven, or violated and explained
 * @throws InputError for options and files that cannot be used
 */
export async function explainCommand(
  protocol: string | undefined,
  scenario: string | undefined,
  options: ExplainOptions,
): Promise<number> {
  if (protocol === undefined && options.file === undefined) {
    throw new InputError('Which protocol? For example: hartvisor verify explain published');
  }
  const printed = (['mermaid', 'litmus', 'promela', 'c'] as const).filter((format) => options[format]);
  if (printed.length + (options.json ? 1 : 0) > 1) {
    throw new InputError(
      'Only one of --c, --mermaid, --litmus, --promela and --json can be printed at a time.',
    );
  }
  const memory = memoryOf(options);
  const formats: ExportFormat[] = [...printed, ...(options.html === undefined ? [] : ['html' as const])];
  const answer: { result?: JobResult } = {};
  const status = await run(protocol, scenario, { formats, memory }, options, answer);
  const { result } = answer;
  if (result === undefined) throw new Error('the checker gave no result');
  if (options.html !== undefined) {
    const page = new TextEncoder().encode(result.exports.html ?? '');
    await writeOutputFile(options.html, page, 'The page');
  }
  process.stdout.write(outputOf(result, printed[0], options));
  const explained = status === VERIFY_STATUS.PROVEN || status === VERIFY_STATUS.VIOLATED;
  return explained ? EXIT_STATUS.success : statusOfVerdict(status);
}

/** An order can be taken away from C code only. */
function memoryOf({ memory, without, promela }: ExplainOptions): MemoryModel {
  const model = without === undefined ? readMemory(memory) : 'rvwmo';
  if (model === 'sc' || !promela) return model;
  throw new InputError(
    '--promela is for --memory sc only: SPIN interleaves accesses, and knows no memory in which they overtake each other. For RVWMO there is --litmus.',
  );
}

async function run(
  protocol: string | undefined,
  scenario: string | undefined,
  what: Pick<VerifyJob, 'formats' | 'memory'>,
  options: ExplainOptions,
  answer: { result?: JobResult },
): Promise<number> {
  const line = liveLine(process.stderr);
  const protocols = protocol === undefined ? [] : [protocol];
  const scenarios = scenario === undefined ? (options.scenario ?? []) : [scenario];
  try {
    return await runVerify(
      {
        task: 'explain',
        protocols,
        scenarios,
        ...what,
        ...(options.without === undefined ? {} : { without: options.without }),
        ...fileOf(options),
        ...limitsOf(options),
      },
      (message) => {
        if (message.kind === 'progress') line.show(progressText(message));
        if (message.kind === 'result') answer.result = message.result;
      },
    );
  } finally {
    line.clear();
  }
}

function outputOf(result: JobResult, format: ExportFormat | undefined, options: ExplainOptions): string {
  if (options.json) return `${JSON.stringify(result.json, undefined, 2)}\n`;
  if (format !== undefined) return result.exports[format] ?? '';
  const { protocol, scenario, counterexample } = result.json;
  // Real threads have the memory of JavaScript.
  if (counterexample === undefined || counterexample.weak !== undefined) return result.text;
  const file = options.file === undefined ? '' : ` --file ${options.file}`;
  return `${result.text}\nOn real threads: hartvisor verify replay ${protocol}/${scenario}${file}\n`;
}
