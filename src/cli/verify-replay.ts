import { replayOnThreads, type ThreadedReplay } from '../node/verify-host.ts';
import { VERIFY_STATUS } from '../verify/verify.ts';
import { EXIT_STATUS, statusOfVerdict } from './exit-status.ts';
import { fileOf, readId, type VerifyWords } from './verify-options.ts';

/**
 * `hartvisor verify replay`: a counterexample on real threads.
 *
 * @param id `PROTOCOL/SCENARIO`
 * @returns the exit status: 0 when the same happens as in the exploration
 * @throws InputError for a name or a schedule that does not fit
 */
export async function replayCommand(
  id: string,
  schedule: string | undefined,
  options: VerifyWords,
): Promise<number> {
  const request = { ...readId(id, ''), ...fileOf(options), ...(schedule === undefined ? {} : { schedule }) };
  const replayed = await replayOnThreads(request);
  const { text, same } = formatReplay(id, replayed);
  process.stdout.write(text);
  return same ? EXIT_STATUS.success : statusOfVerdict(VERIFY_STATUS['replay-mismatch']);
}

/** The account of a replay for people, and whether it agrees with the exploration. */
export function formatReplay(
  id: string,
  { plan, run, outcome, diverged }: ThreadedReplay,
): { readonly text: string; readonly same: boolean } {
  const differs = plan.steps.findIndex((step, index) => {
    const real = run.steps[index];
    if (real === undefined || real.move !== index || real.address !== step.address) return true;
    return !step.unread && (real.before !== step.before || real.after !== step.after);
  });
  const same = diverged === undefined && differs < 0 && outcome === plan.outcome;
  const nameWidth = Math.max(...plan.names.map(({ length }) => length));
  const done = run.steps.length;
  const lines = plan.steps
    .slice(0, done)
    .flatMap((step, index) => [
      ...step.notes.map((note) => `${''.padEnd(5)}${step.thread.padEnd(nameWidth)}  [${note}]`),
      `${String(index + 1).padStart(3)}  ${step.thread.padEnd(nameWidth)}  ${step.text}`,
    ]);
  const verdict = same
    ? [
        `On ${plan.names.length} real threads the same ${done} accesses found and left the same values,`,
        `with the same outcome: ${outcome}.`,
      ]
    : mismatch(plan.outcome, outcome, diverged, differs);
  return { text: `${[`${id}, schedule ${plan.schedule}`, '', ...lines, '', ...verdict].join('\n')}\n`, same };
}

function mismatch(
  expected: string,
  outcome: string,
  diverged: string | undefined,
  differs: number,
): string[] {
  return [
    ...(diverged === undefined ? [] : [`The threads left the schedule: ${diverged}.`]),
    ...(differs < 0
      ? []
      : [`Access ${differs + 1} is not the one of the exploration, or found another value.`]),
    `Expected outcome: ${expected}. On real threads: ${outcome}.`,
  ];
}
