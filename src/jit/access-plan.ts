import {
  type AccessGroup,
  type AccessGroups,
  type BlockAccesses,
  groupAccesses,
  newGroup,
  type SpanLimits,
  widen,
} from './access-groups.ts';
import type { Dominates, Flow } from './flow.ts';
import type { Block, Graph } from './graph.ts';
import { findLoops, type Loop, runsEachTurn } from './loops.ts';
import { findStrided, type StridedLoop } from './strided.ts';

/** Where memory accesses of a region are checked. */
export interface AccessPlan {
  /** By block and index of instruction: the group whose check covers it. */
  readonly groups: readonly AccessGroups[];
  /** By index of the header of a loop: groups that are checked before it. */
  readonly before: readonly (readonly AccessGroup[] | undefined)[];
  readonly strided: readonly StridedLoop[];
  /** Those that were found; none where each access is checked by itself. */
  readonly loops: readonly Loop[];
}

/**
 * Plans checks: a check made earlier holds wherever all ways have passed it and its base register has not been written
 * since; accesses of every turn of a loop through a register that the loop does not write are checked before the loop.
 * Nothing can change the TLB while a region runs. Where it selects another translation itself, no check holds on.
 */
export function planAccesses(graph: Graph, flow: Flow, dominates: Dominates, limits: SpanLimits): AccessPlan {
  const all: AccessGroup[] = [];
  const loops = limits.longest === 0 ? [] : findLoops(flow, dominates);
  const strided = loops.length === 0 ? undefined : findStrided(loops, flow, dominates, limits, all);
  const accesses: BlockAccesses[] = [];
  for (const block of graph.blocks) {
    accesses.push(groupAccesses(block, limits, all, strided?.groups));
  }
  const { groups, before } =
    limits.longest === 0 || all.length === 0 || graph.blocks[0].next.length === 0
      ? { groups: accesses.map((block) => block.groups), before: [] }
      : new Planner(flow, dominates, limits, accesses, all, loops).plan();
  return { groups, before, strided: strided?.loops ?? [], loops };
}

class Planner {
  readonly #flow: Flow;
  readonly #dominates: Dominates;
  readonly #limits: SpanLimits;
  readonly #accesses: readonly BlockAccesses[];
  readonly #all: AccessGroup[];
  /** By group: the earlier one whose check covers it. */
  readonly #covered: (AccessGroup | undefined)[] = [];
  /** By index of the header of a loop. */
  readonly #hoisted: (AccessGroup[] | undefined)[];
  #hoists = false;
  readonly #loops: readonly Loop[];

  constructor(
    flow: Flow,
    dominates: Dominates,
    limits: SpanLimits,
    accesses: readonly BlockAccesses[],
    all: AccessGroup[],
    loops: readonly Loop[],
  ) {
    this.#flow = flow;
    this.#dominates = dominates;
    this.#limits = limits;
    this.#accesses = accesses;
    this.#all = all;
    this.#loops = loops;
    this.#hoisted = accesses.map(() => undefined);
  }

  plan(): Pick<AccessPlan, 'groups' | 'before'> {
    this.#cover();
    if (this.#hoist()) this.#cover();
    const groups: AccessGroups[] = [];
    for (const accesses of this.#accesses) groups.push(this.#resolved(accesses));
    return { groups, before: this.#hoisted };
  }

  #resolved({ groups, exposed }: BlockAccesses): AccessGroups {
    if (exposed.every(({ id }) => this.#covered[id] === undefined)) return groups;
    return groups.map((group) => (group === undefined ? undefined : this.#resolve(group)));
  }

  #resolve(group: AccessGroup): AccessGroup {
    let by = group;
    for (let next = this.#covered[by.id]; next !== undefined; next = this.#covered[by.id]) by = next;
    return by;
  }

  /** Finds for each group a check that all ways have passed. */
  #cover(): void {
    const available = new AvailableChecks(this.#flow, this.#accesses, this.#all, this.#hoisted);
    for (const { index } of this.#flow.order) {
      for (const group of this.#accesses[index].exposed) {
        if (this.#covered[group.id] !== undefined) continue;
        const by = this.#coverFor(group, available.at(index, group.base));
        if (by !== undefined) this.#covered[group.id] = by;
      }
    }
  }

  /** Of the checks that hold already, the first that can cover a group. */
  #coverFor(group: AccessGroup, checks: readonly AccessGroup[]): AccessGroup | undefined {
    let tried = -1;
    for (;;) {
      let first: AccessGroup | undefined;
      for (const check of checks) {
        const earlier = this.#resolve(check);
        if (earlier.id > tried && (first === undefined || earlier.id < first.id)) first = earlier;
      }
      if (first === undefined) return undefined;
      if (first !== group && this.#covers(first, group)) return first;
      tried = first.id;
    }
  }

  #covers(earlier: AccessGroup, { base, stores, low, span, alignment }: AccessGroup): boolean {
    if (earlier.base !== base || (stores && !earlier.stores)) return false;
    return widen(earlier, low, span, alignment, this.#limits);
  }

  /** Finds the accesses that can be checked before loops, outer ones first. */
  #hoist(): boolean {
    for (const loop of this.#loops) {
      let written = 0;
      for (const { index } of loop.blocks) written |= this.#accesses[index].written;
      for (const block of loop.blocks) {
        const { exposed } = this.#accesses[block.index];
        for (const group of exposed) {
          if ((written & (1 << group.base)) !== 0 || this.#covered[group.id] !== undefined) continue;
          if (!runsEachTurn(block, loop, this.#dominates)) break;
          this.#hoistGroup(loop, group);
        }
      }
    }
    return this.#hoists;
  }

  #hoistGroup({ header }: Loop, group: AccessGroup): void {
    // A loop around this one, or this one itself, may have a check that covers it.
    for (const outer of this.#loops) {
      const groups = outer.has[header.index] === 1 ? this.#hoisted[outer.header.index] : undefined;
      if (groups?.some((earlier) => this.#covers(earlier, group))) return;
    }
    const { base, low, span, alignment, stores } = group;
    const hoisted = newGroup(base, low, span, alignment, this.#all);
    hoisted.stores = stores;
    this.#hoists = true;
    const others = this.#hoisted[header.index];
    if (others === undefined) this.#hoisted[header.index] = [hoisted];
    else others.push(hoisted);
  }
}

/** Sets for each block. */
const SETS = {
  /** The checks that hold at its start and at its end. */
  start: 0,
  end: 1,
  /** The checks that it makes, and those that become invalid in it. */
  made: 2,
  lost: 3,
  /** The checks before it, if it is the header of a loop. */
  before: 4,
  count: 5,
} as const;

/** The checks that hold at the start of each block: a set of bits for each, one for each group. */
class AvailableChecks {
  readonly #flow: Flow;
  readonly #all: readonly AccessGroup[];
  /** Words of a set. */
  readonly #words: number;
  /** {@link SETS} of each block. */
  readonly #sets: Int32Array;
  /** The groups through each register. */
  readonly #byBase: Int32Array;

  constructor(
    flow: Flow,
    accesses: readonly BlockAccesses[],
    all: readonly AccessGroup[],
    hoisted: readonly (readonly AccessGroup[] | undefined)[],
  ) {
    this.#flow = flow;
    this.#all = all;
    this.#words = (all.length + 31) >> 5;
    this.#sets = new Int32Array(accesses.length * SETS.count * this.#words);
    this.#byBase = new Int32Array(32 * this.#words);
    let bases = 0;
    for (const { id, base } of all) {
      this.#byBase[base * this.#words + (id >> 5)] |= 1 << (id & 31);
      bases |= 1 << base;
    }
    for (let index = 0; index < accesses.length; index++) {
      const { open, written } = accesses[index];
      const end = this.#at(SETS.end, index);
      // Blocks that were not looked at yet count as if everything held at their ends.
      this.#sets.fill(-1, end, end + this.#words);
      this.#add(SETS.made, index, open);
      this.#lose(index, written & bases);
      this.#add(SETS.before, index, hoisted[index] ?? NO_CHECKS);
    }
    this.#solve();
  }

  /** Where a set of a block begins. */
  #at(set: (typeof SETS)[keyof typeof SETS], index: number): number {
    return (index * SETS.count + set) * this.#words;
  }

  /** Those through a base register. */
  at(index: number, base: number): readonly AccessGroup[] {
    let found: AccessGroup[] | undefined;
    for (let word = 0; word < this.#words; word++) {
      let set = this.#sets[this.#at(SETS.start, index) + word] & this.#byBase[base * this.#words + word];
      while (set !== 0) {
        const bit = 31 - Math.clz32(set);
        set &= ~(1 << bit);
        found ??= [];
        found.push(this.#all[word * 32 + bit]);
      }
    }
    return found ?? NO_CHECKS;
  }

  #add(set: typeof SETS.made | typeof SETS.before, index: number, groups: AccessGroups): void {
    const at = this.#at(set, index);
    for (const group of groups) {
      if (group !== undefined) this.#sets[at + (group.id >> 5)] |= 1 << (group.id & 31);
    }
  }

  /** @param registers that a block writes: a bit for each */
  #lose(index: number, registers: number): void {
    const at = this.#at(SETS.lost, index);
    for (let base = 0; base < 32; base++) {
      if ((registers & (1 << base)) === 0) continue;
      for (let word = 0; word < this.#words; word++) {
        this.#sets[at + word] |= this.#byBase[base * this.#words + word];
      }
    }
  }

  #solve(): void {
    const sets = this.#sets;
    const words = this.#words;
    const { order } = this.#flow;
    for (let changed = true; changed; ) {
      changed = false;
      for (const block of order) {
        const at = this.#at(SETS.start, block.index);
        for (let word = 0; word < words; word++) {
          const start = this.#meet(block, word);
          const lost = sets[at + SETS.lost * words + word];
          const end = (start & ~lost) | sets[at + SETS.made * words + word];
          sets[at + word] = start;
          if (sets[at + SETS.end * words + word] !== end) changed = true;
          sets[at + SETS.end * words + word] = end;
        }
      }
    }
  }

  /** The checks that hold at the ends of all blocks before, and those before a loop. */
  #meet(block: Block, word: number): number {
    const { order, position, predecessors } = this.#flow;
    const before = this.#sets[this.#at(SETS.before, block.index) + word];
    if (block === order[0]) return before;
    const here = position[block.index];
    let set = -1;
    for (const { index } of predecessors[block.index]) {
      const end = this.#sets[this.#at(SETS.end, index) + word];
      set &= position[index] >= here ? end : end | before;
    }
    return set;
  }
}

const NO_CHECKS: readonly AccessGroup[] = [];
