/** The view of counterexamples in a browser: the checker runs in the page, on the sources as they are. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasBrowser } from '../web/browser.ts';
import { openTryPages, type TryPages } from './try-page.ts';

const has = hasBrowser();
let pages: TryPages;
beforeAll(async () => {
  if (has) pages = await openTryPages();
});
afterAll(() => pages?.close());

test.skipIf(!has)(
  'the published protocol loses an IPI before one’s eyes, at the line of the source',
  async () => {
    const { page, errors } = await pages.open('#explain', { viewport: { width: 360, height: 800 } });
    await page.getByText('VIOLATED', { exact: true }).waitFor();
    expect(await page.getByRole('status').first().textContent()).toMatch(
      /P1: VSSIP is lost.*steps.*states in/,
    );
    await page.getByLabel('A step forward (right)').click();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    const current = page.locator('.xp-steps tr[aria-current]').first();
    expect(await current.textContent()).toContain('clear_bit(pend)');
    expect(await page.locator('.xp-said').textContent()).toContain('This step erases the interrupt');
    const line = page.locator('.xp-source code[aria-current]');
    await line.waitFor();
    const place = (await page.locator('.xp-source figcaption').textContent()) ?? '';
    const number = Number(/^published\.ts:(\d+)$/.exec(place)?.[1]);
    const source = readFileSync(new URL('../../src/interrupts/field/published.ts', import.meta.url), 'utf8');
    expect(await line.textContent()).toBe(`${source.split('\n')[number - 1]}\n`);
    expect(await line.textContent()).toContain('clearBit(IRQ_VS_SOFT, words, IRQS_PENDING)');
    await page.keyboard.press('Home');
    expect(await page.getByLabel('Step', { exact: true }).inputValue()).toBe('0');

    await page.getByRole('button', { name: 'Replay it on real threads' }).click();
    await page.getByText(/threads of this browser made \d+ accesses.*VSSIP is lost/).waitFor();

    // The shipped protocol is proven by the same checker, and has nothing to step through.
    await page.getByLabel('Protocol').selectOption('take-mirror');
    await page.getByText('PROVEN', { exact: true }).waitFor();
    expect(await page.locator('.xp-player').isVisible()).toBe(false);
    expect(await page.evaluate<{ scrolls: boolean }>(`probe.reach('.xp-choice')`)).toMatchObject({
      scrolls: false,
    });
    expect(errors).toEqual([]);
    await page.close();
  },
);

test.skipIf(!has)('a lesson’s code is checked, changed, and wrong in words', async () => {
  const { page, errors } = await pages.open('#learn', { viewport: { width: 1200, height: 800 } });
  await page.getByRole('button', { name: /^4\. / }).click();
  const check = page.getByRole('button', { name: 'Check it' });
  await check.click();
  await page.getByText('VIOLATED', { exact: true }).waitFor();
  // Steps lead to the lines of the student's own code.
  const last = page
    .locator('.xp-steps tbody tr[data-step]')
    .filter({ hasText: /fetch_or|load/ })
    .last();
  await last.click();
  await page.locator('.xp-source code[aria-current]').waitFor();
  expect(await page.locator('.xp-source figcaption').textContent()).toMatch(/^your-protocol\.js:\d+$/);
  expect(await page.locator('.xp-source code[aria-current]').textContent()).toContain('Atomics.');
  await page.getByLabel('and has looks at the mask').check();
  await check.click();
  await page.getByText('PROVEN', { exact: true }).waitFor();

  const editor = page.getByLabel('Code of the protocol');
  await editor.fill(
    (await editor.inputValue()).replace('set(words, irq) {', 'set(words, irq) { words[0] = 1;'),
  );
  expect(await page.getByLabel('your own').isChecked()).toBe(true);
  await check.click();
  await page.getByText('FAULT', { exact: true }).waitFor();
  await editor.fill('export const mine = {');
  await check.click();
  await page.getByText(/your-protocol\.js cannot be loaded: SyntaxError/).waitFor();
  expect(errors).toEqual([]);
  await page.close();
});
