import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { LOOPBACK, parseIpv4 } from '../../network/address.ts';
import { DEFAULT_MAC, userNetwork } from '../../network/defaults.ts';
import { type NetworkOptions, prepareNetwork } from './open-network.ts';

const folder = mkdtempSync(join(tmpdir(), 'hartvisor-network-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { guest } = userNetwork();
const forward = { protocol: 'tcp', host: LOOPBACK, hostPort: 0, guest, guestPort: 22 } as const;
const prepare = (given: Partial<NetworkOptions>) =>
  prepareNetwork({ ...userNetwork(), mac: DEFAULT_MAC, forwards: [], dump: undefined, ...given });

test('a free port is found, and a dump is opened', async () => {
  const forwards = [forward, { ...forward, protocol: 'udp' as const }];
  const prepared = await prepare({ forwards, dump: join(folder, 'x.pcap') });
  expect(prepared.facts).toEqual({ mac: DEFAULT_MAC });
  for (const { hostPort } of prepared.forwards) expect(hostPort).toBeGreaterThan(0);
  prepared.close();
});

test('a port in use, an address of others and a file that cannot be written are mistakes', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hostPort = (server.address() as AddressInfo).port;
  const mistakes = [
    prepare({ forwards: [{ ...forward, hostPort }] }),
    prepare({ forwards: [{ ...forward, host: parseIpv4('192.0.2.1') ?? 0 }] }),
    prepare({ dump: join(folder, 'missing', 'x.pcap') }),
  ];
  const [inUse, notOurs, dump] = await Promise.all(
    mistakes.map((each) => each.then(String, (error) => error)),
  );
  for (const error of [inUse, notOurs, dump]) expect(error).toBeInstanceOf(InputError);
  expect(inUse.message).toContain(`tcp port 127.0.0.1:${hostPort} is in use`);
  expect(notOurs.message).toContain('192.0.2.1 is no address of this host');
  expect(dump.message).toContain('cannot be written');
  server.close();
});

test('a port for datagrams that is in use leaves nothing open', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const before = sockets();
  const udp = { ...forward, protocol: 'udp' as const, hostPort: socket.address().port };
  await expect(prepare({ forwards: [udp] })).rejects.toThrow('is in use');
  expect(sockets()).toEqual(before);
  socket.close();
});

/** Those that this process has. */
function sockets(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${descriptor}`);
      return target.startsWith('socket:') ? [target] : [];
    } catch {
      // That of the list itself.
      return [];
    }
  });
}
