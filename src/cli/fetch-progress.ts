import type { FetchProgress } from '../node/debian/debian-guest.ts';

/** Where progress is shown. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const mebibyte = 1024 * 1024;
const clearLine = '\r\x1b[K';

/**
 * Shows how far a download has come: on a terminal in one line that changes, otherwise in a line for each step.
 *
 * @param now - milliseconds
 * @returns the function to report to, and one that ends the line that changes
 */
export function fetchProgress(
  output: ProgressOutput,
  now: () => number = () => performance.now(),
): {
  report(progress: FetchProgress): void;
  done(): void;
} {
  let shown = '';
  const estimate = estimator(now);
  return {
    report(progress) {
      const left = estimate(progress);
      const line = output.isTTY === true ? withAmount(progress, left) : withSize(progress);
      if (line === shown) return;
      shown = line;
      output.write(output.isTTY === true ? `${clearLine}${line}` : `${line}\n`);
    },
    done() {
      if (shown !== '' && output.isTTY === true) output.write(clearLine);
      shown = '';
    },
  };
}

/** Less than that share tells nothing of the rest. */
const TELLING = 0.05;

/** Seconds until all steps of a kind are done, as far as that can be told. */
function estimator(now: () => number): (progress: FetchProgress) => number | undefined {
  let kind: FetchProgress['step'] | undefined;
  let start = { time: 0, fraction: 0 };
  return ({ step, fraction }) => {
    if (fraction === undefined) return undefined;
    if (step !== kind) {
      kind = step;
      start = { time: now(), fraction };
    }
    const done = fraction - start.fraction;
    return done < TELLING ? undefined : ((now() - start.time) / 1000 / done) * (1 - fraction);
  };
}

function withAmount(progress: FetchProgress, left: number | undefined): string {
  const { message, bytes, totalBytes, fraction, detail } = progress;
  if (fraction !== undefined) {
    const parts = [
      `${Math.floor(100 * fraction)} %`,
      detail,
      left === undefined ? undefined : timeLeft(left),
    ];
    return `${message}: ${parts.filter((part) => part !== undefined).join(', ')}`;
  }
  if (bytes === undefined || totalBytes === undefined) return `${message} ...`;
  return `${message}: ${(bytes / mebibyte).toFixed(0)} of ${mebibytes(totalBytes)}`;
}

/** In steps that people notice: a number that changes all the time says more than is known. */
function timeLeft(seconds: number): string {
  if (seconds < 60) return `${10 * Math.ceil(seconds / 10)} s left`;
  return `${Math.ceil(seconds / 60)} min left`;
}

function withSize({ message, totalBytes }: FetchProgress): string {
  return totalBytes === undefined ? message : `${message} (${mebibytes(totalBytes)})`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(0)} MiB`;
}
