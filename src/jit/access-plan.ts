import {
  type AccessGroup,
  type AccessGroups,
  type BlockAccesses,
  groupAccesses,
  newGroup,
  widen,
} from './access-groups.ts';
import { type Dominates, type Flow, isRetreating } from './flow.ts';
import type { Block, Graph } from './graph.ts';

/** Where memory accesses of a region are checked. */
export interface AccessPlan {
  /** By block and index of instruction: the group whose check covers it. */
  readonly groups: readonly AccessGroups[];
  /** By index of the header of a loop: groups that are checked before it. */
  readonly before: readonly (readonly AccessGroup[] | undefined)[];
}

/** A loop that is entered at its header only, with the blocks that close it. */
interface Loop {
  readonly header: Block;
  readonly blocks: readonly Block[];
  /** By index of a block: 1 if it is one of the loop's. */
  readonly has: Uint8Array;
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
  const all: AccessGroup[] = [];
  const accesses: BlockAccesses[] = [];
  for (const block of graph.blocks) accesses.push(groupAccesses(block, longestSpan, all));
  if (longestSpan === 0 || all.length === 0 || graph.blocks[0].next.length === 0) {
    return { groups: accesses.map(({ groups }) => groups), before: [] };
  }
  return new Planner(flow, dominates, longestSpan, accesses, all).plan();
}

class Planner {
  readonly #flow: Flow;
  readonly #dominates: Dominates;
  readonly #longestSpan: number;
  readonly #accesses: readonly BlockAccesses[];
  readonly #all: AccessGroup[];
  /** By group: the earlier one whose check covers it. */
  readonly #covered: (AccessGroup | undefined)[] = [];
  /** By index of the header of a loop. */
  readonly #hoisted: (AccessGroup[] | undefined)[] = [];
  #foundLoops: readonly Loop[] | undefined;

  constructor(
    flow: Flow,
    dominates: Dominates,
    longestSpan: number,
    accesses: readonly BlockAccesses[],
    all: AccessGroup[],
  ) {
    this.#flow = flow;
    this.#dominates = dominates;
    this.#longestSpan = longestSpan;
    this.#accesses = accesses;
    this.#all = all;
  }

  plan(): AccessPlan {
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
    return widen(earlier, low, span, alignment, this.#longestSpan);
  }

  /** Finds what can be checked before loops, outer ones first. */
  #hoist(): boolean {
    const loops = this.#loops();
    for (const loop of loops) {
      let written = 0;
      for (const { index } of loop.blocks) written |= this.#accesses[index].written;
      for (const block of loop.blocks) {
        const { exposed } = this.#accesses[block.index];
        for (const group of exposed) {
          if ((written & (1 << group.base)) !== 0 || this.#covered[group.id] !== undefined) continue;
          if (!this.#runsEachTurn(block, loop)) break;
          this.#hoistGroup(loop, group);
        }
      }
    }
    return this.#hoisted.length > 0;
  }

  #runsEachTurn(block: Block, { latches }: Loop): boolean {
    for (const latch of latches) if (!this.#dominates(block, latch)) return false;
    return true;
  }

  #hoistGroup({ header }: Loop, group: AccessGroup): void {
    // A loop around this one, or this one itself, may have a check that covers it.
    for (const outer of this.#loops()) {
      const groups = outer.has[header.index] === 1 ? this.#hoisted[outer.header.index] : undefined;
      if (groups?.some((earlier) => this.#covers(earlier, group))) return;
    }
    const { base, low, span, alignment, stores } = group;
    const hoisted = newGroup(base, low, span, alignment, this.#all);
    hoisted.stores = stores;
    const others = this.#hoisted[header.index];
    if (others === undefined) this.#hoisted[header.index] = [hoisted];
    else others.push(hoisted);
  }

  #loops(): readonly Loop[] {
    if (this.#foundLoops !== undefined) return this.#foundLoops;
    const { order, isLoopHeader } = this.#flow;
    const loops: Loop[] = [];
    for (const block of order) if (isLoopHeader[block.index]) loops.push(this.#loopOf(block));
    this.#foundLoops = loops.sort((a, b) => b.blocks.length - a.blocks.length);
    return loops;
  }

  #loopOf(header: Block): Loop {
    const { predecessors } = this.#flow;
    const latches = predecessors[header.index].filter(
      (from) => isRetreating(this.#flow, from, header) && this.#dominates(header, from),
    );
    const has = new Uint8Array(this.#accesses.length);
    const blocks = [header];
    has[header.index] = 1;
    const queue = [...latches];
    for (let block = queue.pop(); block !== undefined; block = queue.pop()) {
      if (has[block.index] === 1) continue;
      has[block.index] = 1;
      blocks.push(block);
      for (const from of predecessors[block.index]) queue.push(from);
    }
    return { header, blocks, has, latches };
  }
}

/** The checks that hold at the start of each block: a set of bits for each, one for each group. */
class AvailableChecks {
  readonly #flow: Flow;
  readonly #all: readonly AccessGroup[];
  /** Words of a set. */
  readonly #words: number;
  readonly #start: Int32Array;
  readonly #end: Int32Array;
  /** What a block makes, and what becomes invalid in it. */
  readonly #made: Int32Array;
  readonly #lost: Int32Array;
  /** What is checked before a block, if it is the header of a loop. */
  readonly #before: Int32Array;
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
    const size = accesses.length * this.#words;
    this.#start = new Int32Array(size);
    this.#end = new Int32Array(size).fill(-1);
    this.#made = new Int32Array(size);
    this.#lost = new Int32Array(size);
    this.#before = new Int32Array(size);
    this.#byBase = new Int32Array(32 * this.#words);
    let bases = 0;
    for (const { id, base } of all) {
      this.#add(this.#byBase, base, id);
      bases |= 1 << base;
    }
    for (let index = 0; index < accesses.length; index++) {
      const { open, written } = accesses[index];
      for (const group of open) if (group !== undefined) this.#add(this.#made, index, group.id);
      this.#lose(index, written & bases);
      const before = hoisted[index];
      if (before !== undefined) for (const { id } of before) this.#add(this.#before, index, id);
    }
    this.#solve();
  }

  /** Those through a base register. */
  at(index: number, base: number): readonly AccessGroup[] {
    let found: AccessGroup[] | undefined;
    for (let word = 0; word < this.#words; word++) {
      let set = this.#start[index * this.#words + word] & this.#byBase[base * this.#words + word];
      for (; set !== 0; set &= set - 1) {
        found ??= [];
        found.push(this.#all[word * 32 + lowestBit(set)]);
      }
    }
    return found ?? NO_CHECKS;
  }

  #add(sets: Int32Array, index: number, id: number): void {
    sets[index * this.#words + (id >> 5)] |= 1 << (id & 31);
  }

  /** @param registers that a block writes: a bit for each */
  #lose(index: number, registers: number): void {
    for (let rest = registers; rest !== 0; rest &= rest - 1) {
      const base = lowestBit(rest);
      for (let word = 0; word < this.#words; word++) {
        this.#lost[index * this.#words + word] |= this.#byBase[base * this.#words + word];
      }
    }
  }

  /** Blocks that were not looked at yet count as if everything held at their ends. */
  #solve(): void {
    const { order } = this.#flow;
    for (let changed = true; changed; ) {
      changed = false;
      for (const block of order) {
        for (let word = 0; word < this.#words; word++) {
          const at = block.index * this.#words + word;
          const start = this.#meet(block, word);
          const end = (start & ~this.#lost[at]) | this.#made[at];
          this.#start[at] = start;
          if (this.#end[at] !== end) changed = true;
          this.#end[at] = end;
        }
      }
    }
  }

  /** What holds at the ends of all blocks before, and what is checked before a loop. */
  #meet(block: Block, word: number): number {
    const { order, position, predecessors } = this.#flow;
    const before = this.#before[block.index * this.#words + word];
    if (block === order[0]) return before;
    const here = position[block.index];
    let set = -1;
    for (const { index } of predecessors[block.index]) {
      const end = this.#end[index * this.#words + word];
      set &= position[index] >= here ? end : end | before;
    }
    return set;
  }
}

const NO_CHECKS: readonly AccessGroup[] = [];

function lowestBit(set: number): number {
  return 31 - Math.clz32(set & -set);
}
