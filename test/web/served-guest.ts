/** The guest of tests in browsers. */
import { readFile } from 'node:fs/promises';
import { busyboxFiles } from '../../src/node/guests/load-guest.ts';
import { inRanges, type PageServer } from './page-server.ts';

/** Serves Debian's kernel with busybox and the agent, and a disk. */
export async function serveGuest(server: PageServer): Promise<void> {
  const parts = { virtio: 'pci', agent: true, disks: true, network: true } as const;
  const machine = { memoryBytes: 2 ** 28, xlen: 64, terminal: 'serial' } as const;
  const { kernelPath, initrd } = await busyboxFiles({ ...machine, parts });
  server.contents.set('guest/kernel', await readFile(kernelPath));
  server.contents.set('guest/initrd', initrd);
  server.contents.set('disk.img', inRanges(Buffer.from(`${'first'.padEnd(1019, '.')}last.`)));
}
