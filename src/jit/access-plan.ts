import {
  type AccessGroup,
  type AccessGroups,
  type BlockAccesses,
  groupAccesses,
  groupOf,
  widen,
} from './access-groups.ts';
import { type Dominates, type Flow, isRetreating, successors } from './flow.ts';
import type { Block, Graph } from './graph.ts';

/** Where memory accesses of a region are checked. */
export interface AccessPlan {
  /** By block and index of instruction: the group whose check covers it. */
  readonly groups: readonly AccessGroups[];
  /** By header of a loop: groups that are checked before it. */
  readonly before: ReadonlyMap<Block, readonly AccessGroup[]>;
}

/** A loop that is entered at its header only, with the blocks that close it. */
interface Loop {
  readonly header: Block;
  readonly blocks: ReadonlySet<Block>;
  readonly latches: readonly Block[];
}

/**
 * Plans checks: a check made earlier holds wherever all ways have passed it and its base register has not been written
 * since; what every turn of a loop accesses through a register that the loop does not write is checked before the loop.
 * Nothing can change the TLB while a region runs.
 *
 * @param longestSpan bytes that a check may cover; 0: each access has its own, where it is
 */
export function planAccesses(
  graph: Graph,
  flow: Flow,
  dominates: Dominates,
  longestSpan: number,
): AccessPlan {
  if (longestSpan === 0) {
    return { groups: graph.blocks.map((block) => groupAccesses(block, 0).groups), before: new Map() };
  }
  return new Planner(graph, flow, dominates, longestSpan).plan();
}

class Planner {
  readonly #graph: Graph;
  readonly #flow: Flow;
  readonly #dominates: Dominates;
  readonly #longestSpan: number;
  readonly #order: readonly Block[];
  readonly #before: readonly Block[][];
  readonly #accesses: readonly BlockAccesses[];
  /** Groups that an earlier check covers, and the group of that. */
  readonly #covered = new Map<AccessGroup, AccessGroup>();
  readonly #hoisted = new Map<Block, AccessGroup[]>();

  constructor(graph: Graph, flow: Flow, dominates: Dominates, longestSpan: number) {
    this.#graph = graph;
    this.#flow = flow;
    this.#dominates = dominates;
    this.#longestSpan = longestSpan;
    const { position } = flow;
    this.#order = graph.blocks
      .filter(({ index }) => position[index] >= 0)
      .sort((a, b) => position[a.index] - position[b.index]);
    this.#before = graph.blocks.map(() => []);
    for (const block of this.#order)
      for (const next of successors(block)) this.#before[next.index].push(block);
    this.#accesses = graph.blocks.map((block) => groupAccesses(block, longestSpan));
  }

  plan(): AccessPlan {
    this.#cover();
    if (this.#hoist()) this.#cover();
    const groups = this.#accesses.map((accesses) =>
      accesses.groups.map((group) => (group === undefined ? undefined : this.#resolve(group))),
    );
    return { groups, before: this.#hoisted };
  }

  #resolve(group: AccessGroup): AccessGroup {
    const by = this.#covered.get(group);
    return by === undefined ? group : this.#resolve(by);
  }

  /** Finds for each group a check that all ways have passed. */
  #cover(): void {
    const available = this.#available();
    for (const block of this.#order) {
      for (const group of this.#accesses[block.index].exposed) {
        if (this.#covered.has(group)) continue;
        const checked = new Set([...(available[block.index] ?? [])].map((earlier) => this.#resolve(earlier)));
        const by = [...checked].find((earlier) => earlier !== group && this.#covers(earlier, group));
        if (by !== undefined) this.#covered.set(group, by);
      }
    }
  }

  #covers(earlier: AccessGroup, group: AccessGroup): boolean {
    if (earlier.base !== group.base || (group.stores && !earlier.stores)) return false;
    return widen(earlier, group.accesses, this.#longestSpan);
  }

  /** The checks that hold at the start of each block, by index. */
  #available(): readonly (ReadonlySet<AccessGroup> | undefined)[] {
    const start: (Set<AccessGroup> | undefined)[] = this.#graph.blocks.map(() => undefined);
    const end: (Set<AccessGroup> | undefined)[] = this.#graph.blocks.map(() => undefined);
    for (let changed = true; changed; ) {
      changed = false;
      for (const block of this.#order) {
        const { index } = block;
        const { written, open } = this.#accesses[index];
        start[index] = this.#meet(block, end);
        const kept = [...start[index]].filter(({ base }) => !written.has(base));
        const after = new Set([...kept, ...open]);
        changed ||= after.size !== end[index]?.size;
        end[index] = after;
      }
    }
    return start;
  }

  /** What holds at the end of all blocks before, as far as they are known, and what is checked before a loop. */
  #meet(block: Block, end: readonly (ReadonlySet<AccessGroup> | undefined)[]): Set<AccessGroup> {
    if (block === this.#order[0]) return new Set(this.#hoisted.get(block));
    const known = this.#before[block.index].flatMap((from) => {
      const after = end[from.index];
      if (after === undefined) return [];
      const hoisted = isRetreating(this.#flow, from, block) ? [] : (this.#hoisted.get(block) ?? []);
      return [new Set([...after, ...hoisted])];
    });
    const [first, ...others] = known;
    return new Set([...(first ?? [])].filter((group) => others.every((after) => after.has(group))));
  }

  /** Finds what can be checked before loops, outer ones first. */
  #hoist(): boolean {
    for (const loop of this.#loops()) {
      const written = new Set([...loop.blocks].flatMap(({ index }) => [...this.#accesses[index].written]));
      for (const block of loop.blocks) {
        if (!loop.latches.every((latch) => this.#dominates(block, latch))) continue;
        for (const group of this.#accesses[block.index].exposed) {
          if (!written.has(group.base)) this.#hoistGroup(loop, group);
        }
      }
    }
    return this.#hoisted.size > 0;
  }

  #hoistGroup({ header }: Loop, group: AccessGroup): void {
    if (this.#covered.has(group)) return;
    // A loop around this one, or this one itself, may have a check that covers it.
    for (const outer of this.#loops()) {
      const groups = outer.blocks.has(header) ? this.#hoisted.get(outer.header) : undefined;
      if (groups?.some((earlier) => this.#covers(earlier, group))) return;
    }
    const hoisted = this.#hoisted.get(header) ?? [];
    this.#hoisted.set(header, [...hoisted, groupOf(group.base, group.accesses, group.stores)]);
  }

  #loops(): readonly Loop[] {
    this.#foundLoops ??= this.#order
      .filter(({ index }) => this.#flow.isLoopHeader[index])
      .map((header) => this.#loopOf(header))
      .sort((a, b) => b.blocks.size - a.blocks.size);
    return this.#foundLoops;
  }

  #foundLoops: readonly Loop[] | undefined;

  #loopOf(header: Block): Loop {
    const latches = this.#before[header.index].filter(
      (from) => isRetreating(this.#flow, from, header) && this.#dominates(header, from),
    );
    const blocks = new Set([header]);
    const queue = [...latches];
    for (let block = queue.pop(); block !== undefined; block = queue.pop()) {
      if (blocks.has(block)) continue;
      blocks.add(block);
      queue.push(...this.#before[block.index]);
    }
    return { header, blocks, latches };
  }
}
