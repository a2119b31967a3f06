/** Machines in a browser's tab. One browser and one boot of Linux serve all checks. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { busyboxFiles } from '../../src/node/guests/load-guest.ts';
import type * as Hartvisor from '../../src/node/index.ts';
import { debianGuest } from '../machine/debian-guest.ts';
import { hasBrowser, openBrowser, type TestBrowser } from './browser.ts';

/** What the page's own functions, which are given to `evaluate`, find there. */
declare const hartvisor: typeof Hartvisor;
declare let vm: Hartvisor.Vm;

describe.skipIf(!hasBrowser())('in a tab', () => {
  let tab: TestBrowser;
  beforeAll(async () => {
    tab = await openBrowser();
  });
  afterAll(() => tab?.close());

  test('Linux boots on two vCPUs to a shell that one can type into', async ({ skip }) => {
    if ((await debianGuest()) === undefined) skip();
    await serveGuest(tab);
    const { page, errors } = await tab.open();
    const output = await page.evaluate(async () => {
      vm = await hartvisor.boot({ cpus: 2, kernel: 'guest/kernel', initrd: 'guest/initrd', memory: '256M' });
      await vm.console.waitFor('~ #');
      await vm.console.write('nproc; echo $((6 * 7))\n');
      await vm.console.waitFor('42\r');
      return vm.console.text;
    });
    expect(output).toMatch(/\r\n2\r\n42\r\n/);
    expect(errors).toEqual([]);
  });
});

/** Debian's kernel with busybox and the agent. */
async function serveGuest({ server }: TestBrowser): Promise<void> {
  const parts = { virtio: 'pci', agent: true } as const;
  const { kernelPath, initrd } = await busyboxFiles({
    memoryBytes: 2 ** 28,
    xlen: 64,
    terminal: 'serial',
    parts,
  });
  server.contents.set('guest/kernel', await readFile(kernelPath));
  server.contents.set('guest/initrd', initrd);
}
