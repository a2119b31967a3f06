/**
 * The same machines in a tab of Chromium and in Node, in turns within one run: kernels on a bare machine by the guest's
 * own clock, and Linux until a program has run in it, booted and from an image. Tabs are new ones, and count from their
 * navigation; Node counts from the call of `boot` or `restore`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { busyboxFiles } from '../../src/node/guests/load-guest.ts';
import { boot, Machine, NodeHost, readElf, restore, type Vm } from '../../src/node/index.ts';
import { deflateCodec } from '../../src/node/snapshots/deflate-codec.ts';
import { saveSnapshot } from '../../src/node/snapshots/snapshot-file.ts';
import { openBrowser, type TestBrowser } from '../../test/web/browser.ts';
import { findCompiler } from '../compiler.ts';
import { buildKernel } from '../cpu/build.ts';
import type { Kernel } from '../cpu/kernels.ts';
import { RunFailure } from '../measured-run.ts';
import type { WebOptions } from '../options.ts';
import { geometricMean, median, ratioOfTurns, type Spread } from '../statistics.ts';
import { formatRatio, formatSeconds, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { type DiskRow, measureDisks } from './disks.ts';

/** Ticks a second of the guest's clock. */
const CLOCK = 10_000_000;

/** Seconds in Node and in a tab, one of each for a turn. */
interface Pair {
  readonly node: number[];
  readonly tab: number[];
}

/**
 * Measures, and writes the result for people.
 *
 * @throws InputError when the compiler or the guest is missing; RunFailure when a run fails or results differ
 */
export async function runWebBench(options: WebOptions, onProgress: (line: string) => void): Promise<string> {
  using directory = temporaryDirectory('web');
  const browser = await openBrowser(fileURLToPath(new URL('page.ts', import.meta.url)));
  try {
    const rows: (readonly string[])[] = [];
    const speeds: number[] = [];
    for (const kernel of options.kernels) {
      const pair = await measureKernel(kernel, browser, directory.path, options);
      const speed = ratioOfTurns(pair.node, pair.tab);
      speeds.push(speed.median);
      rows.push(rowOf(kernel.name, pair, speed));
      onProgress(`${kernel.name}: ${formatRatio(speed.median)} x of Node's speed`);
    }
    const linux = options.linux ? await measureLinux(browser, directory.path, options.runs, onProgress) : [];
    const disks = options.linux ? await measureDisks(browser, directory.path, options.runs) : [];
    return [
      `A machine in a tab against the same in Node; medians of ${options.runs} turns`,
      '',
      formatTable([['kernel', 'Node s', 'tab s', 'speed', 'min..max'], ...rows]),
      ...(speeds.length === 0 ? [] : [`geometric mean of speeds: ${formatRatio(geometricMean(speeds))}`]),
      ...(linux.length === 0
        ? []
        : ['', formatTable([['Linux', 'Node s', 'tab s', 'time', 'min..max'], ...linux])]),
      ...(disks.length === 0
        ? []
        : [
            '',
            formatTable([['disk', 'Node MiB/s', 'tab MiB/s', 'speed', 'min..max'], ...disks.map(diskRow)]),
          ]),
    ].join('\n');
  } finally {
    await browser.close();
  }
}

function rowOf(name: string, { node, tab }: Pair, ratio: Spread): readonly string[] {
  return [
    ...[name, formatSeconds(median(node)), formatSeconds(median(tab)), formatRatio(ratio.median)],
    `${formatRatio(ratio.min)}..${formatRatio(ratio.max)}`,
  ];
}

function diskRow({ name, node, tab, speed }: DiskRow): readonly string[] {
  const ratios = [formatRatio(speed.median), `${formatRatio(speed.min)}..${formatRatio(speed.max)}`];
  return [name, node.toFixed(0), tab.toFixed(0), ...ratios];
}

async function measureKernel(
  kernel: Kernel,
  { server, open }: TestBrowser,
  directory: string,
  { compiler, times, runs }: WebOptions,
): Promise<Pair> {
  const elf = buildKernel(findCompiler(compiler), kernel, times, directory);
  server.contents.set('kernel.elf', readFileSync(elf));
  const pair: Pair = { node: [], tab: [] };
  const sums = new Set<string>();
  for (let turn = 0; turn < runs; turn++) {
    const { page, run } = await open();
    for (const [side, output] of [
      ['node', await runInNode(elf)],
      ['tab', String(await run('bare', 'kernel.elf'))],
    ] as const) {
      const [, ticks, sum] = /^ticks ([0-9a-f]{16})\r?\nchecksum ([0-9a-f]{16})\r?$/m.exec(output) ?? [];
      if (ticks === undefined || sum === undefined)
        throw new RunFailure(
          `${kernel.name} in ${side} did not end well; it printed: ${output.slice(-2000)}`,
        );
      pair[side].push(Number.parseInt(ticks, 16) / CLOCK);
      sums.add(sum);
    }
    await page.close();
  }
  if (sums.size > 1) throw new RunFailure(`${kernel.name} has different checksums: ${[...sums].join(', ')}`);
  return pair;
}

async function runInNode(file: string): Promise<string> {
  const host = new NodeHost();
  let output = '';
  const decoder = new TextDecoder();
  const elf = readElf(new Uint8Array(readFileSync(file)), file);
  const program = { kind: 'program', image: { kind: 'elf', elf, source: file } } as const;
  const machine = new Machine({ kind: 'bare', harts: 1, memoryBytes: 2 ** 27, program }, host, {
    console: {
      output: (piece) => {
        output += decoder.decode(piece, { stream: true });
        return undefined;
      },
    },
  });
  machine.start();
  await machine.ended;
  host.close();
  return output;
}

const SHAPE = { cpus: 2, memory: '256M' } as const;

async function measureLinux(
  browser: TestBrowser,
  directory: string,
  runs: number,
  onProgress: (line: string) => void,
): Promise<readonly (readonly string[])[]> {
  const image = join(directory, 'image');
  const start = { cold: () => boot(SHAPE), warm: () => restore(image) };
  await serveGuest(browser, image);
  const rows: (readonly string[])[] = [];
  const names = { cold: 'boot', warm: 'from an image' };
  for (const how of ['cold', 'warm'] as const) {
    const pair: Pair = { node: [], tab: [] };
    let longest = 0;
    for (let turn = 0; turn < runs; turn++) {
      pair.node.push(await untilWorks(start[how]));
      const { page, run } = await browser.open();
      const tab = (await run(how)) as { readonly seconds: number; readonly longest: number };
      await page.close();
      pair.tab.push(tab.seconds);
      longest = Math.max(longest, tab.longest);
      onProgress(
        `${names[how]}: Node ${formatSeconds(pair.node[turn])} s, tab ${formatSeconds(tab.seconds)} s`,
      );
    }
    rows.push(rowOf(names[how], pair, ratioOfTurns(pair.tab, pair.node)));
    onProgress(`${names[how]}: the page stood still for ${Math.round(longest)} ms at most`);
  }
  return rows;
}

async function serveGuest({ server }: TestBrowser, image: string): Promise<void> {
  const parts = { virtio: 'pci', agent: true, disks: true } as const;
  const { kernelPath, initrd } = await busyboxFiles({
    memoryBytes: 2 ** 28,
    xlen: 64,
    terminal: 'serial',
    parts,
  });
  server.contents.set('guest/kernel', readFileSync(kernelPath));
  server.contents.set('guest/initrd', initrd);
  const vm = await boot(SHAPE);
  await vm.commands.run('true');
  await vm.machine.save((saved) => saveSnapshot(image, saved, {}, deflateCodec));
  await vm.stop();
  server.contents.set('guest/snapshot', readFileSync(image));
}

/** Seconds until a program has run in the guest. */
async function untilWorks(start: () => Promise<Vm>): Promise<number> {
  const begin = performance.now();
  const vm = await start();
  await vm.commands.run('true');
  const seconds = (performance.now() - begin) / 1000;
  await vm.stop();
  return seconds;
}
