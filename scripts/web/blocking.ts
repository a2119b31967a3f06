/**
 * `node scripts/web/blocking.ts [FOLDER]`: how long the page's own thread is held up while its machine starts, goes on
 * from an image and works, what a visitor fetches before the guest, how long a visitor waits for the shell, and what
 * processor time the browser takes for that. FOLDER is one of `npm run build:web`. With `--profile` it names the
 * functions that took longest.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { Site } from '../../src/node/web/site.ts';
import { serveSite } from '../../src/node/web/site-server.ts';
import { processorTime } from './processes.ts';
import { weightOf } from './weight.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: 'boolean', default: false } },
});
const folder = resolve(positionals[0] ?? fileURLToPath(new URL('../../build/web', import.meta.url)));
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Milliseconds in which a browser is done with the window around a new tab, which takes it a second of a processor. */
const SETTLE_MS = 3000;
/** Notes what browsers call long tasks: 50 ms or more (W3C Long Tasks API). */
const OBSERVE = `globalThis.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ startTime, duration }) => [startTime, duration])))
    .observe({ type: 'longtask', buffered: true });`;

const site = Site.ofFolder(folder);
/** Files in the order in which they are asked for. */
const asked = new Set<string>();
const find = site.find.bind(site);
site.find = (target) => {
  asked.add(target === '/' ? 'index.html' : target.slice(1));
  return find(target);
};
const server = await serveSite(site, { host: '127.0.0.1', port: 0 });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.addInitScript(OBSERVE);
  await visit(await context.newPage(), 'first visit');
  tellWeight();
  const page = await context.newPage();
  const report = values.profile ? await startProfile(page) : undefined;
  await visit(page, 'second visit');
  await report?.();
  await work(page);
} finally {
  await browser.close();
  await server.close();
}

async function visit(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(SETTLE_MS);
  const before = processorTime();
  const begin = performance.now();
  await page.goto(server.url);
  await page.locator('.xterm-rows').getByText('~ #').first().waitFor();
  const [waited, taken] = [performance.now() - begin, processorTime() - before];
  console.log(`${name}: ${waited.toFixed(0)} ms to the shell, ${taken} ms of processor time`);
  await tellTasks(page, 'until then');
  if (name.startsWith('first')) await page.close();
}

/** Output as fast as the guest makes it. */
async function work(page: Page): Promise<void> {
  await page.locator('.screen .xterm').click();
  await page.keyboard.type('seq 20000; echo $((41 + 1))\n');
  await page.locator('.xterm-rows').getByText('42', { exact: true }).waitFor({ timeout: 120_000 });
  await tellTasks(page, 'while it shows 20,000 lines');
}

function tellWeight(): void {
  const weights = new Map(weightOf(folder).files);
  const first = [...asked].filter((name) => !name.startsWith('guest/'));
  const bytes = first.reduce((sum, name) => sum + (weights.get(name) ?? 0), 0);
  console.log(
    `  ${(bytes / 1000).toFixed(0)} kB in ${first.length} files beside the guest, packed by brotli`,
  );
}

async function tellTasks(page: Page, when: string): Promise<void> {
  const tasks = await page.evaluate<[number, number][]>('longTasks.splice(0)');
  const longest = Math.max(0, ...tasks.map(([, duration]) => duration));
  const list = tasks.map(([start, duration]) => `${start.toFixed(0)}+${duration.toFixed(0)}`).join(' ');
  console.log(`  ${tasks.length} long tasks ${when}, the longest ${longest.toFixed(0)} ms: ${list}`);
}

/** @returns a function that ends the profile and prints it */
async function startProfile(page: Page): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: 500 });
  await session.send('Profiler.start');
  return async () => {
    const { profile } = await session.send('Profiler.stop');
    const { nodes, samples = [], timeDeltas = [] } = profile;
    const names = new Map(
      nodes.map(({ id, callFrame: { functionName, url, lineNumber, columnNumber } }) => [
        id,
        `${functionName || '(anonymous)'} ${url.split('/').at(-1)}:${lineNumber + 1}:${columnNumber + 1}`,
      ]),
    );
    const times = new Map<string, number>();
    for (const [index, id] of samples.entries()) {
      const name = names.get(id) ?? '';
      times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1000);
    }
    const top = [...times].sort(([, one], [, other]) => other - one).slice(0, 25);
    for (const [name, milliseconds] of top)
      console.log(`  ${milliseconds.toFixed(1).padStart(8)} ms  ${name}`);
  };
}
