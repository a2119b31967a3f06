/** The benchmarks: `npm run bench -- NAME [options]`, of which `usage` has the names. */
import { InputError } from '../src/errors/input-error.ts';
import { formatAgentResult, runAgentBench } from './agent/agent.ts';
import { formatBootResult, runBootBench } from './boot/boot.ts';
import { formatCpuResult, runCpuBench } from './cpu/cpu.ts';
import { runDebugBench } from './debug/debug.ts';
import { formatDiskResult, runDiskBench } from './disk/disk.ts';
import { runIrqBench } from './irq/irq.ts';
import { formatLinuxResult } from './linux/format.ts';
import { runLinuxBench } from './linux/linux.ts';
import { RunFailure } from './measured-run.ts';
import { formatNetResult, runNetBench } from './net/net.ts';
import {
  readBootOptions,
  readCpuOptions,
  readDiskOptions,
  readLinuxOptions,
  readNetOptions,
  readOvercommitOptions,
  readProgramsOptions,
  readShareOptions,
  readSweepOptions,
  readTraceOptions,
  readVectorOptions,
  readWebOptions,
  usage,
} from './options.ts';
import { formatOvercommitResult, runOvercommitBench } from './overcommit/overcommit.ts';
import { formatProgramsResult, runProgramsBench } from './programs/bench.ts';
import { runRegionsBench } from './regions/regions.ts';
import { formatShareResult, runShareBench } from './share/share.ts';
import { runSnapshotBench } from './snapshot/snapshot.ts';
import { runSweep } from './sweep/sweep.ts';
import { runTimelineBench } from './timeline/timeline.ts';
import { runTraceBench } from './trace/trace.ts';
import { runWebBench } from './web/web.ts';
import { runYardstick } from './web/yardstick/bench.ts';

/** Standard output is for the result alone. */
const onProgress = (line: string) => process.stderr.write(`${line}\n`);

async function cpu(args: readonly string[]): Promise<string> {
  const options = readCpuOptions(args);
  const result = await runCpuBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatCpuResult(result);
}

async function vector(args: readonly string[]): Promise<string> {
  const options = readVectorOptions(args);
  const result = await runCpuBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatCpuResult(result);
}

async function sweep(args: readonly string[]): Promise<string> {
  const options = readSweepOptions(args);
  const result = await runSweep(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatCpuResult(result);
}

async function boot(args: readonly string[]): Promise<string> {
  const options = readBootOptions(args);
  const result = await runBootBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatBootResult(result);
}

async function programs(args: readonly string[]): Promise<string> {
  const options = readProgramsOptions(args);
  const result = await runProgramsBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatProgramsResult(result);
}

async function overcommit(args: readonly string[]): Promise<string> {
  const options = readOvercommitOptions(args);
  const result = await runOvercommitBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatOvercommitResult(result);
}

async function linux(args: readonly string[]): Promise<string> {
  const options = readLinuxOptions(args);
  const result = await runLinuxBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatLinuxResult(result);
}

async function disk(args: readonly string[]): Promise<string> {
  const options = readDiskOptions(args);
  const result = await runDiskBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatDiskResult(result);
}

async function agent(args: readonly string[]): Promise<string> {
  const options = readNetOptions(args);
  const result = await runAgentBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatAgentResult(result);
}

async function net(args: readonly string[]): Promise<string> {
  const options = readNetOptions(args);
  const result = await runNetBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatNetResult(result);
}

async function share(args: readonly string[]): Promise<string> {
  const options = readShareOptions(args);
  const result = await runShareBench(options, onProgress);
  return options.json ? JSON.stringify(result, undefined, 2) : formatShareResult(result);
}

async function irq(args: readonly string[]): Promise<string> {
  noOptions('irq', args);
  return runIrqBench();
}

async function regions(args: readonly string[]): Promise<string> {
  noOptions('regions', args);
  return runRegionsBench(onProgress);
}

async function trace(args: readonly string[]): Promise<string> {
  return runTraceBench(readTraceOptions(args), onProgress);
}

async function snapshot(args: readonly string[]): Promise<string> {
  noOptions('snapshot', args);
  return runSnapshotBench(onProgress);
}

async function debug(args: readonly string[]): Promise<string> {
  noOptions('debug', args);
  return runDebugBench(onProgress);
}

async function web(args: readonly string[]): Promise<string> {
  const options = readWebOptions(args);
  return options.v86 ? runYardstick(options, onProgress) : runWebBench(options, onProgress);
}

async function timeline(args: readonly string[]): Promise<string> {
  noOptions('timeline', args);
  return runTimelineBench(onProgress);
}

function noOptions(name: string, args: readonly string[]): void {
  if (args.length > 0)
    throw new InputError(`bench -- ${name} has no options, so ${args.join(' ')} means nothing.`);
}

const benchmarks: ReadonlyMap<string, (args: readonly string[]) => Promise<string>> = new Map([
  ['cpu', cpu],
  ['vector', vector],
  ['sweep', sweep],
  ['boot', boot],
  ['programs', programs],
  ['overcommit', overcommit],
  ['linux', linux],
  ['disk', disk],
  ['net', net],
  ['agent', agent],
  ['share', share],
  ['irq', irq],
  ['regions', regions],
  ['trace', trace],
  ['snapshot', snapshot],
  ['debug', debug],
  ['web', web],
  ['timeline', timeline],
]);

async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === '--help' || name === '-h' || args.includes('--help')) {
    process.stdout.write(usage);
    return;
  }
  const benchmark = benchmarks.get(name);
  if (benchmark === undefined) {
    throw new InputError(`There is no benchmark "${name}". There are ${[...benchmarks.keys()].join(', ')}.`);
  }
  process.stdout.write(`${await benchmark(args)}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof InputError || error instanceof RunFailure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof InputError ? 2 : 1;
}
