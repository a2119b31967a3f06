import { listOf, type OptionRules, optionsOf, type Rule, SWITCH, TEXT, whole } from '../errors/arguments.ts';
import type { Subnet } from './address.ts';
import type { AllowRule } from './policy.ts';
import type { UserNetworkOptions } from './user-network.ts';

/** An address of IPv4, as a number. */
export const IPV4 = whole(0, 0xffff_ffff);
/** The address of a card, as a number. */
export const MAC = whole(0, 2 ** 48 - 1);
/** A port; 0 is one that is free. */
export const PORT = whole(0, 0xffff);

const SUBNET: OptionRules<Subnet> = { base: IPV4, bits: whole(0, 32) };
const NETWORK: Rule = optionsOf(SUBNET, 'a network with its `base` and `bits`', ['base', 'bits']);
const ALLOW: OptionRules<AllowRule> = {
  subnet: NETWORK,
  name: TEXT,
  ports: listOf(whole(1, 0xffff), 'the first port and the last one'),
};

export const USER_NETWORK: OptionRules<UserNetworkOptions> = {
  subnet: NETWORK,
  gateway: IPV4,
  nameServer: IPV4,
  guest: IPV4,
  hostName: TEXT,
  domainName: TEXT,
  restrict: SWITCH,
  allow: listOf(optionsOf(ALLOW, 'a rule of `parseRule`'), 'a list of rules of `parseRule`'),
};
