import { Kind } from '../operations.ts';
import type { SharedMemory } from '../shared-memory.ts';
import type { ThreadPrograms } from '../thread-programs.ts';

/**
 * Lessons of a search with a crowd, with which it can begin anew. None of it is needed for it to be right.
 */
export class Seen {
  /** Places at which two threads are stay counted, instead of being only free or taken from then on. */
  readonly countsOn: boolean;
  /** Nodes of places at which two threads were at the same time. */
  readonly #shared = new Set<number>();
  readonly #values = new Map<string, Set<number>>();
  readonly #woken = new Map<string, Set<number>>();

  /** @param memory of which the initial contents are known. */
  constructor(memory: SharedMemory, { countsOn = false }: { readonly countsOn?: boolean } = {}) {
    this.countsOn = countsOn;
    for (const [address, { name }] of memory.words.entries()) {
      this.#values.set(name, new Set([memory.initial[address]]));
    }
  }

  /** Whether two threads can be at the place of this node. */
  isShared(node: number): boolean {
    return this.#shared.has(node);
  }

  share(node: number): void {
    this.#shared.add(node);
  }

  /** Takes over the results of accesses from a search through the threads of a like world. */
  addAll(programs: ThreadPrograms): void {
    const { kind, slot, slots, memory, firstEdge, nextEdge, edgeResult } = programs;
    for (let node = 0; node < kind.length; node++) {
      if (slot.at(node) < 0) continue;
      const { name } = memory.words[slots[slot.at(node)]];
      for (let edge = firstEdge.at(node); edge >= 0; edge = nextEdge.at(edge)) {
        this.addResult(kind.at(node) as Kind, name, edgeResult.at(edge));
      }
    }
  }

  /** The known results of an access of that kind to a word: what it holds at some time, or whom a notify wakes. */
  resultsOf(kind: Kind, name: string): readonly number[] {
    return [...(this.#sets(kind).get(name) ?? [])];
  }

  addResult(kind: Kind, name: string, result: number): void {
    const sets = this.#sets(kind);
    const set = sets.get(name) ?? new Set<number>();
    sets.set(name, set.add(result));
  }

  #sets(kind: Kind): Map<string, Set<number>> {
    return kind === Kind.NOTIFY ? this.#woken : this.#values;
  }
}
