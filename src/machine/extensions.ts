import type { DeviceSetting } from '../devices/descriptor.ts';
import { EXTENSION_NAMES, EXTENSIONS, type Extension } from '../isa/extensions.ts';
import type { Xlen } from '../isa/semantics.ts';

/** Every extension that harts of a width can have, in canonical order. */
export function possibleExtensions(xlen: Xlen): readonly Extension[] {
  return EXTENSION_NAMES.filter((name) => (EXTENSIONS[name].xlen ?? xlen) === xlen);
}

/** The extensions that harts of a width have if nobody says anything else, in canonical order. */
export function allExtensions(xlen: Xlen): readonly Extension[] {
  const isOnDemand = (name: Extension): boolean =>
    EXTENSIONS[name].onDemand === true || (EXTENSIONS[name].needs ?? []).some(isOnDemand);
  return possibleExtensions(xlen).filter((name) => !isOnDemand(name));
}

/**
 * The extensions of the harts themselves. Those that carry a domain have the hypervisor extension, whether its guest
 * has anything of that or not: the guest runs in the modes that it brings.
 *
 * @param chosen extensions that software is to have
 */
export function hartExtensions(
  kind: DeviceSetting['kind'],
  chosen: readonly Extension[],
): ReadonlySet<Extension> {
  return new Set(kind === 'domain' ? [...chosen, 'h'] : chosen);
}

/** Extensions of harts with IMSICs. */
const OF_IMSIC = {
  bare: ['smaia', 'ssaia'],
  // The counters are the SBI's, and so are their overflows.
  domain: ['ssaia', 'sscofpmf'],
} as const;

/** The extensions that a machine's device tree lists: those that its software can use. */
export function advertisedExtensions(
  { kind, aia }: Pick<DeviceSetting, 'kind' | 'aia'>,
  chosen: readonly Extension[] = allExtensions(64),
): readonly string[] {
  const isThere = (name: Extension): boolean => (EXTENSIONS[name].only ?? kind) === kind;
  const names: readonly string[] = chosen.filter((name) => name !== 'i' && isThere(name));
  const imsic = aia === 'aplic-imsic' ? OF_IMSIC[kind] : [];
  // Without the other way to set A and D bits there is but this one.
  const faults = chosen.includes('svadu') ? [] : ['svade'];
  const isOfSupervisor = (name: string): boolean => /^s./.test(name);
  const supervisor = [...names.filter(isOfSupervisor), ...imsic, ...faults].toSorted();
  return [...names.filter((name) => !isOfSupervisor(name)), ...supervisor];
}
