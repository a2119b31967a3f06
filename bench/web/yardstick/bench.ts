/**
 * v86, a PC in a page, as a yardstick: the same C program compiled for each of two guests, Debian's Linux with one
 * processor and 256 MiB in both, each in a tab of the same Chromium. They take turns, one work after the other; time is
 * that of the page, from the order on the guest's console to the answer there.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianGuest } from '../../../src/node/debian/debian-guest.ts';
import { type OpenPage, openBrowser, type TestBrowser } from '../../../test/web/browser.ts';
import { findCompiler } from '../../compiler.ts';
import { RunFailure } from '../../measured-run.ts';
import type { WebOptions } from '../../options.ts';
import { geometricMean, median, ratioOfTurns } from '../../statistics.ts';
import { formatRatio, formatSeconds, formatTable } from '../../table.ts';
import { temporaryDirectory } from '../../temporary-directory.ts';
import { buildInitramfs, i386, riscv64 } from './guest-program.ts';
import { fetchPcFiles } from './i386-files.ts';
import { ABOUT, KERNELS, SYSTEM_WORKS } from './works.ts';

/** Seconds that a turn of a work takes at least: below it the console's own time would be part of the result. */
const LEAST_SECONDS = 0.5;
/** The first turns of a work, until one is long enough, are not measured: compilers are at work. */
const FIRST_COUNT = 1;

const SIDES = ['v86', 'hartvisor'] as const;
type Side = (typeof SIDES)[number];

/**
 * Measures, and writes the result for people.
 *
 * @throws InputError for what is missing; RunFailure when results differ
 */
export async function runYardstick(options: WebOptions, onProgress: (line: string) => void): Promise<string> {
  using directory = temporaryDirectory('v86');
  const page = fileURLToPath(new URL('page.ts', import.meta.url));
  const browser = await openBrowser(page, { v86: join(v86, 'libv86.mjs') });
  try {
    const name = await serveFiles(browser, directory.path, options, onProgress);
    const pages = { v86: await browser.open(), hartvisor: await browser.open() };
    for (const side of SIDES) {
      const seconds = Number(await pages[side].run('start', side));
      onProgress(`${side}: ${formatSeconds(seconds)} s to its first program`);
    }
    const rows: (readonly string[])[] = [];
    const groups = { compute: [] as number[], system: [] as number[] };
    for (const work of [...KERNELS, ...SYSTEM_WORKS]) {
      const { row, speed } = await measureWork(pages, work, options.runs);
      rows.push(row);
      groups[work in ABOUT ? 'system' : 'compute'].push(speed);
      onProgress(`${work}: ${formatRatio(speed)} x of v86's speed`);
    }
    const { compute, system } = groups;
    return [
      `A guest of hartvisor against ${name} in v86 ${versionOfV86()}; medians of ${options.runs} turns`,
      '',
      formatTable([['work', 'v86 s', 'hartvisor s', 'speed', 'min..max'], ...rows]),
      `geometric means of speeds: kernels ${formatRatio(geometricMean(compute))}, ` +
        `system calls ${formatRatio(geometricMean(system))}, ` +
        `all ${formatRatio(geometricMean([...compute, ...system]))}`,
    ].join('\n');
  } finally {
    await browser.close();
  }
}

const require = createRequire(import.meta.url);
const v86 = dirname(require.resolve('v86'));

function versionOfV86(): string {
  const { version } = JSON.parse(readFileSync(join(v86, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

/** @returns the package of the PC's kernel */
async function serveFiles(
  { server }: TestBrowser,
  directory: string,
  options: WebOptions,
  onProgress: (line: string) => void,
): Promise<string> {
  const { contents } = server;
  contents.set('guest/works', buildInitramfs(riscv64(findCompiler(options.compiler)), directory));
  contents.set('pc/works', buildInitramfs(i386(options.pcCompiler), directory));
  contents.set('guest/kernel', readFileSync((await debianGuest()).kernelPath));
  const { name, kernel, bios, vgaBios } = await fetchPcFiles(directory, onProgress);
  for (const [path, bytes] of Object.entries({ kernel, bios, 'vga-bios': vgaBios }))
    contents.set(`pc/${path}`, bytes);
  contents.set('v86.wasm', readFileSync(join(v86, 'v86.wasm')));
  return name;
}

interface Answer {
  readonly seconds: number;
  readonly sum: string;
}

async function measureWork(pages: Readonly<Record<Side, OpenPage>>, work: string, runs: number) {
  const run = async (side: Side, count: number) =>
    (await pages[side].run('work', `${work} ${count}`)) as Answer;
  const counts = { v86: FIRST_COUNT, hartvisor: FIRST_COUNT };
  const sums = new Set<string>();
  for (const side of SIDES) {
    const first = await run(side, FIRST_COUNT);
    // Of some kernels, the next one goes on where this one has come to.
    sums.add(first.sum);
    for (let { seconds } = first; seconds < LEAST_SECONDS; { seconds } = await run(side, counts[side]))
      counts[side] *= 2;
  }
  if (sums.size > 1) throw new RunFailure(`${work} has different checksums: ${[...sums].join(', ')}`);
  const times: Record<Side, number[]> = { v86: [], hartvisor: [] };
  for (let turn = 0; turn < runs; turn++) {
    for (const side of SIDES) times[side].push((await run(side, counts[side])).seconds / counts[side]);
  }
  const speed = ratioOfTurns(times.v86, times.hartvisor);
  const row = [work, formatSeconds(median(times.v86)), formatSeconds(median(times.hartvisor))];
  return {
    speed: speed.median,
    row: [...row, formatRatio(speed.median), `${formatRatio(speed.min)}..${formatRatio(speed.max)}`],
  };
}
