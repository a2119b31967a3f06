import type { ThreadPrograms } from '../thread-programs.ts';
import { MOST_COUNTED } from './weak-encoding.ts';

/** The past as a thread can still read it: of the stores that are not the last ones to their words any more. */
export interface Reach {
  /** Mask of the words of which the thread may find an old value. */
  readonly words: number;
  /** How many loads it makes at most until then; infinite for more than {@link MOST_COUNTED}. */
  readonly loads: number;
}

/** How the accesses of threads look to {@link LoadsLeft}. */
export interface Sight {
  /** Whether the access at a node may return another value than the last one. */
  isLoad(node: number): boolean;
  /** Whether a full fence stands before, and one behind, the access at a node, whatever its result. */
  isFencedBefore(node: number): boolean;
  isFencedBehind(node: number): boolean;
  /** Mask of the words that a thread loads at all. */
  wordsOf(thread: number): number;
}

const NOTHING: Reach = { words: 0, loads: 0 };

/**
 * How far each node of a thread is from the next full fence, which lets nothing old through: the loads before it, as
 * far as the graphs of the threads are known. The graphs grow while they are explored, so a search has to ask in the
 * end whether it was right.
 */
export class LoadsLeft {
  readonly #programs: ThreadPrograms;
  readonly #sight: Sight;
  readonly #reaches: readonly Reach[];

  constructor(programs: ThreadPrograms, sight: Sight) {
    this.#programs = programs;
    this.#sight = sight;
    this.#reaches = this.#count();
  }

  /** Everything that the thread loads at all, for nodes that have come up since. */
  from(node: number): Reach {
    const loads = Number.POSITIVE_INFINITY;
    return this.#reaches[node] ?? { words: this.#sight.wordsOf(this.#programs.threadOf.at(node)), loads };
  }

  /** Whether the access at a node stands between full fences: it finds the last value, and so does all behind it. */
  isEnclosed(node: number): boolean {
    return this.#sight.isFencedBefore(node) && this.#sight.isFencedBehind(node);
  }

  /** Whether there are nodes that have come up since. */
  get isOld(): boolean {
    return this.#programs.kind.length > this.#reaches.length;
  }

  /** Whether some node has turned out to reach further. */
  isWrong(): boolean {
    const now = this.#count();
    return this.#reaches.some(
      ({ words, loads }, node) => loads < now[node].loads || (now[node].words & ~words) !== 0,
    );
  }

  #count(): Reach[] {
    const { length } = this.#programs.kind;
    const own = Array.from({ length }, (_, node) => this.#ownOf(node));
    const reaches = new Array<Reach>(length).fill(NOTHING);
    for (let changed = true; changed; ) {
      changed = false;
      for (let node = length - 1; node >= 0; node--) {
        const found = this.#with(own[node], node, reaches);
        const { words, loads } = reaches[node];
        if (found.words === words && found.loads === loads) continue;
        reaches[node] = found;
        changed = true;
      }
    }
    return reaches;
  }

  #ownOf(node: number): Reach {
    const { slot } = this.#programs;
    return this.#sight.isLoad(node) && !this.isEnclosed(node)
      ? { words: 1 << slot.at(node), loads: 1 }
      : NOTHING;
  }

  #with(own: Reach, node: number, reaches: readonly Reach[]): Reach {
    if (this.#sight.isFencedBehind(node)) return own;
    const { firstEdge, nextEdge, edgeTarget } = this.#programs;
    let { words } = own;
    let most = 0;
    for (let edge = firstEdge.at(node); edge >= 0; edge = nextEdge.at(edge)) {
      const next = reaches[edgeTarget.at(edge)];
      words |= next.words;
      most = Math.max(most, next.loads);
    }
    const loads = own.loads + most;
    return { words, loads: loads > MOST_COUNTED ? Number.POSITIVE_INFINITY : loads };
  }
}
