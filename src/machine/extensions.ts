import type { Extension } from '../isa/index.ts';

/**
 * What our harts implement, in canonical order as ISA strings list it. Decoder, CSRs and device trees follow from this
 * list, so that no guest finds less than it is told, and firmware, which closes what it does not find here, opens all.
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

/** What the hypervisor keeps from the guest of a domain: its own mode, and counters that count nothing. */
const BARE_ONLY: ReadonlySet<Extension> = new Set<Extension>(['h', 'zihpm']);

/** Every extension, for the harts themselves. */
export const HART_EXTENSIONS: ReadonlySet<Extension> = new Set(IMPLEMENTED);

/** What a machine's device tree lists: what its software can use. */
export function advertisedExtensions(kind: 'domain' | 'bare'): readonly Extension[] {
  return IMPLEMENTED.filter((name) => name !== 'i' && (kind === 'bare' || !BARE_ONLY.has(name)));
}
