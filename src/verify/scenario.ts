import {
  checkArgument,
  LISTENER,
  listOf,
  type OptionRules,
  optionsOf,
  SWITCH,
  shown,
  TEXT,
} from '../errors/arguments.ts';
import { InputError } from '../errors/input-error.ts';
import type { ExtraInterrupts } from '../interrupts/numbers.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import { HarnessFault } from './fault.ts';
import type { Thread } from './thread.ts';
import { IDENTITIES, LOCAL_IRQS } from './world/arguments.ts';
import { World } from './world/world.ts';

/** Makes one thread of a scenario in its world. */
export interface ThreadMaker {
  (world: World): Thread;
  /** Of a sender: there may be any number of its like. */
  readonly sends?: Sends;
}

/** A sender among other senders. */
export interface Sends {
  readonly name: string;
  /** The interrupt that it sends, or messages, as their number; undefined for the vCPU's first edge. */
  readonly irq: number | undefined;
  /**
   * Makes it as it has to be beside any number of senders: of one that does more than to send, so that it has to be
   * there itself.
   */
  readonly beside?: (world: World) => Thread;
}

/**
 * One situation to explore: who acts on the vCPU, and what its guest does. The specification follows from the
 * interrupts that there are.
 */
export interface Scenario {
  /** Lower case, words joined by `-`. */
  readonly name: string;
  /** The situation in one line. */
  readonly title: string;
  /** Why it is there: what it would catch. */
  readonly about: string;
  /**
   * `default`: a correct protocol passes. `rules`: the loop around the protocol breaks one of its rules on purpose, and
   * most protocols fail. `extended`: what the protocols of the field do not claim. `deep`: as `default`, and large.
   * `reduced`: less of one of `default` that is too large for weak memory.
   */
  readonly group: 'default' | 'rules' | 'extended' | 'deep' | 'reduced';
  /** Interrupts beyond VSSIP, VSTIP and VSEIP. */
  readonly interrupts?: ExtraInterrupts;
  /** Identities of messages for a vCPU that has an interrupt file. */
  readonly identities?: readonly number[];
  readonly threads: readonly ThreadMaker[];
  /** False when threads go on for ever, so that the vCPU need not come to rest. Default true. */
  readonly mustRest?: boolean;
}

const INTERRUPTS: OptionRules<ExtraInterrupts> = { lcofi: SWITCH, edges: LOCAL_IRQS, levels: LOCAL_IRQS };
const SCENARIO: OptionRules<Scenario> = {
  name: TEXT,
  title: TEXT,
  about: TEXT,
  group: TEXT,
  interrupts: optionsOf(INTERRUPTS, 'interrupts beyond the usual ones'),
  identities: IDENTITIES,
  threads: listOf(LISTENER, 'a list of thread makers, for example [vcpu(), sender()]'),
  mustRest: SWITCH,
};
const RULE = optionsOf(SCENARIO, 'a scenario', ['name', 'title', 'about', 'group', 'threads']);

/**
 * Checks a scenario, which may come from a person's file, and returns it.
 *
 * @throws InputError naming what is wrong.
 */
export function scenario(given: Scenario): Scenario {
  checkArgument('scenario', given, RULE);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(given.name))
    throw new InputError(
      `scenario.name: ${shown(given.name)} is not possible: give lower-case words joined by "-".`,
    );
  if (given.threads.length === 0)
    throw new InputError(
      `Scenario ${given.name} has no threads: give thread makers, such as [vcpu(), sender()].`,
    );
  return given;
}

/**
 * Makes the world of a scenario with its threads.
 *
 * @throws InputError when two threads have the same name, or the protocol throws before anything has happened.
 */
export function populate(
  protocol: Protocol,
  { name, interrupts = {}, identities = [], threads }: Scenario,
): World {
  const world = new World(protocol, interrupts, identities);
  for (const make of threads) world.threads.push(makeThread(make, world, name));
  const names = world.threads.map((thread) => thread.name);
  const twice = names.find((each, index) => names.indexOf(each) !== index);
  if (twice !== undefined) throw new InputError(`Scenario ${name}: two threads are called "${twice}"`);
  return world;
}

function makeThread(make: ThreadMaker, world: World, name: string): Thread {
  try {
    return make(world);
  } catch (error) {
    if (error instanceof HarnessFault || error instanceof InputError) throw error;
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new InputError(
      `Protocol ${world.protocol.name} cannot be set up in scenario ${name}: it throws ${message}`,
    );
  }
}
