import { checkOptions } from '../errors/arguments.ts';
import { parseSubnet } from './address.ts';
import { USER_NETWORK } from './arguments.ts';
import type { Mac } from './ethernet.ts';
import type { UserNetworkOptions } from './user-network.ts';

/** QEMU's first card. */
export const DEFAULT_MAC: Mac = 0x52_54_00_12_34_56;

const DEFAULT_SUBNET = parseSubnet('10.0.2.0/24') ?? { base: 0, bits: 0 };
/** Places of the hosts of each network, behind its first address. */
const PLACE = { gateway: 2, nameServer: 3, guest: 15 } as const;

/**
 * A network as QEMU's is, where nothing else is said of it. Its subnet has 32 addresses at least.
 *
 * @throws InputError for options that cannot be
 */
export function userNetwork(given: Partial<UserNetworkOptions> = {}): UserNetworkOptions {
  checkOptions(given, USER_NETWORK);
  const { subnet = DEFAULT_SUBNET } = given;
  return {
    subnet,
    gateway: subnet.base + PLACE.gateway,
    nameServer: subnet.base + PLACE.nameServer,
    guest: subnet.base + PLACE.guest,
    hostName: '',
    domainName: '',
    restrict: false,
    allow: [],
    ...given,
  };
}
