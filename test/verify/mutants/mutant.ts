/**
 * Mutants test the checker: each is a protocol that is right, or the vCPU loop that is right, with one thing changed
 * that makes it wrong. A checker whose scenarios let one of them pass would let a mistake of the same kind pass too.
 *
 * Mistakes are seeded in what is *proven* before; in a protocol that fails anyway nothing could be told from a failure.
 */
import type { Protocol } from '../../../src/interrupts/protocol.ts';
import type * as runState from '../../../src/interrupts/run-state.ts';
import { takeMirror } from '../../../src/interrupts/take-mirror.ts';
import type { VcpuInterrupts } from '../../../src/interrupts/vcpu-interrupts.ts';
import type { VcpuLoop } from '../../../src/interrupts/vcpu-loop.ts';
import type { FileProtocol, FileWay } from '../../../src/verify/files/way.ts';
import type { PropertyId } from '../../../src/verify/property.ts';
import { type Scenario, scenario, type ThreadMaker } from '../../../src/verify/scenario.ts';

/** The functions by which vCPUs enter, sleep and are kicked. */
export type RunStateFunctions = typeof runState;

/** The functions of a protocol. */
export type ProtocolFunctions = Pick<Protocol, 'set' | 'unset' | 'sync' | 'flush' | 'has'>;

/** A class whose objects do what `VcpuInterrupts` does, but for one thing. */
export type VcpuInterruptsClass = typeof VcpuInterrupts;

/** A class whose objects do what `VcpuLoop` does, but for one thing. */
export type VcpuLoopClass = typeof VcpuLoop;

export interface Mutant {
  /** Lower case, words joined by `-`; unique among the mutants of all bases. */
  readonly name: string;
  /** The change, and where somebody made this mistake, in one line. */
  readonly about: string;
  /** The protocol that is right. */
  readonly base: Protocol;
  /** Functions of the protocol that are replaced. */
  readonly protocol?: Partial<ProtocolFunctions>;
  /** The interrupt file that is in the place of the shipped one. */
  readonly file?: FileWay;
  /** Functions of `run-state.ts` that are replaced, made from the real ones. */
  readonly runState?: (real: RunStateFunctions) => Partial<RunStateFunctions>;
  /** A class in the place of `VcpuInterrupts`, made from it. */
  readonly vcpu?: (Real: VcpuInterruptsClass) => VcpuInterruptsClass;
  /** A class in the place of `VcpuLoop`, made from it. */
  readonly vcpuLoop?: (Real: VcpuLoopClass) => VcpuLoopClass;
  /** For a broken loop: the scenario with the loop as it shall be, and with it broken. */
  readonly loop?: { readonly right: Scenario; readonly broken: Scenario };
  /** The smallest scenario that kills it, and what it breaks there. */
  readonly killedBy: readonly [scenario: string, property: PropertyId];
}

/** The protocol of a mutant: its base, with the changed functions. */
export function mutatedProtocol({
  name,
  about,
  base,
  protocol = {},
  file,
}: Omit<Mutant, 'killedBy'>): Protocol | FileProtocol {
  return {
    ...base,
    ...protocol,
    ...(file === undefined ? {} : { file }),
    name: `${base.name}/${name}`,
    provenance: `mutant of ${base.name}: ${about}`,
  };
}

/** A rule of the loop, kept and broken by an option of the world. */
export function broken(
  name: string,
  about: string,
  property: Mutant['killedBy'][1],
  threads: (isBroken: boolean) => readonly ThreadMaker[],
  base: Protocol = takeMirror,
): Mutant {
  const make = (isBroken: boolean) =>
    scenario({
      name: `${name}-${isBroken ? 'broken' : 'kept'}`,
      title: about,
      about,
      group: isBroken ? 'rules' : 'default',
      threads: threads(isBroken),
    });
  const loop = { right: make(false), broken: make(true) };
  return { name, about, base, loop, killedBy: [loop.broken.name, property] };
}
