import type { ProgressOutput } from './fetch-progress.ts';

const clearLine = '\r\x1b[K';
/** Milliseconds between two changes of the line. */
const interval = 100;

/** A line at the bottom of a terminal that changes while something goes on; where there is no terminal, nothing. */
export function liveLine(
  output: ProgressOutput,
  now: () => number = () => performance.now(),
): { show(text: string): void; clear(): void } {
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(text) {
      if (output.isTTY !== true || now() - shownAt < interval) return;
      shownAt = now();
      output.write(clearLine + text);
    },
    clear() {
      if (shownAt > Number.NEGATIVE_INFINITY) output.write(clearLine);
      shownAt = Number.NEGATIVE_INFINITY;
    },
  };
}
