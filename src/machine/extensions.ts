import type { DeviceSetting } from '../devices/descriptor.ts';
import type { Extension, Xlen } from '../isa/index.ts';

/**
 * The extensions of our harts, in canonical order as ISA strings list them. Decoder, CSRs and device trees follow from
 * this list, so that no guest finds less than it is told, and firmware, which closes all features that it does not find
 * here, opens all of ours.
 */
const IMPLEMENTED: readonly Extension[] = [
  'i',
  'm',
  'a',
  'f',
  'd',
  'c',
  'h',
  'zicbom',
  'zicboz',
  'zicntr',
  'zicsr',
  'zifencei',
  'zihintpause',
  'zihpm',
  'zawrs',
  'zba',
  'zbb',
  'zbs',
  'sstc',
  'svadu',
  'svinval',
  'svnapot',
  'svpbmt',
];

/** Extensions that the guest of a domain does not get: the hypervisor's own mode, and counters that count nothing. */
const BARE_ONLY: ReadonlySet<Extension> = new Set<Extension>(['h', 'zihpm']);

/** Extensions that are about page table entries of 64 bits, which RV32 has not. */
const WIDE_ONLY: ReadonlySet<Extension> = new Set<Extension>(['svnapot', 'svpbmt']);

/** Every extension, for the harts themselves. */
export function hartExtensions(xlen: Xlen): ReadonlySet<Extension> {
  return new Set(IMPLEMENTED.filter((name) => xlen === 64 || !WIDE_ONLY.has(name)));
}

/** What harts with IMSICs have; it goes in front of the extension that comes next. */
const OF_IMSIC = {
  bare: ['smaia', 'ssaia'],
  // The counters are the SBI's, and so are their overflows.
  domain: ['ssaia', 'sscofpmf'],
} as const;
const BEHIND_IMSIC = 'sstc';

/** The extensions that a machine's device tree lists: those that its software can use. */
export function advertisedExtensions(
  { kind, aia }: Pick<DeviceSetting, 'kind' | 'aia'>,
  xlen: Xlen = 64,
): readonly string[] {
  const names = [...hartExtensions(xlen)].filter(
    (name) => name !== 'i' && (kind === 'bare' || !BARE_ONLY.has(name)),
  );
  const imsic = aia === 'aplic-imsic' ? OF_IMSIC[kind] : [];
  return names.flatMap((name) => (name === BEHIND_IMSIC ? [...imsic, name] : [name]));
}
