/** A guest's network, by Debian's own driver for virtio and busybox's programs, against servers on this host. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { LOOPBACK } from '../src/network/address.ts';
import { DEFAULT_MAC, userNetwork } from '../src/network/defaults.ts';
import type { UserNetworkOptions } from '../src/network/user-network.ts';
import { MODULES_PATH } from '../src/node/debian/debian-modules.ts';
import { type NetworkOptions, prepareNetwork } from '../src/node/network/open-network.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { debianModules } from './machine/debian-modules.ts';
import { countedLines, guestScript, QUICK_START } from './machine/guest-script.ts';
import { type MachineRun, runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;
/** In the order in which they are loaded. */
const MODULES = ['virtio_mmio', 'failover', 'net_failover', 'virtio_net'];
const files = await debianModules(MODULES);

const UDHCPC = `#!/bin/sh
[ "$1" = bound ] || exit 0
echo "lease: $ip/$mask router $router dns $dns mtu $mtu host $hostname"
ip address add $ip/$mask dev $interface
ip route add default via $router
echo "nameserver $dns" > /etc/resolv.conf
`;
const start = `for module in ${MODULES.join(' ')}; do insmod /${MODULES_PATH}/$module.ko; done
ip link set lo up; ip link set eth0 up; mkdir -p /etc
udhcpc -i eth0 -n -q -s /${MODULES_PATH}/udhcpc > /tmp/udhcpc 2>&1; grep lease: /tmp/udhcpc | tail -1
`;

/** A page of the guest, for the host. */
const NUMBERS = countedLines(300_000);

interface Options extends Partial<UserNetworkOptions>, Partial<Pick<NetworkOptions, 'forwards' | 'dump'>> {
  readonly virtio?: 'pci' | 'mmio';
  readonly onStart?: (ports: readonly number[]) => void;
}

/** Runs a script in a guest with a network. */
async function run(
  script: string,
  { virtio = 'pci', forwards = [], dump, onStart, ...network }: Options = {},
): Promise<MachineRun> {
  if (files === undefined) throw new Error('there are no files');
  const host = new NodeHost();
  const prepared = await prepareNetwork({ ...userNetwork(network), mac: DEFAULT_MAC, forwards, dump });
  host.loadFirst(prepared.module);
  onStart?.(prepared.forwards.map(({ hostPort }) => hostPort));
  try {
    return await runMachine(
      {
        kind: 'domain',
        vcpus: 2,
        // Over MMIO on one thread, which takes a quarter less.
        pcpus: virtio === 'mmio' ? 1 : 2,
        memoryBytes: 256 * 1024 * 1024,
        protocol: 'take-mirror',
        kernel: await readKernel(readFileSync(files.guest.kernelPath), files.guest.kernelPath),
        initrd: initramfs({
          busybox: readFileSync(files.guest.busyboxPath),
          run: guestScript(start + script),
          extraFiles: [
            ...files.modules,
            { path: `${MODULES_PATH}/udhcpc`, data: UDHCPC, mode: 0o755 },
            { path: 'www/numbers', data: NUMBERS },
          ],
        }),
        bootArgs: `console=ttyS0 ${QUICK_START}`,
        virtio,
        network: prepared.facts,
      },
      LIMIT_MS,
      [],
      host,
    );
  } finally {
    prepared.close();
  }
}

function values(output: string, name: string): string[] {
  return [...output.matchAll(new RegExp(`^${name}: ?(.*?)\\r?$`, 'gm'))].map(([, value]) => value);
}

/** So many bytes that are always the same, and look like none. */
function noise(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  for (let at = 0, state = 1; at < count; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes.writeInt32LE(state, at);
  }
  return bytes;
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

/** Servers on this host's loopback address. */
class HostServers {
  readonly large = noise(8 << 20);
  /** The sums of what was sent here by TCP. */
  readonly received: string[] = [];
  connections = 0;
  readonly #pages = createHttpServer((request, response) => {
    this.connections++;
    response.setHeader('connection', 'close');
    response.end(request.url === '/large' ? this.large : `hello from the host, ${request.url}\n`);
  });
  readonly #sink = createServer({ allowHalfOpen: true }, (socket) => {
    const sum = createHash('md5');
    socket.on('data', (bytes) => sum.update(bytes));
    socket.on('end', () => {
      const digest = sum.digest('hex');
      this.received.push(digest);
      socket.end(`${digest}\n`);
    });
    socket.on('error', () => undefined);
  });

  async open(): Promise<void> {
    await Promise.all(
      [this.#pages, this.#sink].map((server) => once(server.listen(0, '127.0.0.1'), 'listening')),
    );
  }

  get pages(): number {
    return (this.#pages.address() as AddressInfo).port;
  }

  get sink(): number {
    return (this.#sink.address() as AddressInfo).port;
  }

  close(): void {
    this.#pages.close();
    this.#sink.close();
  }
}

/** Asks a server that is not there yet until it answers. */
async function fetchWhenThere(url: string, signal: AbortSignal): Promise<Buffer> {
  while (!signal.aborted) {
    try {
      const response = await fetch(url, { signal });
      return Buffer.from(await response.arrayBuffer());
    } catch {
      await delay(300);
    }
  }
  throw new Error(`${url} was never there`);
}

/** Sends a line to a port that nobody listens on yet, until somebody takes it. */
async function sendWhenThere(port: number, line: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.end(line);
    socket.resume();
    try {
      await once(socket, 'close');
      return;
    } catch {
      await delay(300);
    }
  }
}

const loopback = (port: number) => ({ subnet: { base: LOOPBACK, bits: 32 }, ports: [port, port] as const });

describe.skipIf(files === undefined)('a network', { timeout: LIMIT_MS + 30_000 }, () => {
  const servers = new HostServers();
  const folder = mkdtempSync(join(tmpdir(), 'hartvisor-network-'));
  beforeAll(() => servers.open());
  afterAll(() => {
    servers.close();
    rmSync(folder, { recursive: true });
  });

  test('gives the guest an address, and what it is allowed to reach', async () => {
    const dump = join(folder, 'all.pcap');
    const script = `
      echo "card: $(cat /sys/class/net/eth0/address) $(cat /sys/class/net/eth0/carrier)"
      ping -c 2 -W 5 10.0.2.2 > /tmp/ping && echo "ping: yes" || cat /tmp/ping
      echo "page: $(wget -q -O - -T 20 http://10.0.2.2:${servers.pages}/one)"
      echo "large: $(wget -q -O - -T 20 http://10.0.2.2:${servers.pages}/large | md5sum)"
      wget -q -O /tmp/large -T 20 http://10.0.2.2:${servers.pages}/large
      echo "sent: $(nc 10.0.2.2 ${servers.sink} < /tmp/large)"
      for part in 1 2 3 4 5 6 7 8 9 10; do
        (for page in 1 2 3 4 5 6 7 8 9 10; do
          wget -q -O - -T 20 http://10.0.2.2:${servers.pages}/$part-$page >> /tmp/pages-$part
        done) &
      done; wait
      echo "pages: $(cat /tmp/pages-* | grep -c '^hello from the host, /')"
      wget -q -O - -T 20 http://10.0.2.2:${servers.sink + 1}/ > /tmp/refused 2>&1; echo "refused: $(cat /tmp/refused)"
      wget -q -O - -T 20 http://192.168.1.1/ > /tmp/private 2>&1; echo "private: $(cat /tmp/private)"
      dmesg | grep -c 'Call Trace\\|WARNING' | sed 's/^/trouble: /'
    `;
    const { end, output, notices } = await run(script, {
      allow: [loopback(servers.pages), loopback(servers.sink)],
      hostName: 'box',
      dump,
    });
    expect(end, output).toEqual({ reason: 'poweroff' });
    expect(values(output, 'lease')).toEqual(['10.0.2.15/24 router 10.0.2.2 dns 10.0.2.3 mtu 1500 host box']);
    expect(values(output, 'card')).toEqual(['52:54:00:12:34:56 1']);
    expect(values(output, 'ping'), output).toEqual(['yes']);
    expect(values(output, 'page'), output).toEqual(['hello from the host, /one']);
    expect(values(output, 'large')).toEqual([`${md5(servers.large)}  -`]);
    expect(values(output, 'sent')).toEqual([md5(servers.large)]);
    expect(servers.received).toEqual([md5(servers.large)]);
    expect(values(output, 'pages')).toEqual(['100']);
    expect(values(output, 'refused')[0]).toContain('Connection refused');
    expect(values(output, 'private')[0]).toContain('Connection refused');
    expect([...values(output, 'trouble'), ...notices]).toEqual(['0']);
    const file = readFileSync(dump);
    expect([file.readUInt32BE(0), file.length > 2 * servers.large.length]).toEqual([0xa1b2c3d4, true]);
  });

  test('leads from ports of the host to those of the guest, over MMIO too, and nowhere else if it is to be restricted', async () => {
    const before = servers.connections;
    const script = `
      md5sum /www/numbers | sed 's/^/numbers: /'
      httpd -p 80 -h /www
      wget -q -O - -T 20 http://10.0.2.2:${servers.pages}/ > /tmp/refused 2>&1; echo "refused: $(cat /tmp/refused)"
      nslookup example.org 10.0.2.3 2>&1 | grep -c REFUSED | sed 's/^/names: /'
      echo "end: $(nc -l -p 81)"
    `;
    const ended = new AbortController();
    const { guest } = userNetwork();
    const forward = { protocol: 'tcp', host: LOOPBACK, hostPort: 0, guest } as const;
    let sums: Promise<string[]> = Promise.resolve([]);
    const { end, output } = await run(script, {
      restrict: true,
      virtio: 'mmio',
      forwards: [
        { ...forward, guestPort: 80 },
        { ...forward, guestPort: 81 },
      ],
      onStart: ([http, last]) => {
        sums = (async () => {
          const url = `http://127.0.0.1:${http}/numbers`;
          const first = await fetchWhenThere(url, ended.signal);
          const more = await Promise.all(Array.from({ length: 8 }, () => fetchWhenThere(url, ended.signal)));
          await sendWhenThere(last, 'no more\n', ended.signal);
          return [first, ...more].map(md5);
        })();
        // Looked at when the guest has ended, which may come first.
        sums.catch(() => undefined);
      },
    });
    ended.abort();
    expect(end, output).toEqual({ reason: 'poweroff' });
    const sum = md5(Buffer.from(NUMBERS));
    expect(values(output, 'numbers')[0]).toContain(sum);
    expect(await sums).toEqual(Array.from({ length: 9 }, () => sum));
    expect(values(output, 'end')).toEqual(['no more']);
    expect(values(output, 'refused')[0]).toContain('Connection refused');
    expect(Number(values(output, 'names')[0])).toBeGreaterThan(0);
    expect(servers.connections).toBe(before);
  });
});
