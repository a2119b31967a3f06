/**
 * `node scripts/web/growth.ts [--minutes 30] [FOLDER]`: whether a page grows under load. A guest packs, unpacks and
 * compares files, starts programs and writes to its console. Each minute the memory of all processes of the browser is
 * printed, without the guest's RAM and that, and in the end how many comparisons were wrong. FOLDER is one of `npm run
 * build:web`. The exit status is 1 if there is 5 % more beside the guest's RAM than at minute 5 in the end, or if
 * something in the guest was wrong.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { Site } from '../../src/node/web/site.ts';
import { serveSite } from '../../src/node/web/site-server.ts';
import { memoryBelow } from './processes.ts';

const MIB = 2 ** 20;
/** The page's machine has so much unless somebody changes that. */
const GUEST_BYTES = 256 * MIB;
const MINUTE_MS = 60_000;
/** The minute that all later ones are compared with. */
const SETTLED = 5;
const MOST_GROWTH = 1.05;
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/**
 * Takes most memory that the guest has free, once a round, so that the guest's own growth is over soon. With 70 MiB for
 * each of the two files Linux ended the shell after some minutes, for want of memory.
 */
const LOAD = [
  'cd /tmp; round=0; wrong=0; while :; do',
  'tar cf a /bin /lib /etc 2> /dev/null; gzip -c a > b; gzip -dc b | cmp - a || wrong=$((wrong + 1));',
  'for file in c /dev/c; do dd if=/dev/zero of=$file bs=1M count=60 2> /dev/null; done; rm c /dev/c; ls -lR /etc /bin;',
  'for n in $(seq 20); do true | cat; sha256sum a; done > sums;',
  '[ $(sort -u sums | wc -l) = 1 ] || wrong=$((wrong + 1)); round=$((round + 1)); done',
].join(' ');
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '30' } },
});
const minutes = Number(values.minutes);
const folder = resolve(positionals[0] ?? fileURLToPath(new URL('../../build/web', import.meta.url)));
const server = await serveSite(Site.ofFolder(folder), { host: '127.0.0.1', port: 0 });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(server.url);
  const rows = page.locator('.xterm-rows');
  await rows.getByText('~ #').first().waitFor();
  await page.locator('.screen .xterm').click();
  await page.keyboard.type(`${LOAD}\n`);
  const screen = async () =>
    (await rows.locator('> div').allTextContents()).filter((row) => row.trim() !== '');
  let settled = 0;
  let memory = 0;
  for (let minute = 1; minute <= minutes; minute++) {
    await page.waitForTimeout(MINUTE_MS);
    const { all, guests } = memoryBelow(GUEST_BYTES);
    memory = all - guests;
    const parts = [memory, guests].map((bytes) => (bytes / MIB).toFixed(0));
    console.log(`minute ${minute}: ${parts.join(' MiB, and of the guest ')} MiB`);
    console.log(`  its screen ends with: ${(await screen()).slice(-3).join(' | ')}`);
    if (minute === SETTLED) settled = memory;
  }
  await page.keyboard.press('Control+C');
  // Keys that come before the shell reads again may be thrown away.
  await rows
    .getByText('/tmp #')
    .last()
    .waitFor({ timeout: MINUTE_MS })
    .catch(async (error: unknown) => {
      console.error(`Ctrl-C was not answered. The screen:\n${(await screen()).join('\n')}`);
      throw error;
    });
  await page.keyboard.type('clear; echo $round rounds, $wrong wrong\n');
  const verdict = rows.getByText(/^\d+ rounds, \d+ wrong/);
  await verdict.waitFor();
  const text = ((await verdict.textContent()) ?? '').trim();
  console.log(text);
  if (!text.endsWith(' 0 wrong')) process.exitCode = 1;
  if (settled > 0) {
    console.log(`${((memory / settled - 1) * 100).toFixed(1)} % more than at minute ${SETTLED}`);
    if (memory > MOST_GROWTH * settled) process.exitCode = 1;
  }
} finally {
  await browser.close();
  await server.close();
}
