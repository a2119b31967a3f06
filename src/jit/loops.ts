import { type Dominates, type Flow, isRetreating } from './flow.ts';
import type { Block } from './graph.ts';

/** A loop that is entered at its header only, with the blocks that close it. */
export interface Loop {
  readonly header: Block;
  readonly blocks: readonly Block[];
  /** By index of a block: 1 if it is one of the loop's. */
  readonly has: Uint8Array;
  readonly latches: readonly Block[];
}

/** The loops of a region, larger ones first; loops with the same header are one. */
export function findLoops(flow: Flow, dominates: Dominates): readonly Loop[] {
  const { order, isLoopHeader, predecessors } = flow;
  const loops: Loop[] = [];
  for (const header of order) {
    if (!isLoopHeader[header.index]) continue;
    const latches = predecessors[header.index].filter(
      (from) => isRetreating(flow, from, header) && dominates(header, from),
    );
    loops.push(loopOf(flow, header, latches));
  }
  return loops.sort((a, b) => b.blocks.length - a.blocks.length);
}

function loopOf({ predecessors }: Flow, header: Block, latches: readonly Block[]): Loop {
  const has = new Uint8Array(predecessors.length);
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

/**
 * A region that begins in an inner loop sees the loops around it begin there too. This is the same loop without the
 * latch that closes the largest of them; undefined if there is but one.
 */
export function withoutLargest(flow: Flow, { header, latches }: Loop): Loop | undefined {
  if (latches.length === 1) return undefined;
  const sizes = latches.map((latch) => loopOf(flow, header, [latch]).blocks.length);
  const largest = sizes.indexOf(Math.max(...sizes));
  return loopOf(
    flow,
    header,
    latches.filter((_latch, index) => index !== largest),
  );
}

/** Whether each turn of a loop passes a block. */
export function runsEachTurn(block: Block, { latches }: Loop, dominates: Dominates): boolean {
  for (const latch of latches) if (!dominates(block, latch)) return false;
  return true;
}

/** Whether each turn of a loop passes each of its blocks once at most: no loop is within. */
export function isInnermost({ header, blocks, has }: Loop, flow: Flow): boolean {
  for (const from of blocks) {
    for (const to of from.next) {
      if (to !== header && has[to.index] === 1 && isRetreating(flow, from, to)) return false;
    }
  }
  return true;
}
