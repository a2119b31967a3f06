import { FIELD_FILES } from './files/kvm-swfile.ts';
import { SCENARIOS } from './scenarios/index.ts';

/** Modules of `src/interrupts/` whose functions are explored with every protocol: they are those that ship. */
const LOOP = ['numbers', 'protocol', 'refuse-others', 'run-state', 'vcpu-interrupts', 'vcpu-loop'];
/** The one of scenarios with an interrupt file, unless a protocol has its own way to keep one. */
const FILE = 'interrupt-file';

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
  'kvm-swfile': ['field/bitops', 'field/kvm-spinlock'],
  'kvm-swfile-unlocked': ['field/bitops', 'field/published'],
};

/**
 * Source files that are explored, by their paths in a checkout: all that runs in a vCPU's loop, but for the guest and
 * the handlers of exits. `explored-sources.test.ts` holds the list against the functions that really run.
 *
 * @param protocols names; those of a person's own protocols add nothing
 * @param scenarios names
 */
export function exploredSources(
  protocols: readonly string[],
  scenarios: readonly string[],
): readonly string[] {
  const withFile = SCENARIOS.some(
    ({ name, identities }) => identities !== undefined && scenarios.includes(name),
  );
  const hasShippedFile = protocols.some((name) => FIELD_FILES.every((own) => own.name !== name));
  const modules = new Set([
    ...LOOP,
    ...(withFile && hasShippedFile ? [FILE] : []),
    ...protocols.flatMap((name) => PROTOCOL[name] ?? []),
  ]);
  return [...modules].sort().map((name) => `src/interrupts/${name}.ts`);
}
