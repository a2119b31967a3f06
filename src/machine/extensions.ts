import type { Extension } from '../isa/index.ts';

/** What our harts implement, in canonical order as ISA strings list it. */
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
  'zawrs',
  'zba',
  'zbb',
  'zbs',
  'sstc',
  'svinval',
];

/** Every extension, for the harts themselves. */
export const HART_EXTENSIONS: ReadonlySet<Extension> = new Set(IMPLEMENTED);

/** What a machine's device tree lists: a domain's guest has no hypervisor extension of its own. */
export function advertisedExtensions(kind: 'domain' | 'bare'): readonly string[] {
  return IMPLEMENTED.filter((name) => name !== 'i' && (kind === 'bare' || name !== 'h'));
}
