/** Modules of `src/interrupts/` whose functions are explored with every protocol: they are those that ship. */
const LOOP = ['numbers', 'protocol', 'run-state', 'vcpu-interrupts', 'vcpu-loop'];

/** Those of the protocols. */
const PROTOCOL: Readonly<Record<string, readonly string[]>> = {
  'take-mirror': ['take-mirror'],
  published: ['field/bitops', 'field/published'],
  xen: ['field/bitops', 'field/published', 'field/xen'],
  'kvm-spinlock': ['field/bitops', 'field/kvm-spinlock'],
  'minimal-patch': ['field/bitops', 'field/minimal-patch', 'field/published'],
  'xen-minimal-patch': ['field/bitops', 'field/minimal-patch', 'field/xen'],
  xchg: ['field/bitops', 'field/minimal-patch', 'field/xchg'],
  direct: ['field/bitops', 'field/direct'],
};

/**
 * Source files that are explored, by their paths in a checkout: all that runs in a vCPU's loop, but for the guest and
 * the handlers of exits. `explored-sources.test.ts` holds the list against the functions that really run.
 *
 * @param protocols names; those of a person's own protocols add nothing
 */
export function exploredSources(protocols: readonly string[]): readonly string[] {
  const modules = new Set([...LOOP, ...protocols.flatMap((name) => PROTOCOL[name] ?? [])]);
  return [...modules].sort().map((name) => `src/interrupts/${name}.ts`);
}
