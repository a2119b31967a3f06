import type { Block, Graph } from './graph.ts';

/** A control-flow graph as structured code needs it. Blocks that the entry does not lead to are left out. */
export interface Flow {
  /** Blocks in reverse postorder. */
  readonly order: readonly Block[];
  /** Position of each block in reverse postorder; -1 if it cannot be reached. */
  readonly position: Int32Array;
  /** Blocks that each block may follow. */
  readonly predecessors: readonly (readonly Block[])[];
  /** Blocks that each block dominates directly, in reverse postorder. */
  readonly dominated: readonly (readonly Block[])[];
  /** Whether a block is the target of an edge from a block that it dominates. */
  readonly isLoopHeader: readonly boolean[];
  /** Whether a block has more than one edge to it, not counting those that close its loop. */
  readonly isMerge: readonly boolean[];
}

/** Whether `a` is `b`, or on every way from the entry to it. */
export type Dominates = (a: Block, b: Block) => boolean;

/**
 * An edge back, seen from the entry. It closes a loop if its target dominates its source, else the loop has two
 * entries.
 */
export function isRetreating({ position }: Flow, from: Block, to: Block): boolean {
  return position[to.index] <= position[from.index];
}

/** Finds dominators (Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm"). */
export function analyseFlow({ blocks }: Graph): { readonly flow: Flow; readonly dominates: Dominates } {
  const order = reversePostorder(blocks);
  const position = new Int32Array(blocks.length).fill(-1);
  const predecessors: Block[][] = [];
  const dominated: Block[][] = [];
  for (let index = 0; index < blocks.length; index++) {
    predecessors.push([]);
    dominated.push([]);
  }
  for (let at = 0; at < order.length; at++) position[order[at].index] = at;
  for (const block of order) for (const next of block.next) predecessors[next.index].push(block);
  const parent = immediateDominators(order, position, predecessors);
  for (let at = 1; at < order.length; at++) dominated[order[parent[at]].index].push(order[at]);
  const dominates: Dominates = (a, b) => isAbove(parent, position[a.index], position[b.index]);
  const isLoopHeader: boolean[] = [];
  const isMerge: boolean[] = [];
  for (const { index } of blocks) {
    const here = position[index];
    let forward = 0;
    let closes = false;
    for (const from of predecessors[index]) {
      const there = position[from.index];
      if (here > there) forward++;
      else closes ||= isAbove(parent, here, there);
    }
    isMerge.push(forward > 1);
    isLoopHeader.push(closes);
  }
  const flow = { order, position, predecessors, dominated, isLoopHeader, isMerge };
  return { flow, dominates };
}

/** Whether the block at position `above` dominates that at `below`. */
function isAbove(parent: Int32Array, above: number, below: number): boolean {
  let node = below;
  while (node > above) node = parent[node];
  return node === above;
}

function reversePostorder(blocks: readonly Block[]): Block[] {
  const order: Block[] = [];
  const stack: Block[] = [blocks[0]];
  // How many of a block's successors are still to be looked at; -1: it was not met yet.
  const left = new Int32Array(blocks.length).fill(-1);
  left[0] = blocks[0].next.length;
  while (stack.length > 0) {
    const { index, next } = stack[stack.length - 1];
    if (left[index] === 0) {
      order.push(blocks[index]);
      stack.pop();
      continue;
    }
    left[index]--;
    const block = next[left[index]];
    if (left[block.index] >= 0) continue;
    left[block.index] = block.next.length;
    stack.push(block);
  }
  return order.reverse();
}

/** For each position in `order` that of its immediate dominator; the entry's is its own. */
function immediateDominators(
  order: readonly Block[],
  position: Int32Array,
  predecessors: readonly (readonly Block[])[],
): Int32Array {
  const parent = new Int32Array(order.length).fill(-1);
  parent[0] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (let index = 1; index < order.length; index++) {
      let dominator = -1;
      for (const from of predecessors[order[index].index]) {
        const candidate = position[from.index];
        if (parent[candidate] < 0) continue;
        dominator = dominator < 0 ? candidate : common(parent, candidate, dominator);
      }
      if (parent[index] !== dominator) {
        parent[index] = dominator;
        changed = true;
      }
    }
  }
  return parent;
}

function common(parent: Int32Array, a: number, b: number): number {
  let left = a;
  let right = b;
  while (left !== right) {
    while (left > right) left = parent[left];
    while (right > left) right = parent[right];
  }
  return left;
}
