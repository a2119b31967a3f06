import type { AptSource } from '../private-apt.ts';

/** The address by which a guest reaches the host's loopback addresses (`src/network/defaults.ts`). */
const HOST_IN_GUEST = '10.0.2.2';

/** A host and a port that a guest has to reach, as `--netdev user,allow=` takes it. */
export type AllowedPlace = string;

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * The sources of a guest's apt: those that its packages came from. Where the host has its archive itself, the guest
 * asks the host.
 *
 * @param suites - of the same address are one entry
 * @returns a file for `sources.list.d/`, in the format of deb822
 */
export function guestSources(sources: readonly AptSource[]): string {
  const suites = new Map<string, string[]>();
  for (const { uri, suite } of sources) {
    const seen = seenFromGuest(uri);
    if (seen !== undefined) suites.set(seen, [...(suites.get(seen) ?? []), suite]);
  }
  return [...suites]
    .map(
      ([uri, names]) => `Types: deb
URIs: ${uri}
Suites: ${names.join(' ')}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
    )
    .join('\n');
}

/**
 * The host's settings for apt's network that mean something in a guest: its proxies, and how patient it is. Values that
 * name files and programs of the host do not.
 *
 * @param network - lines of an apt configuration
 * @param environment - of this process, in which proxies may be as well
 */
export function guestNetworkSettings(
  network: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const kept = network.split('\n').flatMap((line) => {
    const [, key = '', value = ''] = /^(Acquire::\S+) "(.*)";$/.exec(line) ?? [];
    if (!/^Acquire::(https?|Retries|Check-|ForceIPv)/.test(key) || value === '' || value.startsWith('/'))
      return [];
    const isProxy = /::Proxy(::|$)/.test(key) && value !== 'DIRECT';
    const seen = isProxy ? seenFromGuest(value) : value;
    return seen === undefined ? [] : [`${key} "${seen}";`];
  });
  const fromEnvironment = proxiesOf(environment)
    .filter(({ key }) => !kept.some((line) => line.startsWith(`${key} `)))
    .flatMap(({ key, value }) => {
      const seen = seenFromGuest(value);
      return seen === undefined ? [] : [`${key} "${seen}";`];
    });
  return [...kept, ...fromEnvironment].map((line) => `${line}\n`).join('');
}

/**
 * The places that a guest's apt has to reach: the archives, or the proxies in front of them.
 *
 * @param sources, network, environment - as above
 */
export function aptPlaces(
  sources: readonly AptSource[],
  network: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly AllowedPlace[] {
  const proxies = [...network.matchAll(/^Acquire::https?::Proxy(?:::\S+)? "(.+)";$/gm)].map(
    ([, value]) => value,
  );
  const all = [
    ...sources.map(({ uri }) => uri),
    ...proxies,
    ...proxiesOf(environment).map(({ value }) => value),
  ];
  const places = all.flatMap((text) => {
    const url = URL.parse(text);
    const port = url === null ? undefined : url.port || PORTS[url.protocol];
    if (url === null || url.hostname === '' || port === undefined) return [];
    return [`${isLoopback(url.hostname) ? '127.0.0.1' : url.hostname}:${port}`];
  });
  return [...new Set(places)];
}

function proxiesOf(environment: Readonly<Record<string, string | undefined>>) {
  return ['http', 'https'].flatMap((scheme) => {
    const value = environment[`${scheme}_proxy`];
    return value ? [{ key: `Acquire::${scheme}::Proxy`, value }] : [];
  });
}

/** An address of the host, as the guest has to write it; undefined where no guest can reach it: `file:`, `cdrom:`. */
function seenFromGuest(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null || PORTS[url.protocol] === undefined) return undefined;
  if (!isLoopback(url.hostname)) return address;
  url.hostname = HOST_IN_GUEST;
  return url.href;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
