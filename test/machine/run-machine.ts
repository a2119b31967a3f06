import type { RegionStatistics } from '../../src/hart/region-statistics.ts';
import type { MachineConfig } from '../../src/machine/config.ts';
import type { VcpuStats } from '../../src/machine/kind.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { MachineEnd } from '../../src/machine/machine-end.ts';
import type { TraceReport } from '../../src/machine/thread.ts';
import { NodeHost } from '../../src/node/node-host.ts';

/** A machine's run from its start to its end. */
export interface MachineRun {
  readonly end: MachineEnd;
  readonly output: string;
  readonly notices: readonly string[];
  readonly stats: readonly VcpuStats[];
  /** Of each pCPU or hart, where code is compiled. */
  readonly regions: readonly RegionStatistics[];
  /** Of a machine that is traced. */
  readonly trace: TraceReport | undefined;
}

/** Input for a guest's console, once its output contains `after`. */
export interface Typed {
  readonly after: string;
  readonly text: string;
}

/**
 * Runs a machine on real threads until it ends.
 *
 * @param meet is given the machine before it starts
 * @param limitMs the machine is stopped then, and its end is `stopped`: a hang becomes a failure with output to look at
 */
export async function runMachine(
  config: MachineConfig,
  limitMs: number,
  typed: readonly Typed[] = [],
  host = new NodeHost(),
  meet?: (machine: Machine) => void,
): Promise<MachineRun> {
  const notices: string[] = [];
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const waiting = [...typed];
  let output = '';
  const machine = new Machine(config, host, {
    console: {
      output: (bytes) => {
        output += decoder.decode(bytes, { stream: true });
        while (waiting[0] !== undefined && output.includes(waiting[0].after)) {
          machine.input(encoder.encode(waiting.shift()?.text));
        }
        return undefined;
      },
    },
    onNotice: (text) => notices.push(text),
  });
  meet?.(machine);
  machine.start();
  const limit = setTimeout(() => machine.stop(), limitMs);
  const end = await machine.ended;
  clearTimeout(limit);
  return {
    ...{ end, output, notices, stats: machine.stats(), regions: machine.regionStats() },
    trace: machine.traceReport,
  };
}
