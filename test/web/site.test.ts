/**
 * The built page as people have it: served by hartvisor, by a plain file host, and in a frame. One machine serves all
 * checks.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPage } from '../../scripts/web/build-page.ts';
import { pageGuest } from '../../src/node/web/page-guest.ts';
import { Site } from '../../src/node/web/site.ts';
import { type SiteServer, serveSite } from '../../src/node/web/site-server.ts';
import { built } from '../built.ts';
import { debianGuest } from '../machine/debian-guest.ts';
import { QUICK_START } from '../machine/guest-script.ts';
import { hasBrowser, LAUNCH, PATIENCE_MS } from './browser.ts';

/** The weight that a page may have before its guest, in bytes. */
const MOST_WEIGHT = 700_000;
/** Where the folder lies on a plain file host. */
const BELOW = '/some/where/';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-site-'));
let folder: string;
const hasGuest = (await debianGuest()) !== undefined;
const errors: string[] = [];
/** Files that were asked for, in that order. */
const asked: string[] = [];
let browser: Browser;
let server: SiteServer;

beforeAll(async () => {
  folder = await built('page', buildPage);
  if (!hasBrowser()) return;
  const site = Site.ofFolder(folder);
  if (hasGuest) await addGuest(site);
  const find = site.find.bind(site);
  site.find = (target) => {
    asked.push(target.slice(1));
    return find(target);
  };
  server = await serveSite(site, { host: '127.0.0.1', port: 0 });
  browser = await chromium.launch(LAUNCH);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(directory, { recursive: true });
});

/** As `hartvisor web` does, but with a kernel that boots sooner where there is no image for it. */
async function addGuest(site: Site): Promise<void> {
  const { manifest, files } = await pageGuest();
  for (const [name, file] of files) site.add(`/guest/${name}`, file);
  const list = join(directory, 'guest.json');
  writeFileSync(list, JSON.stringify({ ...manifest, append: QUICK_START }));
  site.add('/guest/guest.json', list);
}

async function open(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(url);
  return page;
}

/** Of a file of the page as it goes over the line. The server has packed it already. */
async function bytesOf(name: string): Promise<number> {
  const headers = { 'Accept-Encoding': 'br' };
  const response = await fetch(`${server.url}${name}`, { method: 'HEAD', headers });
  return Number(response.headers.get('Content-Length'));
}

/** The lines of a terminal. */
const rows = (page: Page) => page.locator('.screen:not([hidden]) .xterm-rows');

const status = (page: Page, text: string) => page.locator('#status-text').getByText(text).waitFor();

/** A click into it has the keyboard lead there. */
const enter = (page: Page) => page.locator('.screen:not([hidden]) .xterm').click();

async function type(page: Page, command: string, answer: string): Promise<void> {
  await page.keyboard.type(`${command}\n`);
  await rows(page).getByText(answer, { exact: true }).first().waitFor();
}

const WIDTHS = '[document.documentElement.scrollWidth, document.documentElement.clientWidth]';
/** Controls that can be used, and have no name that could be read aloud. */
const NAMELESS = `[...document.querySelectorAll('button, input, select, [role=tab], progress, hr[tabindex]')]
  .filter((each) => !each.hidden)
  .filter((each) => ![each.getAttribute('aria-label'), each.textContent, ...[...(each.labels ?? [])].map((label) => label.textContent)]
    .some((text) => text?.trim()))
  .map((each) => each.outerHTML)`;

describe.skipIf(!hasBrowser() || !hasGuest)('the page with its machine', () => {
  let page: Page;

  beforeAll(async () => {
    page = await open(server.url);
  });

  test('goes on from an image, and has a console with the size of its terminal', async () => {
    await status(page, 'Running: 2 vCPUs, 256 MiB, take-mirror');
    await enter(page);
    await type(page, 'echo $((6 * 7)) $(nproc)', '42 2');
    // By the agent, some time after the terminal has got its size.
    await type(page, "until [ $(stty size | cut -d' ' -f2) != 80 ]; do sleep .1; done; echo sized", 'sized');
  });

  test('weighs little beside its guest', async () => {
    const first = new Set(asked.filter((name) => !name.startsWith('guest/')));
    const list = await Promise.all([...first].map(async (name) => [name, await bytesOf(name)] as const));
    const sum = list.reduce((total, [, bytes]) => total + bytes, 0);
    expect(list.length).toBeGreaterThan(5);
    expect(sum, list.join('\n')).toBeLessThan(MOST_WEIGHT);
  });

  test('has more terminals', async () => {
    await page.getByRole('button', { name: 'New terminal' }).click();
    await page.getByRole('tab', { name: 'Terminal 2' }).waitFor();
    await type(page, 'tty', '/dev/pts/0');
    await page.keyboard.press('F6');
    expect(await page.evaluate('document.activeElement.id')).toBe('add-terminal');
    await page.getByRole('tab', { name: 'Terminal 2' }).press('Delete');
    expect(await page.getByRole('tab').count()).toBe(1);
  });

  test('puts files into the guest and takes them out', async () => {
    const content = Uint8Array.from({ length: 70_000 }, (_, index) => index * 7);
    const [input] = await page.locator('input[type=file][multiple]').all();
    await input.setInputFiles({ name: 'a b.bin', mimeType: '', buffer: Buffer.from(content) });
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'a b.bin' }).click();
    const saved = await (await saving).path();
    expect(readFileSync(saved)).toEqual(Buffer.from(content));
  });

  test('pauses, takes a snapshot and goes on from it, with what the console showed', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await status(page, 'Paused: 2 vCPUs');
    await page.getByRole('button', { name: 'Take a snapshot' }).click();
    await page.getByRole('button', { name: 'Restore: Snapshot 1' }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await enter(page);
    await type(page, 'rm "/root/a b.bin"; echo gone', 'gone');
    await page.getByRole('button', { name: 'Restore: Snapshot 1' }).click();
    await rows(page).getByText('gone', { exact: true }).waitFor({ state: 'detached' });
    await status(page, 'Running: 2 vCPUs');
    await rows(page).getByText('42 2', { exact: true }).waitFor();
    await enter(page);
    await type(page, 'ls /root; echo there', 'a b.bin');
  });

  test.each([
    [320, 256],
    [390, 844],
    [1280, 800],
  ])('has room for everything at %d by %d', async (width, height) => {
    await page.setViewportSize({ width, height });
    const regions = width < 800 ? ['Settings', 'Timeline', 'Terminal'] : ['Timeline', 'Timeline'];
    for (const region of regions) {
      await page.getByRole('navigation').getByRole('button', { name: region }).click();
      const [needed, there] = await page.evaluate<number[]>(WIDTHS);
      expect(needed, region).toBe(there);
    }
  });

  test('names all that can be used', async () => {
    const nameless = await page.evaluate(NAMELESS);
    expect(nameless).toEqual([]);
  });

  test('tells how the guest ended, and starts it again', async () => {
    await enter(page);
    await page.keyboard.type('poweroff -f\n');
    await page.getByText('The guest has powered off.').last().waitFor();
    await page.getByRole('button', { name: 'Start it again' }).click();
    await status(page, 'Running: 2 vCPUs');
    expect(errors.splice(0)).toEqual([]);
  });

  test('starts the machine with the protocol of a counterexample, and all else as it was', async () => {
    await page.goto(`${server.url}?threads=1`);
    await page.getByRole('button', { name: 'Counterexamples' }).click();
    await page.getByText('VIOLATED', { exact: true }).waitFor();
    // Whether this machine comes as far as its shell is a matter of chance.
    await page.getByRole('button', { name: 'Start this page’s machine with this protocol' }).click();
    await status(page, 'Running: 2 vCPUs, 256 MiB, published');
    expect(new URL(page.url()).search).toBe('?threads=1&protocol=published');
    expect(await page.getByRole('region', { name: 'Timeline of interrupts' }).isVisible()).toBe(true);
  });

  test('has a disk that stays over a reload, and a lesson while its machine runs', async () => {
    await page.goto(`${server.url}?disk=on`);
    await page.getByRole('button', { name: 'Learn' }).click();
    await page.getByRole('button', { name: /^2\. / }).click();
    await page.getByRole('button', { name: 'Check it' }).click();
    await page.getByText('VIOLATED', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Learn' }).click();
    await rows(page).getByText('The disk is mounted at /mnt/disk.').waitFor();
    await enter(page);
    await type(page, 'echo kept-$((6 * 7)) > /mnt/disk/it; sync; cat /mnt/disk/it', 'kept-42');
    // The page as it is without words begins with the image, which has no disk.
    await page.goto(server.url);
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the disk' }).click();
    expect(readFileSync(await (await saving).path(), 'latin1')).toContain('kept-42');
    await page.close();
    expect(errors.splice(0)).toEqual([]);
  });
});

describe.skipIf(!hasBrowser())('elsewhere', () => {
  let host: { readonly url: string; readonly server: Server };

  beforeAll(async () => {
    host = await plainHost();
  });
  afterAll(() => {
    host?.server.closeAllConnections();
    host?.server.close();
  });

  test('a host that cannot send headers gets them from a service worker', async () => {
    const page = await open(`${host.url}index.html?cpus=99`);
    // Of the page as it was loaded once more: only then it starts a machine.
    await page.getByText('There is no guest beside this page.').last().waitFor();
    const isServed = 'crossOriginIsolated && navigator.serviceWorker.controller !== null';
    expect(await page.evaluate(isServed)).toBe(true);
    await rows(page).getByText('cpus=99 is not possible: give a number from 1 to 64.').waitFor();
    await page.close();
    // The guest is not there, which the browser tells as well.
    expect(errors.splice(0).filter((text) => !text.includes('guest.json'))).toEqual([]);
  });

  test('hartvisor web needs none', async () => {
    const page = await open(`${server.url}embed.html?label=Lesson`);
    await page.getByRole('button', { name: 'Start' }).waitFor();
    const workers = 'navigator.serviceWorker.getRegistrations().then(({ length }) => length)';
    expect(await page.evaluate(workers)).toBe(0);
    await page.close();
    expect(errors.splice(0)).toEqual([]);
  });

  test('a frame is isolated in a page that is not, and tells it of its events', async () => {
    const page = await open(`${host.url}frame.html?${server.url}embed.html?cpus=0%26autoplay`);
    const frame = page.frameLocator('iframe');
    await frame.getByText('cpus=0 is not possible').waitFor();
    expect(await page.evaluate('crossOriginIsolated')).toBe(false);
    expect(await page.frames()[1].evaluate('crossOriginIsolated')).toBe(true);
    // It may be under way when the frame shows the error already.
    await page.waitForFunction('messages.some(({ event }) => event === "error")');
    expect(await page.evaluate('messages')).toContainEqual({
      source: 'hartvisor',
      event: 'error',
      detail: expect.stringContaining('cpus=0'),
    });
    await page.close();
    expect(errors.splice(0)).toEqual([]);
  });

  test('a page that could not be isolated says why', async () => {
    const page = await open(`${host.url}without-worker/`);
    const text = 'The service worker that supplies the headers could not be started';
    await page.locator('#curtain-text').getByText(text).waitFor();
    await page.close();
    // The browser tells of the file that is missing.
    errors.splice(0);
  });
});

const WITHOUT = '/without-worker/';
const FRAME = `<!doctype html><title>A course</title><iframe></iframe><script>
  const messages = [];
  addEventListener('message', ({ data }) => messages.push(data));
  document.querySelector('iframe').src = decodeURIComponent(location.search.slice(1));
</script>`;

/** The folder below a path of a host that sends no headers but types. */
async function plainHost(): Promise<{ readonly url: string; readonly server: Server }> {
  const site = Site.ofFolder(folder);
  const plain = createServer(({ url = '' }, response) => {
    const path = url.startsWith(BELOW) ? url.slice(BELOW.length - 1) : undefined;
    if (path?.startsWith('/frame.html') === true) {
      response.setHeader('Content-Type', 'text/html');
      response.end(FRAME);
      return;
    }
    const file = path === undefined ? undefined : site.find(path.replace(WITHOUT, '/'));
    if (file === undefined || url.endsWith(`${WITHOUT}isolation-worker.js`)) {
      // Browsers ask for an icon on their own.
      response.writeHead(url === '/favicon.ico' ? 204 : 404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': file.type });
    response.end(readFileSync(file.file));
  });
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const { port } = plain.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${BELOW}`, server: plain };
}
