import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { debianFiles } from '../debian-files.ts';
import { RunFailure } from '../measured-run.ts';
import { median } from '../statistics.ts';
import { formatTable } from '../table.ts';
import type { Measured } from './measure.ts';

const RUNS = 5;
const PROGRAM = fileURLToPath(new URL('./measure.ts', import.meta.url));

/**
 * How fast guest code becomes WebAssembly: functions of Debian's kernel and generated loops with floating point, by the
 * compiler alone. Each run is a process of its own, so that its first regions are compiled by code that V8 has just
 * met.
 *
 * @throws InputError when the kernel cannot be had
 * @throws RunFailure when a run ends otherwise than it should
 */
export async function runRegionsBench(onProgress: (line: string) => void): Promise<string> {
  const { kernelPath } = await debianFiles(onProgress);
  const runs: Measured[] = [];
  for (let run = 1; run <= RUNS; run++) {
    onProgress(`run ${run} of ${RUNS}`);
    runs.push(measure(kernelPath));
  }
  return formatRegionsResult(runs);
}

function measure(kernelPath: string): Measured {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, kernelPath], { encoding: 'utf8' });
  if (status !== 0) throw new RunFailure(`Compiling regions of ${kernelPath} failed:\n${stderr}`);
  return JSON.parse(stdout) as Measured;
}

/** The result for people: medians of all runs. */
export function formatRegionsResult(runs: readonly Measured[]): string {
  const middle = (pick: (run: Measured) => number): number => median(runs.map(pick));
  const cold = runs[0].cold.map(({ regions, instructions }, point) => {
    const milliseconds = middle((run) => run.cold[point].milliseconds);
    return [`the first ${regions}`, milliseconds.toFixed(0), (instructions / milliseconds).toFixed(0)];
  });
  const warm = (['shallow', 'deep', 'float'] as const).map((kind) => [
    kind,
    middle((run) => run.warm[kind]).toFixed(0),
  ]);
  return [
    formatTable([['a new process', 'ms', 'instructions/ms'], ...cold]),
    formatTable([['later', 'instructions/ms'], ...warm]),
    `${runs[0].bytesPerInstruction.toFixed(1)} bytes of WebAssembly for an instruction; medians of ${runs.length} processes`,
  ].join('\n\n');
}
