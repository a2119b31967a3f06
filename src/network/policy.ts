import { checkArgument, TEXT } from '../errors/arguments.ts';
import { contains, type Ipv4, LOOPBACK, parseIpv4, parseSubnet, type Subnet } from './address.ts';

/** Whom a guest may reach, by one rule. */
export interface AllowRule {
  /** Addresses; undefined: those of the name, or all public ones if there is no name. */
  readonly subnet?: Subnet | undefined;
  /** A name in lower case; `*.` at its start stands for all below it. */
  readonly name?: string | undefined;
  /** The first port and the last one; undefined: all. */
  readonly ports?: readonly [number, number] | undefined;
}

/** The destinations that a guest may reach. */
export interface PolicyOptions {
  /** Only addresses that a rule allows, not also all public addresses. */
  readonly restrict: boolean;
  readonly allow: readonly AllowRule[];
}

/**
 * Addresses that are not public (IANA's registry of special purposes): hosts and networks of one's own, and no hosts.
 */
const NOT_PUBLIC: readonly Subnet[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map(subnet);
/** Those of them that no name may lead to: the host itself, services of clouds, many at once. */
const NEVER_BY_NAME: readonly Subnet[] = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'].map(
  subnet,
);
/** Addresses of names that are remembered: the oldest ones are forgotten. */
const MOST_NAMED = 4096;

/**
 * Decides about the hosts that a guest may reach. The address that would be connected to counts, not the name that it
 * had before.
 */
export class Policy {
  readonly #options: PolicyOptions;
  readonly #ownAddresses: () => readonly Ipv4[];
  /** Rules by which an address is allowed because it was the answer for a name. */
  readonly #named = new Map<Ipv4, readonly AllowRule[]>();

  /** @param ownAddresses those of the host, whether public or not */
  constructor(options: PolicyOptions, ownAddresses: () => readonly Ipv4[]) {
    this.#options = options;
    this.#ownAddresses = ownAddresses;
  }

  /** Whether the guest may reach that port of an address. */
  permits(address: Ipv4, port: number): boolean {
    const { allow, restrict } = this.#options;
    if (
      allow.some((rule) => rule.subnet !== undefined && contains(rule.subnet, address) && hasPort(rule, port))
    )
      return true;
    if (this.#named.get(address)?.some((rule) => hasPort(rule, port)) === true) return true;
    if (!this.#isPublic(address)) return false;
    return !restrict || allow.some((rule) => isAnyHost(rule) && hasPort(rule, port));
  }

  /** Whether a guest may ask for a name at all. */
  permitsName(name: string): boolean {
    const { allow, restrict } = this.#options;
    return !restrict || allow.some((rule) => matches(rule, name) || isAnyHost(rule));
  }

  /**
   * Learns the addresses that a name has.
   *
   * @returns those that the guest may be told: none that a name has no business to lead to
   */
  resolved(name: string, addresses: readonly Ipv4[]): readonly Ipv4[] {
    const rules = this.#options.allow.filter((rule) => matches(rule, name));
    return addresses.filter((address) => {
      if (this.#options.allow.some(({ subnet: one }) => one !== undefined && contains(one, address)))
        return true;
      const isLocal = name === 'localhost' && address === LOOPBACK;
      if (!isLocal && (NEVER_BY_NAME.some((one) => contains(one, address)) || this.#isOwn(address)))
        return false;
      if (rules.length > 0) this.#remember(address, rules);
      return rules.length > 0 || this.#isPublic(address);
    });
  }

  #remember(address: Ipv4, rules: readonly AllowRule[]): void {
    const known = this.#named.get(address) ?? [];
    this.#named.delete(address);
    this.#named.set(address, [...new Set([...known, ...rules])]);
    for (const oldest of this.#named.keys()) {
      if (this.#named.size <= MOST_NAMED) break;
      this.#named.delete(oldest);
    }
  }

  #isPublic(address: Ipv4): boolean {
    return !NOT_PUBLIC.some((one) => contains(one, address)) && !this.#isOwn(address);
  }

  #isOwn(address: Ipv4): boolean {
    return this.#ownAddresses().includes(address);
  }
}

/**
 * Reads `files.example.org`, `*.example.org:443`, `10.0.0.0/8`, `127.0.0.1:8000-8010`, `:443`; undefined for others.
 *
 * @throws InputError for something that is no text
 */
export function parseRule(text: string): AllowRule | undefined {
  checkArgument('text', text, TEXT);
  const [, host, first, last] = /^([^:]*)(?::(\d{1,5})(?:-(\d{1,5}))?)?$/.exec(text) ?? [];
  if (host === undefined || (host === '' && first === undefined)) return undefined;
  const ports = first === undefined ? undefined : ([Number(first), Number(last ?? first)] as const);
  if (ports !== undefined && !(ports[0] >= 1 && ports[1] <= 0xffff && ports[0] <= ports[1])) return undefined;
  if (host === '') return { ports };
  const addresses = parseSubnet(host);
  if (addresses !== undefined) return { subnet: addresses, ports };
  const label = '[a-z\\d_]([a-z\\d_-]{0,61}[a-z\\d_])?';
  const name = host.toLowerCase().replace(/\.$/, '');
  // A text that looks like an address and is none would never be the answer for a name.
  const isName = new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`).test(name) && !/^[\d.]+$/.test(name);
  return isName ? { name, ports } : undefined;
}

function subnet(text: string): Subnet {
  const read = parseSubnet(text);
  if (read === undefined || parseIpv4(text.split('/')[0]) !== read.base)
    throw new Error(`no subnet: ${text}`);
  return read;
}

function hasPort({ ports }: AllowRule, port: number): boolean {
  return ports === undefined || (ports[0] <= port && port <= ports[1]);
}

function isAnyHost(rule: AllowRule): boolean {
  return rule.subnet === undefined && rule.name === undefined;
}

function matches(rule: AllowRule, name: string): boolean {
  if (rule.name === undefined) return false;
  return rule.name.startsWith('*.') ? name.endsWith(rule.name.slice(1)) : name === rule.name;
}
