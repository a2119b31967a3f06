/** Machines in Firefox: one boot of Linux serves all checks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianGuest } from '../machine/debian-guest.ts';
import { type FirefoxTab, hasFirefox, openFirefox } from './bidi.ts';
import { buildPages } from './browser.ts';
import { type PageServer, servePages } from './page-server.ts';
import { serveGuest } from './served-guest.ts';

const guest = hasFirefox() ? await debianGuest() : undefined;

describe.skipIf(guest === undefined)('in Firefox', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hartvisor-web-built-'));
  let server: PageServer;
  let tab: FirefoxTab;
  const run = (check: string, given = '') => tab.evaluate(`checks.${check}(${JSON.stringify(given)})`);

  beforeAll(async () => {
    [server, tab] = await Promise.all([servePages(folder), openFirefox(), buildPages(folder)]);
    await serveGuest(server);
    await tab.navigate(server.url);
  });
  afterAll(async () => {
    await tab?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('Linux boots on two vCPUs to a shell that one can type into', async () => {
    expect(await run('shell')).toMatch(/\r\n2\r\n42/);
    expect(await run('agent')).toEqual({ exitCode: 3, stdout: 'and back', back: 'and back' });
    expect(await run('interrupts')).toEqual(expect.arrayContaining(['set', 'taken']));
    expect(await run('withoutTimers')).toBe('woken\n');
  });

  test('goes on while another tab hides it, and when it is shown again', async () => {
    const show = await tab.hide();
    expect(await run('isSeen', 'hidden')).toBe('hidden');
    expect(await run('sleep')).toBe('woken\n');
    expect(await run('interrupts')).toEqual(expect.arrayContaining(['set', 'taken']));
    await show();
    expect(await run('isSeen', 'visible')).toBe('visible');
    expect(await run('agent')).toMatchObject({ exitCode: 3, back: 'and back' });
  });

  test('it has disks of this browser, in files and in records, which stay over a reload', async () => {
    expect(await run('storedAndRemote')).toEqual({
      size: `${2 ** 21}\n`,
      remote: 'first-here..last.',
      records: `${2 ** 11 + 1}\n-here\0zzz`,
      grown: '-here\0',
      exported: expect.stringContaining('in use by another machine'),
    });
    await tab.navigate(server.url);
    expect(await run('storedAfterReload')).toEqual({
      ...{ content: '-here\0', records: '-here\0' },
      ...{ names: ['grown', 'raw', 'records', 'small'], left: [] },
    });
    expect(tab.errors).toEqual([]);
  });
});
