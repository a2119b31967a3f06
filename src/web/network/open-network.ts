import type { VmNetwork } from '../../api/boot-options.ts';
import type { NetworkFacts } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import { DEFAULT_MAC, userNetwork } from '../../network/defaults.ts';
import type { Mac } from '../../network/ethernet.ts';
import { type AllowRule, parseRule } from '../../network/policy.ts';
import { NAMED } from './name-table.ts';
import type { NetworkStart } from './network-start.ts';

/** A network that is ready to be opened by the threads of a machine. */
export interface PreparedNetwork {
  readonly facts: NetworkFacts;
  readonly start: NetworkStart;
}

const WAYS =
  "Give network.via: 'fetch' for requests of HTTP that the browser makes, 'wisps://SERVER/' for a server that speaks Wisp, " +
  "'wss://SERVER/' for one that passes frames on, or 'link:NAME' for a cable to other machines of this origin.";

/**
 * Finds mistakes in the options of a network before anything starts.
 *
 * @throws InputError that names the part that cannot be used, and the reason
 */
export function prepareNetwork(given: true | VmNetwork): PreparedNetwork {
  const network: VmNetwork = given === true ? {} : given;
  const { via, forward = [], dump } = network;
  if (via === undefined) throw new InputError(`network: a page has no network of its own. ${WAYS}`);
  if (forward.length > 0)
    throw new InputError(
      'network.forward: a page has no ports. Ask servers of the guest with `vm.fetch(port, request)`.',
    );
  if (dump !== undefined) throw new InputError('network.dump: a page has no files. Leave it out.');
  if (via === 'fetch') return prepareFetch(network);
  if (via.startsWith('link:')) return prepareLink(via, network);
  return prepareServer(via, network);
}

function prepareFetch({ allow }: VmNetwork): PreparedNetwork {
  if (allow === undefined)
    throw new InputError(
      "network.allow: with via: 'fetch' a guest asks the servers that are named alone. Name them, such as ['example.org'].",
    );
  const scheme = globalThis.location.protocol === 'https:' ? 'https' : 'http';
  const options = userNetwork({ restrict: true, allow: allow.map(readRule) });
  return { facts: { mac: DEFAULT_MAC }, start: { kind: 'fetch', options, scheme } };
}

function prepareLink(via: string, { allow }: VmNetwork): PreparedNetwork {
  const name = via.slice('link:'.length);
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new InputError(
      `network.via: "${name}" is no name for a link. Give up to 64 letters, digits, dots and dashes.`,
    );
  refuseRules(via, allow);
  return { facts: { mac: randomMac(), plain: true }, start: { kind: 'link', name } };
}

function prepareServer(via: string, { allow }: VmNetwork): PreparedNetwork {
  const [, wisp, secure, rest] = /^(wisp|ws)(s?):(\/\/.+)$/.exec(via) ?? [];
  const url = `ws${secure}:${rest}`;
  if (rest === undefined || !URL.canParse(url))
    throw new InputError(`network.via: "${via}" is no way out. ${WAYS}`);
  if (
    secure === '' &&
    globalThis.location.protocol === 'https:' &&
    !/^\/\/(localhost|127\.|\[::1\])/.test(rest)
  )
    throw new InputError(
      `network.via: a page that came by https may not connect to ${via}. Give one with ${wisp}s://.`,
    );
  if (wisp === 'ws') {
    refuseRules(via, allow);
    return { facts: { mac: randomMac(), plain: true }, start: { kind: 'relay', url } };
  }
  const rules = allow?.map(readRule);
  const options = userNetwork(
    // Names lead to addresses that stand for them.
    rules === undefined ? { allow: [{ subnet: NAMED }] } : { restrict: true, allow: rules },
  );
  return { facts: { mac: DEFAULT_MAC }, start: { kind: 'wisp', options, url } };
}

/** Nobody looks into frames. */
function refuseRules(via: string, allow: VmNetwork['allow']): void {
  if (allow !== undefined)
    throw new InputError(
      `network.allow: with ${via} frames are passed on as they are, and no rule holds. Leave it out.`,
    );
}

function readRule(text: string): AllowRule {
  const rule = parseRule(text);
  if (rule !== undefined) return rule;
  throw new InputError(
    `network.allow: "${text}" allows nothing that there is. Give a name, an address or a network, and ports if you ` +
      'like: files.example.org:80, *.example.org.',
  );
}

/** Those on one cable need addresses of their own: QEMU's first three bytes, and three by chance. */
function randomMac(): Mac {
  const [one, two, three] = crypto.getRandomValues(new Uint8Array(3));
  return 0x52_54_00_00_00_00 + one * 2 ** 16 + two * 2 ** 8 + three;
}
