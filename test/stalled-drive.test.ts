/** A drive whose server does not answer any more, beside a network and another drive that have to go on. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { Machine } from '../src/machine/machine.ts';
import { LOOPBACK } from '../src/network/address.ts';
import { DEFAULT_MAC, userNetwork } from '../src/network/defaults.ts';
import { MODULES_PATH } from '../src/node/debian/debian-modules.ts';
import { connectDrives } from '../src/node/drives/connect-drives.ts';
import { openDrives } from '../src/node/drives/open-drives.ts';
import { prepareNetwork } from '../src/node/network/open-network.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { debianModules } from './machine/debian-modules.ts';
import { guestScript, QUICK_START } from './machine/guest-script.ts';

const LIMIT_MS = 240_000;
/** In the order in which they are loaded. */
const MODULES = ['virtio_blk', 'failover', 'net_failover', 'virtio_net'];
const files = await debianModules(MODULES);

const BYTES = 64 << 20;
/** The guest's kernel looks for partitions at the start, which is still answered. */
const ANSWERED = 1 << 20;

/**
 * A server of a disk, of a page that it says at which moment it was asked for, and of `/waits`, which is answered when
 * a read of the disk waits.
 */
function createServers() {
  let stalled = 0;
  const toTell: ServerResponse[] = [];
  const pages: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/waits') {
      if (stalled > 0) response.end();
      else toTell.push(response);
      return;
    }
    if (request.url !== '/disk') {
      pages.push(`${request.url} after ${stalled} reads that wait`);
      response.end('page');
      return;
    }
    const [from, to] =
      /^bytes=(\d+)-(\d+)$/
        .exec(request.headers.range ?? '')
        ?.slice(1)
        .map(Number) ?? [];
    if (from >= ANSWERED) {
      stalled++;
      for (const each of toTell.splice(0)) each.end();
      return;
    }
    const part = Buffer.alloc(to + 1 - from);
    response.writeHead(206, { ETag: '"1"', 'Content-Range': `bytes ${from}-${to}/${BYTES}` }).end(part);
  });
  return { server, pages };
}

const script = (port: number) => `
for module in ${MODULES.join(' ')}; do insmod /${MODULES_PATH}/$module.ko; done
ip link set eth0 up; ip address add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2
dd if=/dev/vda of=/dev/null bs=4k skip=8192 count=1 2>/dev/null &
wget -q -O - http://10.0.2.2:${port}/waits
for time in 1 2 3; do wget -q -O - http://10.0.2.2:${port}/$time > /dev/null; done
dd if=/dev/zero of=/dev/vdb bs=4k count=16 conv=fsync 2>/dev/null && echo "the other drive: $?"
echo "the console: all done"
sleep 1000
`;

test.skipIf(files === undefined)(
  'a drive that does not answer keeps neither the network nor another drive nor the console waiting',
  async () => {
    if (files === undefined) throw new Error('there are no files');
    const directory = mkdtempSync(join(tmpdir(), 'hartvisor-stalled-'));
    const other = join(directory, 'disk.img');
    writeFileSync(other, Buffer.alloc(1 << 20, 'x'));
    const { server, pages } = createServers();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const common = { readOnly: false, snapshot: false, serial: '' };
    const drives = openDrives(
      await connectDrives([
        { ...common, file: `http://127.0.0.1:${port}/disk` },
        { ...common, file: other },
      ]),
    );
    const network = await prepareNetwork({
      ...userNetwork({ allow: [{ subnet: { base: LOOPBACK, bits: 32 }, ports: [port, port] }] }),
      ...{ mac: DEFAULT_MAC, forwards: [], dump: undefined },
    });
    const host = new NodeHost();
    host.loadFirst(drives.module);
    host.loadFirst(network.module);
    let output = '';
    const machine = new Machine(
      {
        ...{ kind: 'domain', vcpus: 1, pcpus: 1, memoryBytes: 256 << 20, protocol: 'take-mirror' },
        kernel: await readKernel(readFileSync(files.guest.kernelPath), files.guest.kernelPath),
        initrd: initramfs({
          busybox: readFileSync(files.guest.busyboxPath),
          run: guestScript(script(port)),
          extraFiles: files.modules,
        }),
        ...{ bootArgs: `console=ttyS0 ${QUICK_START}`, drives: drives.facts, network: network.facts },
      },
      host,
      {
        console: {
          output: (bytes) => {
            output += Buffer.from(bytes).toString('latin1');
            if (output.includes('all done\r')) machine.stop();
            return undefined;
          },
        },
      },
    );
    const limit = setTimeout(() => machine.stop(), LIMIT_MS);
    machine.start();
    await machine.ended;
    clearTimeout(limit);
    server.closeAllConnections();
    server.close();
    network.close();
    drives.close();
    expect(output).toContain('the other drive: 0');
    expect(output).toContain('the console: all done');
    expect(pages).toEqual([1, 2, 3].map((time) => `/${time} after 1 reads that wait`));
    expect(readFileSync(other).subarray(0, 1 << 16)).toEqual(Buffer.alloc(1 << 16));
    rmSync(directory, { recursive: true });
  },
  LIMIT_MS + 30_000,
);
