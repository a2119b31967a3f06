import { InputError } from '../errors/input-error.ts';
import {
  contains,
  formatIpv4,
  type Ipv4,
  LOOPBACK,
  lastOf,
  parseIpv4,
  parseSubnet,
  type Subnet,
} from '../network/address.ts';
import { DEFAULT_MAC, userNetwork } from '../network/defaults.ts';
import { parseMac } from '../network/ethernet.ts';
import { type AllowRule, parseRule } from '../network/policy.ts';
import type { UserNetworkOptions } from '../network/user-network.ts';
import type { Forward } from '../node/network/network-thread.ts';
import type { NetworkOptions } from '../node/network/open-network.ts';
import { keyAndValue, wordsOf } from './word-list.ts';

/** The options that give a machine a network, as they were typed. */
export interface NetworkWords {
  /** The same as `--netdev user`. */
  readonly net?: true | undefined;
  /** QEMU's list, as `user,hostfwd=tcp::2222-:22`, or `none`. */
  readonly netdev?: readonly string[] | undefined;
}

const KEYS: readonly string[] = [
  ...['allow', 'dhcpstart', 'dns', 'domainname', 'dump', 'host', 'hostfwd', 'hostname', 'id', 'mac', 'net'],
  'restrict',
];
/** With more bits there is no room for the addresses that each network has. */
const MOST_BITS = 27;
const LABEL = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/i;

/**
 * Reads `--net` and `--netdev`.
 *
 * @returns undefined if the machine is to have no network
 * @throws InputError that names the wrong word, and the possible ones
 */
export function readNetwork({ net, netdev = [] }: NetworkWords): NetworkOptions | undefined {
  if (netdev.length > 1)
    throw new InputError('--netdev is given twice: a machine has one network card. Give one list of words.');
  const text = netdev[0] ?? (net === true ? 'user' : undefined);
  return text === undefined || text === 'none' ? undefined : new NetdevReader(text).read();
}

/**
 * Messages for a person about forwards: the ports that were found where any free one was asked for.
 *
 * @param asked the forwards as they were typed, and `given` the same with their ports
 */
export function portNotices(asked: readonly Forward[], given: readonly Forward[]): readonly string[] {
  return given
    .filter((_, index) => asked[index].hostPort === 0)
    .map(
      ({ protocol, host, hostPort, guestPort }) =>
        `${protocol} port ${formatIpv4(host)}:${hostPort} leads to port ${guestPort} of the guest.`,
    );
}

/** The words of one `--netdev`. */
class NetdevReader {
  readonly #text: string;
  readonly #words: readonly (readonly [key: string, value: string])[];

  constructor(text: string) {
    this.#text = text;
    const [kind, ...words] = wordsOf(text);
    if (kind !== 'user') throw this.#mistake(`"${kind}" is no kind of network. There are user and socket`);
    this.#words = words.map((word) => {
      const [key, value] = keyAndValue(word);
      if (!KEYS.includes(key) || value === undefined)
        throw this.#mistake(`"${word}" is none of ${KEYS.map((each) => `${each}=`).join(', ')}`);
      return [key, value];
    });
  }

  read(): NetworkOptions {
    const subnet = this.#subnet();
    const usual = userNetwork(subnet === undefined ? {} : { subnet });
    const network: UserNetworkOptions = {
      ...usual,
      gateway: this.#address('host', usual.subnet) ?? usual.gateway,
      nameServer: this.#address('dns', usual.subnet) ?? usual.nameServer,
      guest: this.#address('dhcpstart', usual.subnet) ?? usual.guest,
      hostName: this.#name('hostname'),
      domainName: this.#name('domainname'),
      restrict: this.#restrict(),
      allow: this.#all('allow').map((rule) => this.#rule(rule)),
    };
    const { gateway, nameServer, guest } = network;
    if (new Set([gateway, nameServer, guest]).size < 3)
      throw this.#mistake('host, dns and dhcpstart are three addresses. Give different ones');
    return {
      ...network,
      mac: this.#mac(),
      forwards: this.#all('hostfwd').map((forward) => this.#forward(forward, network)),
      dump: this.#last('dump'),
    };
  }

  #all(key: string): string[] {
    return this.#words.filter(([name]) => name === key).map(([, value]) => value);
  }

  #last(key: string): string | undefined {
    return this.#all(key).at(-1);
  }

  #subnet(): Subnet | undefined {
    const text = this.#last('net');
    if (text === undefined) return undefined;
    const subnet = parseSubnet(text.includes('/') ? text : `${text}/24`);
    if (subnet === undefined || subnet.bits < 8 || subnet.bits > MOST_BITS)
      throw this.#mistake(
        `net=${text} is no network. Give an address and 8 to ${MOST_BITS} bits, as 10.0.2.0/24`,
      );
    return subnet;
  }

  #address(key: string, subnet: Subnet): Ipv4 | undefined {
    const text = this.#last(key);
    if (text === undefined) return undefined;
    const address = parseIpv4(text);
    if (
      address === undefined ||
      !contains(subnet, address) ||
      address === subnet.base ||
      address === lastOf(subnet)
    )
      throw this.#mistake(`${key}=${text} is no address of the guest's network. net= says which that is`);
    return address;
  }

  #name(key: string): string {
    const text = this.#last(key) ?? '';
    if (text === '' || (LABEL.test(text) && text.length < 64)) return text;
    throw this.#mistake(`${key}=${text} is no name. Give letters, digits and hyphens`);
  }

  #restrict(): boolean {
    const text = this.#last('restrict') ?? 'off';
    if (['on', 'y', 'yes'].includes(text)) return true;
    if (['off', 'n', 'no'].includes(text)) return false;
    throw this.#mistake(`restrict is on or off, not "${text}"`);
  }

  #rule(text: string): AllowRule {
    const rule = parseRule(text);
    if (rule === undefined)
      throw this.#mistake(
        `allow=${text} allows nothing that there is. Give a name, an address or a network, and ports if you like: ` +
          'files.example.org:80, 127.0.0.1:8000-8010, 10.1.0.0/16',
      );
    if (rule.subnet === undefined && rule.name === undefined && !this.#restrict())
      throw this.#mistake(`allow=${text} is for restrict=on: public addresses are allowed anyway`);
    return rule;
  }

  #mac(): number {
    const text = this.#last('mac');
    const mac = text === undefined ? DEFAULT_MAC : parseMac(text);
    if (mac === undefined) throw this.#mistake(`mac=${text} is no card's address. One is 52:54:00:12:34:56`);
    return mac;
  }

  #forward(text: string, { guest: usual, subnet }: UserNetworkOptions): Forward {
    const [, protocol, host = '', hostPort, guest = '', guestPort] =
      /^(tcp|udp):([^:]*):(\d+)-([^:]*):(\d+)$/.exec(text) ?? [];
    if (protocol !== 'tcp' && protocol !== 'udp')
      throw this.#mistake(
        `hostfwd=${text} forwards nothing. Give a port of the host and one of the guest: tcp:127.0.0.1:2222-:22`,
      );
    const hostAddress = host === '' ? LOOPBACK : parseIpv4(host);
    if (hostAddress === undefined)
      throw this.#mistake(`hostfwd=${text}: ${host} is no IPv4 address of the host`);
    const guestAddress = guest === '' ? usual : parseIpv4(guest);
    if (guestAddress === undefined || !contains(subnet, guestAddress))
      throw this.#mistake(`hostfwd=${text}: ${guest} is no address of the guest's network`);
    const [from, to] = [Number(hostPort), Number(guestPort)];
    if (from > 0xffff || to > 0xffff || to === 0)
      throw this.#mistake(
        `hostfwd=${text}: ports are 1 to 65535, and one of the host may be 0, for a free one`,
      );
    return { protocol, host: hostAddress, hostPort: from, guest: guestAddress, guestPort: to };
  }

  #mistake(what: string): InputError {
    return new InputError(`--netdev ${this.#text}: ${what}.`);
  }
}
