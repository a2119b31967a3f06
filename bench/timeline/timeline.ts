/**
 * The cost of the timeline: a made-up machine makes 10^5 events a second on a thread of its own, and a page in headless
 * Chromium draws them live. The yardstick is the same page that gets the events and draws nothing.
 *
 * Processor time is that of all processes of the browser: it is what a guest's threads do not get. The sides are taken
 * in turns, since other programs of the host come and go.
 */
import { processorTime } from '../../scripts/web/processes.ts';
import { openTryPages, type TryPages } from '../../test/page/try-page.ts';
import { RunFailure } from '../measured-run.ts';
import { median } from '../statistics.ts';
import { formatTable } from '../table.ts';

const RATE = 100_000;
const TURNS = 3;
const SECONDS = 5;
/** Seconds after which the code is compiled, and memory must hardly grow any more. */
const WARM_SECONDS = 3;
const MACHINE = `rate=${RATE}&cpus=8&lost=50000`;
const VIEWPORT = { width: 1280, height: 800 };

/** Pictures that are measured: what they show at once. The first one is the yardstick. */
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

type Turn = Awaited<ReturnType<typeof measure>>;

/** Measures, and gives the table. @throws RunFailure when the page reports an error */
export async function runTimelineBench(onProgress: (line: string) => void): Promise<string> {
  const pages = await openTryPages();
  try {
    const turns: Turn[][] = VIEWS.map(() => []);
    for (let turn = 1; turn <= TURNS; turn++) {
      for (const [index, [name, query]] of VIEWS.entries()) {
        onProgress(`${name}, turn ${turn} of ${TURNS}`);
        turns[index].push(await measure(pages, `${query}${MACHINE}`));
      }
    }
    const head = [
      ...['picture', 'frames/s', 'longest frame', 'tasks > 50 ms', 'longest', 'memory', `${SECONDS} s later`],
      ...['processors', 'beyond no timeline', 'min..max'],
    ];
    return formatTable([head, ...VIEWS.map(([name], index) => [name, ...rowOf(turns[index], turns[0])])]);
  } finally {
    await pages.close();
  }
}

function rowOf(turns: readonly Turn[], yardstick: readonly Turn[]): string[] {
  const long = turns.flatMap(({ longTasks }) => longTasks.filter((each) => each > 50));
  const beyond = turns.map(({ processors }, turn) => processors - yardstick[turn].processors);
  return [
    median(turns.map(({ frames, milliseconds }) => (frames * 1000) / milliseconds)).toFixed(1),
    `${Math.max(...turns.map(({ slowest }) => slowest)).toFixed(0)} ms`,
    String(long.length),
    long.length === 0 ? '-' : `${Math.max(...long).toFixed(0)} ms`,
    `${median(turns.map(({ before }) => before)).toFixed(0)} MB`,
    `${median(turns.map(({ after }) => after)).toFixed(0)} MB`,
    median(turns.map(({ processors }) => processors)).toFixed(2),
    median(beyond).toFixed(2),
    `${Math.min(...beyond).toFixed(2)}..${Math.max(...beyond).toFixed(2)}`,
  ];
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
  const taken = processorTime();
  const measured = await page.evaluate<Measured>(`probe.measure(${1000 * SECONDS})`);
  const processors = (processorTime() - taken) / measured.milliseconds;
  const after = await heap();
  if (errors.length > 0) throw new RunFailure(`The page has reported: ${errors.join('; ')}`);
  await page.close();
  return { ...measured, before, after, processors };
}
