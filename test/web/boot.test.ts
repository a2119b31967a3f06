/** Machines in a browser's tab. One browser and one boot of Linux serve all checks. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boot } from '../../src/node/index.ts';
import { deflateCodec } from '../../src/node/snapshots/deflate-codec.ts';
import { saveSnapshot } from '../../src/node/snapshots/snapshot-file.ts';
import { debianGuest } from '../machine/debian-guest.ts';
import { hasBrowser, type OpenPage, openBrowser, type TestBrowser } from './browser.ts';
import { bundlePages } from './bundled.ts';
import { type Content, servePages } from './page-server.ts';
import { serveGuest } from './served-guest.ts';
import { serveRelay, serveWisp } from './web-sockets.ts';

const tick = fileURLToPath(new URL('../../guests/tick/tick.elf', import.meta.url));

const canRun = hasBrowser();
const guest = canRun ? await debianGuest() : undefined;

describe.skipIf(!canRun)('in a tab', () => {
  let tab: TestBrowser;
  beforeAll(async () => {
    tab = await openBrowser();
    tab.server.contents.set('tick.elf', await readFile(tick));
  });
  afterAll(() => tab?.close());

  describe.skipIf(guest === undefined)('Linux', () => {
    let page: OpenPage;
    let shown: unknown;
    beforeAll(async () => {
      await serveGuest(tab.server);
      page = await tab.open();
      shown = await page.run('shell');
    });
    afterAll(() => page?.page.close());

    test('boots on two vCPUs to a shell that one can type into', () => {
      expect(shown).toMatch(/\r\n2\r\n42/);
    });

    test('has an agent, and its interrupts can be followed', async () => {
      expect(await page.run('agent')).toEqual({ exitCode: 3, stdout: 'and back', back: 'and back' });
      expect(await page.run('interrupts')).toEqual(expect.arrayContaining(['set', 'taken']));
    });

    test('goes on without the timers of its page, as in a tab that is hidden', async () => {
      expect(await page.run('withoutTimers')).toBe('woken\n');
    });

    test('asks servers by the browser, and none that are not allowed', async () => {
      tab.server.contents.set('away', (_, response) => {
        response.writeHead(302, { Location: 'echo' }).end();
      });
      tab.server.contents.set('echo', echo);
      expect(await page.run('fetched')).toEqual({
        own: 'POST sent',
        long: `${2 ** 21 + 'POST '.length}\n`,
        named: 'GET ',
        other: expect.stringContaining('bad address'),
        missing: expect.stringContaining('404'),
        away: expect.stringContaining('502'),
        secure: expect.stringContaining('refused'),
        told: [expect.stringContaining('wants to speak TLS with named.localhost')],
      });
    });

    test('has disks of this browser and of servers, for one machine at a time', async () => {
      expect(await page.run('storedAndRemote')).toEqual({
        size: `${2 ** 21}\n`,
        remote: 'first-here..last.',
        records: `${2 ** 11 + 1}\n-here\0zzz`,
        grown: '-here\0',
        exported: expect.stringContaining('in use by another machine'),
      });
      const other = await tab.open();
      expect(await other.run('diskInUse')).toContain(
        'is in use by another machine, in this tab or another one',
      );
      // Machines of two tabs are on one cable.
      const frames = [page, other].map((each) => each.run('linkedTabs', 'tabs'));
      expect(await Promise.all(frames)).toEqual(['linked', 'linked']);
      await other.page.close();
    });

    test('is told of a disk for which the browser has no room', async () => {
      const release = await limitRoom(page.page, 2 ** 22);
      // Of records, browsers count the room roughly and late.
      expect(await page.run('overQuota')).toEqual({
        said: expect.stringContaining('Input/output error'),
        told: expect.arrayContaining([expect.stringContaining('the browser has no more room for this page')]),
      });
      await release();
    });

    test('goes on from an image with its disks, which stay over a reload, by another way out', async () => {
      const asked: string[] = [];
      const wisp = await serveWisp(Number(new URL(tab.server.url).port), asked);
      expect(await page.run('savedAndRestored', `wisp://127.0.0.1:${wisp.port}/`)).toEqual({
        kept: 'and back2\nfirst-here..',
        answer: 'POST sent',
        // Which looks for pages and has them packed: nothing of that is done by the page's own thread.
        threads: ['hartvisor snapshot'],
      });
      expect(asked).toEqual(['files.example.org:8080']);
      wisp.close();
      await page.page.reload();
      expect(await page.run('storedAfterReload')).toEqual({
        ...{ content: '-here\0', records: '-here\0' },
        ...{ names: ['grown', 'raw', 'records', 'small'], left: [] },
      });
      expect(page.errors).toEqual([]);
    });
  });

  test('a machine in Node gives an image for pages', async () => {
    const image = await imageOfTick(join(tab.folder, 'saved'));
    tab.server.contents.set('tick.snapshot', image);
    tab.server.contents.set('cut.snapshot', image.subarray(0, image.length >> 1));
    const { page, errors, run } = await tab.open();
    expect(await run('restoreFromServer')).toEqual({
      reason: 'stopped',
      cut: expect.stringContaining('The snapshot cut.snapshot is cut off'),
      none: expect.stringContaining('The snapshot tick.elf is no snapshot of a machine.'),
      given: expect.stringContaining('timed out'),
      read: image.length,
    });
    expect(errors).toEqual([]);
    await page.close();
  });

  test('what goes wrong is told', async () => {
    const { page, run } = await tab.open();
    expect(await run('badDisks')).toEqual({
      whole: expect.stringContaining('the server gives it as a whole only, without ranges'),
      missing: expect.stringContaining('the server answers with status 404'),
      stored: expect.stringContaining("Make an empty one: await disks.create('none', '4G')"),
      name: expect.stringContaining('is no name for a disk'),
    });
    expect(await run('crash')).toBe('out of memory');
    expect(await run('lostModule')).toContain('The module of the threads of hartvisor could not be loaded.');
    expect(await run('mistakes')).toEqual({
      memory: expect.stringContaining('Give the guest less, or end other machines'),
      missing: 'The kernel none cannot be fetched: its server answers 404.',
      page: 'The kernel / is a web page and no file. Check the address.',
    });
    await page.close();
  });

  test('machines are linked, within a page and by a relay', async () => {
    const relay = await serveRelay();
    const { page, errors, run } = await tab.open();
    expect(await run('links', `ws://127.0.0.1:${relay.port}/`)).toEqual({
      ...{ link: [60, 60], relay: [60, 60] },
      said: [
        expect.stringContaining('Give network.via'),
        expect.stringContaining('"carrier pigeon" is no way out'),
        expect.stringContaining('Name them, such as'),
        expect.stringContaining('no rule holds'),
      ],
    });
    expect(errors).toEqual([]);
    await page.close();
    relay.close();
  });

  test('a page of Vite and one of esbuild have machines, too', async () => {
    await bundlePages(tab.folder);
    for (const bundler of ['vite', 'esbuild']) {
      const { page, errors, run } = await tab.open(`${tab.server.url}dist/${bundler}/index.html`);
      expect(await run('tick'), bundler).toBe('poweroff');
      expect(errors).toEqual([]);
      await page.close();
    }
  });

  test('a page that is not isolated is told what to do', async () => {
    const server = await servePages(tab.folder, false);
    const { page, run } = await tab.open(server.url);
    expect(await run('notIsolated')).toEqual({
      code: 'isolation',
      message: expect.stringContaining('Cross-Origin-Opener-Policy'),
    });
    await page.close();
    server.close();
  });
});

/** Sends a guest's request back. */
const echo: Content = async (request, response) => {
  const body = (await request.toArray()).join('');
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.end(`${request.method} ${body}`);
};

/** @param bytes that the page may have more than it has now. @returns ends that */
async function limitRoom(page: Page, bytes: number): Promise<() => Promise<void>> {
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  const { usage } = await devtools.send('Storage.getUsageAndQuota', { origin });
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + bytes });
  return () => devtools.detach();
}

async function imageOfTick(file: string): Promise<Uint8Array> {
  const vm = await boot({ guest: 'tick', append: 'seconds=1000', memory: '32M', cpus: 1 });
  await vm.console.waitFor('tick:');
  await vm.machine.save((saved) => saveSnapshot(file, saved, {}, deflateCodec));
  await vm.stop();
  return readFile(file);
}
