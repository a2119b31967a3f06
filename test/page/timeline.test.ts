/** The timeline in a browser: what is drawn, hands and keys, and words for those who cannot see it. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SyntheticMachine } from '../../page/try/synthetic.ts';
import { MOMENT_COUNTS } from '../../src/trace/moments.ts';
import { hasBrowser } from '../web/browser.ts';
import { openTryPages, type TryPages } from './try-page.ts';

const has = hasBrowser();
let pages: TryPages;
beforeAll(async () => {
  if (has) pages = await openTryPages();
});
afterAll(() => pages?.close());

/** Asks the page's own `probe` (`page/try/probe.ts`). */
const pixelsOf = (page: Page, property: string) =>
  page.evaluate<number[]>(`probe.pixelsOf(${JSON.stringify(property)})`);
const sum = (rows: readonly number[]) => rows.reduce((total, each) => total + each, 0);
/** Sums of the counts of a made-up machine, by name, when it has ended: the same in each run. */
function countsAtEnd(machine: SyntheticMachine, milliseconds: number): Record<string, number> {
  const { counts } = machine.until(milliseconds);
  const ofAll = (column: number) => sum([...counts].filter((_, at) => at % MOMENT_COUNTS.length === column));
  return Object.fromEntries(MOMENT_COUNTS.map((name, column) => [name, ofAll(column)]));
}
const nextFrame = (page: Page) => page.evaluate('probe.nextFrame()');

test.skipIf(!has)('lanes, marks, keys, words and switches', async () => {
  const { page, errors } = await pages.open('#timeline?rate=2000&cpus=3&lost=40&seconds=0.4', {
    viewport: { width: 1100, height: 700 },
  });
  // The machine ends after 0.4 s, so that nothing moves any more when all that it counted is there.
  const { set, injected, taken, lost } = countsAtEnd(
    new SyntheticMachine({ cpus: 3, rate: 2000, lostOf: 40 }),
    400,
  );
  await page.waitForFunction(`document.querySelector('.tl-counts dd')?.textContent === '${set}'`);
  const shown = await page.locator('.tl-counts dd').allTextContents();
  expect(shown.slice(0, 9)).toEqual([set, 0, injected, taken, 0, 0, 0, 0, lost].map(String));
  expect(lost).toBe(3);
  await page.locator('canvas').focus();
  await page.keyboard.press('0');
  expect(await page.locator('[aria-pressed]').textContent()).toBe('Go on');
  await nextFrame(page);

  // All is in the picture: the strip of states of each vCPU below its name, 100 and more pixels apart.
  const strip = await pixelsOf(page, '--hv-state-hypervisor');
  const strips = strip.flatMap((pixels, row) => (pixels > 200 && (strip[row - 1] ?? 0) <= 200 ? [row] : []));
  expect(strips).toHaveLength(3);
  expect(strips[0]).toBeGreaterThanOrEqual(38);
  expect((strips[1] ?? 0) - (strips[0] ?? 0)).toBeGreaterThan(100);
  const kicks = sum(await pixelsOf(page, '--hv-moment-kick'));
  expect(kicks).toBeGreaterThan(300);
  await page.getByLabel('kick', { exact: true }).uncheck();
  await nextFrame(page);
  expect(sum(await pixelsOf(page, '--hv-moment-kick'))).toBe(0);
  await page.getByLabel('kick', { exact: true }).check();

  // A search, its first find, and the sentence with the line of source.
  await page.getByRole('searchbox').fill('lost vcpu');
  await page.keyboard.press('Enter');
  const details = page.getByRole('complementary', { name: 'Selected event' });
  expect(await details.locator('h3').first().textContent()).toBe('LOST software interrupt');
  expect(await details.locator('p').first().textContent()).toMatch(
    /^The software interrupt of vCPU \d is lost: it was set .* ago, and/,
  );
  expect(await details.locator('code').textContent()).toMatch(/^src\/trace\/ledger\.ts:\d+$/);
  expect(await page.getByRole('status').textContent()).toMatch(/is lost.*src\/trace\/ledger\.ts:\d+$/);
  expect(await details.locator('ol button').allTextContents()).toHaveLength(3);
  await details.locator('ol button').first().click();
  expect(await details.locator('h3').first().textContent()).toMatch(/^set software interrupt of vCPU/);
  await nextFrame(page);
  expect(sum(await pixelsOf(page, '--hv-focus'))).toBeGreaterThan(20);

  // From event to event, and to the lane below.
  await page.getByRole('searchbox').fill('');
  await page.locator('canvas').focus();
  const lane = async () =>
    /· (vCPU \d)|^(vCPU \d)/.exec((await details.locator('p small').textContent()) ?? '')?.[0];
  const before = await details.locator('p small').textContent();
  await page.keyboard.press('ArrowRight');
  expect(await details.locator('p small').textContent()).not.toBe(before);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  expect(await lane()).toBe('vCPU 0');
  await page.keyboard.press('Escape');
  expect(await details.isVisible()).toBe(false);

  // A click on a mark picks it.
  const box = await page.locator('canvas').boundingBox();
  await page.keyboard.press('0');
  await nextFrame(page);
  const exits = await pixelsOf(page, '--hv-moment-flush');
  const y = exits.findIndex((pixels) => pixels > 20);
  await page.mouse.click((box?.x ?? 0) + 550, (box?.y ?? 0) + y + 1);
  expect(await details.locator('h3').first().textContent()).toBe('flush delivers software interrupt');

  // The wheel zooms around the pointer.
  await page.mouse.wheel(0, -1200);
  await page.keyboard.press('End');
  expect(await page.locator('[aria-pressed]').textContent()).toBe('Pause');
  expect(errors).toEqual([]);
  await page.close();
});

test.skipIf(!has)('on a phone all is reached without scrolling sideways, in the dark', async () => {
  const { page, errors } = await pages.open('#timeline?rate=2000&cpus=4&lost=20&seconds=0.3', {
    ...{ viewport: { width: 320, height: 640 }, colorScheme: 'dark', reducedMotion: 'reduce' },
  });
  await page.waitForSelector('.tl-counts .tl-bad dd');
  await page.getByRole('searchbox').fill('lost');
  await page.keyboard.press('Enter');
  const details = page.getByRole('complementary', { name: 'Selected event' });
  await details.waitFor();
  const { right, scrolls } = await page.evaluate<{ right: number; scrolls: boolean }>(`probe.reach('.tl')`);
  expect([right <= 320.5, scrolls]).toEqual([true, false]);
  const canvas = await page.locator('.tl-scroll').boundingBox();
  expect(canvas?.height).toBeGreaterThan(80);
  expect(errors).toEqual([]);
  await page.close();
});
