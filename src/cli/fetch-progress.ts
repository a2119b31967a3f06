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
 * @returns the function to report to, and one that ends the line that changes
 */
export function fetchProgress(output: ProgressOutput): {
  report(progress: FetchProgress): void;
  done(): void;
} {
  let shown = '';
  return {
    report(progress) {
      const line = output.isTTY === true ? withAmount(progress) : withSize(progress);
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

function withAmount({ message, bytes, totalBytes }: FetchProgress): string {
  if (bytes === undefined || totalBytes === undefined) return `${message} ...`;
  return `${message}: ${(bytes / mebibyte).toFixed(0)} of ${mebibytes(totalBytes)}`;
}

function withSize({ message, totalBytes }: FetchProgress): string {
  return totalBytes === undefined ? message : `${message} (${mebibytes(totalBytes)})`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(0)} MiB`;
}
