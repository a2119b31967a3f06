import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineConfig } from '../../src/machine/config.ts';
import type { Machine } from '../../src/machine/machine.ts';
import type { TraceReport } from '../../src/machine/thread.ts';
import { NodeHost } from '../../src/node/node-host.ts';
import { openTrace } from '../../src/node/trace/open-trace.ts';
import { type MachineRun, runMachine } from '../machine/run-machine.ts';
import { type ReadTrace, readTrace } from './read-trace.ts';

/** A run, with its trace as a reader finds it. */
export interface TracedRun extends MachineRun {
  readonly read: ReadTrace;
  readonly trace: TraceReport;
}

/** Runs a machine with a trace into a temporary file. */
export async function runTraced(
  config: MachineConfig,
  limitMs: number,
  host = new NodeHost(),
  meet?: (machine: Machine) => void,
): Promise<TracedRun> {
  const folder = mkdtempSync(join(tmpdir(), 'hartvisor-trace-'));
  const path = join(folder, 'trace');
  const file = await openTrace(path);
  try {
    host.loadFirst(file.module);
    const run = await runMachine({ trace: {}, ...config }, limitMs, [], host, meet);
    const { trace } = run;
    if (trace === undefined) throw new Error('the machine was not traced');
    return { ...run, trace, read: readTrace(readFileSync(path)) };
  } finally {
    file.close();
    rmSync(folder, { recursive: true });
  }
}
