/** A protocol in a scenario as a model for SPIN. */
import { InputError } from '../../errors/input-error.ts';
import type { Protocol } from '../../interrupts/protocol.ts';
import { installAtomics, uninstallAtomics } from '../atomics.ts';
import { type Bounds, explore } from '../explorer.ts';
import { Monitor } from '../monitor.ts';
import { Kind, touchesMemory } from '../operations.ts';
import { populate, type Scenario } from '../scenario.ts';
import { ThreadPrograms } from '../thread-programs.ts';
import type { World } from '../world/world.ts';

const BOUNDS: Bounds = { maxStates: 2_000_000, maxTime: 60_000, maxBytes: 2 ** 30 };

/** Explains everything, so that the whole of the threads' programs comes to light. */
class Silent extends Monitor {
  override next(): number {
    return this.initial;
  }
}

/**
 * Writes the threads as SPIN processes: each label is a place of the shipped code right before an access, each branch
 * a result that the access can have there. SPIN interleaves them by itself and knows nothing of our exploration; a
 * result that the exploration did not see is an assertion that fails, so SPIN checks that it was complete.
 *
 * The property is the loss of edges: when nothing can move, no edge that was set is still owed to the guest. What is
 * pending is owed from the first access of `set` on, and paid by a flush that has its bit in hvip. This is weaker than
 * hartvisor's own specification, and independent of it: it says nothing of levels, of duplicates, and of interrupts
 * that were pending before the first step.
 *
 * @throws InputError when the threads' programs are too large.
 */
export function exportPromela(protocol: Protocol, scenario: Scenario): string {
  installAtomics();
  try {
    const world = populate(protocol, scenario);
    const programs = new ThreadPrograms(world.threads, world.memory);
    const monitor = new Silent(world.edges, world.levels);
    const problem = { programs, monitor, atRest: () => undefined, mustRest: false };
    const { found, bounded } = explore(
      problem,
      BOUNDS,
      () => undefined,
      () => performance.now(),
    );
    if (bounded !== undefined) {
      throw new InputError(`${scenario.name} is too large to be written for SPIN: ${bounded}.`);
    }
    const failure = found === undefined ? '' : `A thread fails: ${found.message}`;
    return new PromelaWriter(world, programs).write(`${protocol.name} in ${scenario.name}`, failure);
  } finally {
    uninstallAtomics();
  }
}

class PromelaWriter {
  readonly #world: World;
  readonly #programs: ThreadPrograms;

  constructor(world: World, programs: ThreadPrograms) {
    this.#world = world;
    this.#programs = programs;
  }

  write(title: string, failure: string): string {
    const { threads } = this.#programs;
    return [
      `/* ${title}. Check with: spin -a FILE && cc -o pan pan.c && ./pan -m1000000`,
      ' * A violated assertion is an interrupt that is lost, or a result that hartvisor did not explore. */',
      ...(failure === '' ? [] : [`/* ${failure.replaceAll('*/', '* /')} */`]),
      '',
      ...this.#programs.slots.flatMap((address) => {
        const { name, unread } = this.#world.memory.words[address];
        return unread ? [] : [`int ${identifier(name)} = ${this.#world.memory.initial[address] | 0};`];
      }),
      ...this.#world.edges.map((irq) => `bool owed_${irq} = false;`),
      '',
      ...threads.flatMap((_, thread) => this.#process(thread)),
      'active proctype rest() {',
      `  timeout -> assert(${this.#world.edges.map((irq) => `!owed_${irq}`).join(' && ')})`,
      '}',
      '',
    ].join('\n');
  }

  #process(thread: number): string[] {
    const { threads, starts } = this.#programs;
    const nodes = this.#reachable(starts[thread]);
    return [
      `active proctype ${identifier(threads[thread].name)}() {`,
      '  int r;',
      ...nodes.flatMap((node) => this.#node(node)),
      'done: skip',
      '}',
      '',
    ];
  }

  #reachable(start: number): number[] {
    const { firstEdge, nextEdge, edgeTarget } = this.#programs;
    const nodes = new Set([start]);
    for (const node of nodes) {
      for (let edge = firstEdge.at(node); edge >= 0; edge = nextEdge.at(edge)) nodes.add(edgeTarget.at(edge));
    }
    return [...nodes];
  }

  #label(node: number): string {
    const kind = this.#programs.kind.at(node);
    const waits = kind === Kind.AWAIT_EQUAL || kind === Kind.AWAIT_DIFFERENT;
    return waits ? `end_${node}` : `at_${node}`;
  }

  #node(node: number): string[] {
    const { kind: kinds, a: operands, b: others, slot, slots } = this.#programs;
    const kind = kinds.at(node) as Kind;
    const label = this.#label(node);
    if (kind === Kind.END) return [`${label}: goto done;`];
    if (kind === Kind.FAIL) return [`${label}: assert(false); goto done;`];
    if (kind === Kind.CHOOSE) return [`${label}: if`, ...this.#branches(node, false), '  fi;'];
    if (!touchesMemory(kind)) throw new Error(`An operation ${kind} in a program`);
    const info = this.#world.memory.words[slots[slot.at(node)]];
    const access = info.unread
      ? 'r = 0'
      : accessText(kind, identifier(info.name), operands.at(node), others.at(node));
    return [
      `${label}: atomic { ${access}; if`,
      ...this.#branches(node, true),
      '  :: else -> assert(false)',
      '  fi };',
    ];
  }

  #branches(node: number, byResult: boolean): string[] {
    const { firstEdge, nextEdge, edgeResult, edgeTarget, edgeEvents } = this.#programs;
    const branches: string[] = [];
    for (let edge = firstEdge.at(node); edge >= 0; edge = nextEdge.at(edge)) {
      const guard = byResult ? `r == ${edgeResult.at(edge)}` : 'true';
      const effects = this.#effects(edgeEvents.at(edge)).map((effect) => ` ${effect};`);
      branches.push(`  :: ${guard} ->${effects.join('')} goto ${this.#label(edgeTarget.at(edge))}`);
    }
    return branches.reverse();
  }

  #effects(list: number): string[] {
    const { edges } = this.#world;
    return this.#programs.eventLists[list].flatMap((event) => {
      if (event.is === 'call' && edges.includes(event.irq)) return [`owed_${event.irq} = ${event.set}`];
      if (event.is !== 'flushed') return [];
      const has = (irq: number) => (((irq < 32 ? event.lo : event.hi) >>> (irq & 31)) & 1) !== 0;
      return edges.filter(has).map((irq) => `owed_${irq} = false`);
    });
  }
}

function accessText(kind: Kind, word: string, a: number, b: number): string {
  switch (kind) {
    case Kind.LOAD:
      return `r = ${word}`;
    case Kind.STORE:
      return `${word} = ${a}; r = ${a}`;
    case Kind.OR:
      return `r = ${word}; ${word} = ${word} | ${operand(a)}`;
    case Kind.AND:
      return `r = ${word}; ${word} = ${word} & ${operand(a)}`;
    case Kind.XOR:
      return `r = ${word}; ${word} = ${word} ^ ${operand(a)}`;
    case Kind.EXCHANGE:
      return `r = ${word}; ${word} = ${a}`;
    case Kind.COMPARE_EXCHANGE:
      return `r = ${word}; ${word} = (r == ${a} -> ${b} : ${word})`;
    case Kind.ADD:
      return `r = ${word}; ${word} = ${word} + ${operand(a)}`;
    case Kind.SUB:
      return `r = ${word}; ${word} = ${word} - ${operand(a)}`;
    case Kind.AWAIT_EQUAL:
      return `${word} == ${a}; r = ${word}`;
    case Kind.AWAIT_DIFFERENT:
      return `${word} != ${a}; r = ${word}`;
    default:
      throw new Error(`An operation ${kind} touches no word`);
  }
}

function operand(value: number): string {
  return value < 0 ? `(${value})` : String(value);
}

/** Promela's names have letters, digits and underscores. */
function identifier(name: string): string {
  return `w_${name.replace(/\W+/g, '_').replace(/_$/, '')}`;
}
