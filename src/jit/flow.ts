import type { Block, Graph } from './graph.ts';

/** What structured code must know of a control-flow graph. Blocks that the entry does not lead to are left out. */
export interface Flow {
  /** Position of each block in reverse postorder; -1 if it cannot be reached. */
  readonly position: Int32Array;
  /** Blocks that each block dominates directly, in reverse postorder. */
  readonly dominated: readonly (readonly Block[])[];
  /** Whether a block is the target of an edge from a block that it dominates. */
  readonly isLoopHeader: readonly boolean[];
  /** Whether a block has more than one edge to it, not counting those that close its loop. */
  readonly isMerge: readonly boolean[];
}

/** The blocks that may follow a block. */
export function successors({ end }: Block): readonly Block[] {
  const targets = {
    go: () => (end.kind === 'go' ? [end.to] : []),
    branch: () => (end.kind === 'branch' ? [end.taken, end.otherwise] : []),
    indirect: () => (end.kind === 'indirect' ? end.expected : []),
    stop: () => [],
  }[end.kind]();
  return targets.flatMap(({ block }) => (block === undefined ? [] : [block]));
}

/** Whether `a` is `b`, or on every way from the entry to it. */
export type Dominates = (a: Block, b: Block) => boolean;

/** An edge back, seen from the entry. It closes a loop if its target dominates its source, else the loop has two entries. */
export function isRetreating({ position }: Flow, from: Block, to: Block): boolean {
  return at(position, to.index) <= at(position, from.index);
}

/** Finds dominators (Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm"). */
export function analyseFlow(graph: Graph): { readonly flow: Flow; readonly dominates: Dominates } {
  const order = reversePostorder(graph);
  const position = new Int32Array(graph.blocks.length).fill(-1);
  for (const [index, block] of order.entries()) position[block.index] = index;
  const predecessors = graph.blocks.map((): Block[] => []);
  for (const block of order) for (const next of successors(block)) predecessors[next.index]?.push(block);
  const parent = immediateDominators(order, position, predecessors);
  const dominates: Dominates = (a, b) => {
    const wanted = at(position, a.index);
    let node = at(position, b.index);
    while (node > wanted) node = at(parent, node);
    return node === wanted;
  };
  const dominated = graph.blocks.map((): Block[] => []);
  for (const block of order.slice(1)) {
    const dominator = order[at(parent, at(position, block.index))];
    if (dominator !== undefined) dominated[dominator.index]?.push(block);
  }
  const flow = { position, dominated, isLoopHeader: [] as boolean[], isMerge: [] as boolean[] };
  for (const block of graph.blocks) {
    const incoming = predecessors[block.index] ?? [];
    const forward = incoming.filter((from) => !isRetreating(flow, from, block));
    flow.isMerge.push(forward.length > 1);
    flow.isLoopHeader.push(
      incoming.some((from) => isRetreating(flow, from, block) && dominates(block, from)),
    );
  }
  return { flow, dominates };
}

function reversePostorder({ blocks }: Graph): Block[] {
  const [entry] = blocks;
  if (entry === undefined) return [];
  const seen = new Set([entry]);
  const order: Block[] = [];
  const stack = [{ block: entry, next: [...successors(entry)] }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const block = top.next.pop();
    if (block === undefined) {
      order.push(top.block);
      stack.pop();
    } else if (!seen.has(block)) {
      seen.add(block);
      stack.push({ block, next: [...successors(block)] });
    }
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
  const common = (a: number, b: number): number => {
    let [left, right] = [a, b];
    while (left !== right) {
      while (left > right) left = at(parent, left);
      while (right > left) right = at(parent, right);
    }
    return left;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let index = 1; index < order.length; index++) {
      let dominator = -1;
      for (const from of predecessors[order[index]?.index ?? 0] ?? []) {
        const candidate = at(position, from.index);
        if (at(parent, candidate) < 0) continue;
        dominator = dominator < 0 ? candidate : common(candidate, dominator);
      }
      if (parent[index] !== dominator) {
        parent[index] = dominator;
        changed = true;
      }
    }
  }
  return parent;
}

function at(array: Int32Array, index: number): number {
  const value = array[index];
  if (value === undefined) throw new RangeError(`no element ${index}`);
  return value;
}
