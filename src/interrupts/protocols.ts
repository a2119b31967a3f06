import { direct } from './field/direct.ts';
import { kvmSpinlock } from './field/kvm-spinlock.ts';
import { minimalPatch } from './field/minimal-patch.ts';
import { published } from './field/published.ts';
import { xchg } from './field/xchg.ts';
import { xen } from './field/xen.ts';
import { xenMinimalPatch } from './field/xen-minimal-patch.ts';
import type { Protocol } from './protocol.ts';
import { takeMirror } from './take-mirror.ts';

/**
 * Every protocol that a domain can be started with; the shipped one first. A new one needs its file and a line here.
 */
export const PROTOCOLS: readonly Protocol[] = [
  takeMirror,
  published,
  xen,
  kvmSpinlock,
  minimalPatch,
  xenMinimalPatch,
  xchg,
  direct,
];

/** The protocol that is used when nobody asks for another. */
export const DEFAULT_PROTOCOL: Protocol = takeMirror;

/**
 * Finds a protocol by its name.
 *
 * @throws RangeError naming the known protocols when there is none of that name.
 */
export function protocolByName(name: string): Protocol {
  const protocol = PROTOCOLS.find((candidate) => candidate.name === name);
  if (protocol === undefined) {
    const known = PROTOCOLS.map((candidate) => candidate.name).join(', ');
    throw new RangeError(`There is no interrupt protocol "${name}"; the protocols are ${known}`);
  }
  return protocol;
}
