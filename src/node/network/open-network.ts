import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import type { NetworkFacts } from '../../devices/descriptor.ts';
import { checkArgument, listOf, type OptionRules, optionsOf, TEXT, word } from '../../errors/arguments.ts';
import { InputError } from '../../errors/input-error.ts';
import { formatIpv4 } from '../../network/address.ts';
import { IPV4, MAC, PORT, USER_NETWORK } from '../../network/arguments.ts';
import type { Mac } from '../../network/ethernet.ts';
import type { UserNetworkOptions } from '../../network/user-network.ts';
import type { ThreadModule } from '../node-host.ts';
import { openDump } from './dump.ts';
import { type Forward, hostPlace, type NetworkStart } from './network-thread.ts';

/** A user-mode network that a machine is to have. */
export interface NetworkOptions extends UserNetworkOptions {
  readonly mac: Mac;
  /** A host's port of 0 stands for one that is free. */
  readonly forwards: readonly Forward[];
  /** A file for all frames, in libpcap's format. */
  readonly dump: string | undefined;
}

const FORWARD: OptionRules<Forward> = {
  protocol: word('tcp', 'udp'),
  host: IPV4,
  hostPort: PORT,
  guest: IPV4,
  guestPort: PORT,
};
const OPTIONS: OptionRules<NetworkOptions> = {
  ...USER_NETWORK,
  mac: MAC,
  forwards: listOf(
    optionsOf(FORWARD, 'a port to forward', ['protocol', 'host', 'hostPort', 'guest', 'guestPort']),
    'a list of ports to forward',
  ),
  dump: TEXT,
};
const NETWORK = optionsOf(OPTIONS, 'a network: { ...userNetwork(), mac, forwards, dump }', [
  ...(['subnet', 'gateway', 'nameServer', 'guest', 'hostName', 'domainName', 'restrict', 'allow'] as const),
  ...(['mac', 'forwards'] as const),
]);

/** A network that is ready to be opened by the threads of a machine. */
export interface PreparedNetwork {
  readonly facts: NetworkFacts;
  /** With their ports. */
  readonly forwards: readonly Forward[];
  /** By which threads get at it. */
  readonly module: ThreadModule;
  /** Closes all that is open, when the threads of the machine have ended. */
  close(): void;
}

/**
 * Finds mistakes in the options of a network before anything starts.
 *
 * @throws InputError that names the port or file that cannot be used, the reason, and a remedy
 */
export async function prepareNetwork(given: NetworkOptions): Promise<PreparedNetwork> {
  checkArgument('options', given, NETWORK);
  const { mac, forwards, dump, ...options } = given;
  const free: Forward[] = [];
  for (const forward of forwards) free.push({ ...forward, hostPort: await tryPort(forward) });
  const descriptor = dump === undefined ? undefined : openDump(dump);
  const own = import.meta.url;
  // Beside this file in a checkout; in a package the bundler has both in one folder.
  const url = new URL(own.endsWith('.ts') ? './network-thread.ts' : './network/network-thread.js', own).href;
  const data: NetworkStart = { options, forwards: free, dump: descriptor };
  return {
    facts: { mac },
    forwards: free,
    module: { url, data },
    close: () => {
      if (descriptor !== undefined) closeSync(descriptor);
    },
  };
}

/** Takes a port, and leaves it to the machine. @returns its number */
async function tryPort(forward: Forward): Promise<number> {
  const { protocol, host, hostPort } = forward;
  try {
    return await (protocol === 'tcp'
      ? tryStreams(formatIpv4(host), hostPort)
      : tryDatagrams(formatIpv4(host), hostPort));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const place = hostPlace(forward);
    if (code === 'EADDRINUSE')
      throw new InputError(
        `The ${protocol} port ${place} is in use. Give another one, or 0 for one that is free.`,
      );
    if (code === 'EACCES')
      throw new InputError(`The ${protocol} port ${place} is not for everybody. Give one above 1023.`);
    if (code === 'EADDRNOTAVAIL')
      throw new InputError(`${formatIpv4(host)} is no address of this host. 127.0.0.1 is one.`);
    throw new InputError(`The ${protocol} port ${place} cannot be used: ${(error as Error).message}.`);
  }
}

/** Takes a port for streams, and gives it back. @returns its number */
export async function tryStreams(host: string, port: number): Promise<number> {
  const server = createServer();
  server.listen({ host, port });
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return taken;
}

async function tryDatagrams(host: string, port: number): Promise<number> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
    return socket.address().port;
  } finally {
    // Also one that has no port has a descriptor.
    socket.close();
  }
}
