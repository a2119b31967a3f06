import type { ThreadPrograms } from '../thread-programs.ts';
import { MOST_COUNTED } from './weak-encoding.ts';

/**
 * How many loads a thread has left at most from each of its nodes on, as far as the graphs of the threads are known.
 * The graphs grow while they are explored, so a search has to ask in the end whether it was right.
 */
export class LoadsLeft {
  readonly #programs: ThreadPrograms;
  readonly #isLoad: (node: number) => boolean;
  readonly #counts: readonly number[];

  /** @param isLoad - whether the thread may read another store than the last one there */
  constructor(programs: ThreadPrograms, isLoad: (node: number) => boolean) {
    this.#programs = programs;
    this.#isLoad = isLoad;
    this.#counts = this.#count();
  }

  /** Infinite for more than {@link MOST_COUNTED}, and for nodes that have come up since. */
  from(node: number): number {
    return this.#counts[node] ?? Number.POSITIVE_INFINITY;
  }

  /** Whether there are nodes that have come up since. */
  get isOld(): boolean {
    return this.#programs.kind.length > this.#counts.length;
  }

  /** Whether some node has turned out to have more loads ahead of it. */
  isWrong(): boolean {
    const now = this.#count();
    return this.#counts.some((count, node) => count < now[node]);
  }

  #count(): number[] {
    const { kind, firstEdge, nextEdge, edgeTarget } = this.#programs;
    const own = Array.from({ length: kind.length }, (_, node) => (this.#isLoad(node) ? 1 : 0));
    const counts = new Array<number>(kind.length).fill(0);
    for (let changed = true; changed; ) {
      changed = false;
      for (let node = kind.length - 1; node >= 0; node--) {
        let most = 0;
        for (let edge = firstEdge.at(node); edge >= 0; edge = nextEdge.at(edge)) {
          most = Math.max(most, counts[edgeTarget.at(edge)]);
        }
        const count = own[node] + most > MOST_COUNTED ? Number.POSITIVE_INFINITY : own[node] + most;
        if (count === counts[node]) continue;
        counts[node] = count;
        changed = true;
      }
    }
    return counts;
  }
}
