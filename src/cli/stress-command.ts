import { parseCount, parseSeconds } from '../api/quantities.ts';
import { runStress } from '../node/stress-host.ts';
import { formatStress } from '../stress/format.ts';
import { VERIFY_STATUS } from '../verify/verify.ts';
import { EXIT_STATUS, statusOfVerdict } from './exit-status.ts';
import { liveLine } from './live-line.ts';

/** Options of `hartvisor stress` as the parser gives them. */
export interface StressCommandOptions {
  readonly protocol?: string | undefined;
  readonly seconds: string;
  readonly senders: string;
}

const mostSenders = 16;

/**
 * `hartvisor stress`: protocols between real threads. Ctrl-C ends it early, with the counts until then.
 *
 * @returns the exit status
 * @throws InputError for options that cannot be used
 */
export async function stressCommand(options: StressCommandOptions): Promise<number> {
  const seconds = parseSeconds(options.seconds, '--seconds');
  const senders = parseCount(options.senders, '--senders', 'sending threads', mostSenders);
  const line = liveLine(process.stderr);
  const interrupted = new AbortController();
  const onInterrupt = () => interrupted.abort();
  process.once('SIGINT', onInterrupt);
  try {
    const report = await runStress({
      ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
      seconds,
      senders,
      signal: interrupted.signal,
      onProgress: ({ protocol, elapsedSeconds, received, lost }) =>
        line.show(
          `${protocol}: ${elapsedSeconds.toFixed(0)} of ${seconds} s, ${received.toLocaleString('en-US')} received, ${lost.toLocaleString('en-US')} lost`,
        ),
    });
    line.clear();
    process.stdout.write(`${formatStress(report)}\n`);
    const wrong = report.rows.some(({ lost, doubled, wrongLevels }) => lost + doubled + wrongLevels > 0);
    return wrong ? statusOfVerdict(VERIFY_STATUS.VIOLATED) : EXIT_STATUS.success;
  } finally {
    process.off('SIGINT', onInterrupt);
    line.clear();
  }
}
