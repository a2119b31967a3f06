/**
 * What the timeline costs a page: a made-up machine makes 10^5 events a second on a thread of its own, and a page in
 * headless Chromium draws them live. The yardstick is the same page without a timeline: as many frames as this host can.
 */
import { openTryPages, type TryPages } from '../../test/page/try-page.ts';
import { RunFailure } from '../measured-run.ts';
import { formatTable } from '../table.ts';

const RATE = 100_000;
const SECONDS = 8;
/** Seconds after which all of the ring is in use, and memory must not grow any more. */
const WARM_SECONDS = 3;
const VIEWPORT = { width: 1280, height: 800 };

/** Pictures that are measured: what they show at once. */
const VIEWS: readonly (readonly [name: string, query: string])[] = [
  ['no timeline', '#none?'],
  ['marks and arrows: 5 ms', '#timeline?span=5&'],
  ['a tenth of a second', '#timeline?span=100&'],
  ['all that is kept: 8 s', '#timeline?span=8000&'],
];

/** As `probe.measure` in the page answers. */
interface Measured {
  readonly frames: number;
  readonly milliseconds: number;
  readonly slowest: number;
  readonly longTasks: readonly number[];
}

/** Measures, and gives the table. @throws RunFailure when the page reports an error */
export async function runTimelineBench(onProgress: (line: string) => void): Promise<string> {
  const pages = await openTryPages();
  try {
    const rows: string[][] = [];
    let ceiling = 0;
    for (const [name, query] of VIEWS) {
      onProgress(name);
      const { measured, before, after } = await measure(pages, `${query}rate=${RATE}&cpus=8&lost=50000`);
      const rate = (measured.frames * 1000) / measured.milliseconds;
      ceiling = Math.max(ceiling, rate);
      const long = measured.longTasks.filter((each) => each > 50);
      const worst = long.length === 0 ? '-' : `${Math.max(...long).toFixed(0)} ms`;
      rows.push([
        ...[name, rate.toFixed(1), (rate / ceiling).toFixed(2), `${measured.slowest.toFixed(0)} ms`],
        ...[String(long.length), worst, `${before.toFixed(0)} MB`, `${after.toFixed(0)} MB`],
      ]);
    }
    const head = [
      'picture',
      'frames/s',
      'of no timeline',
      'longest frame',
      'tasks > 50 ms',
      'longest',
      'memory',
      `${SECONDS} s later`,
    ];
    return formatTable([head, ...rows]);
  } finally {
    await pages.close();
  }
}

async function measure(pages: TryPages, hash: string) {
  const { page, errors } = await pages.open(hash, { viewport: VIEWPORT });
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable');
  const heap = async () => {
    await client.send('HeapProfiler.collectGarbage');
    const { metrics } = await client.send('Performance.getMetrics');
    const used = (name: string) => metrics.find((each) => each.name === name)?.value ?? 0;
    const arrays = await page.evaluate<number>('performance.memory.usedJSHeapSize');
    return Math.max(used('JSHeapUsedSize'), arrays) / 1e6;
  };
  await page.evaluate(`probe.measure(${1000 * WARM_SECONDS})`);
  const before = await heap();
  const measured = await page.evaluate<Measured>(`probe.measure(${1000 * SECONDS})`);
  const after = await heap();
  if (errors.length > 0) throw new RunFailure(`The page has reported: ${errors.join('; ')}`);
  await page.close();
  return { measured, before, after };
}
