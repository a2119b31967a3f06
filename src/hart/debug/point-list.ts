import { array, halves, i32, struct } from '../../layout/struct.ts';

/** Code that is about to be executed, or memory that is accessed: bits of a point's kinds. */
export const POINT_KIND = { code: 1, read: 2, write: 4 } as const;

/** Points of a machine at most. */
export const MOST_POINTS = 512;

const POINT = struct({ address: halves, kinds: i32, length: i32 });

/** The places at which a debugger wants a machine to stop; zero words are no places. */
export const POINT_LIST = struct({
  /** Counts the debugger's changes: points, memory, registers that translate addresses. */
  changes: i32,
  count: i32,
  points: array(POINT, MOST_POINTS),
});

const WORD = POINT_LIST.word;

/** A place at which the machine is to stop: a virtual address in two halves, of every address space. */
export interface HartPoint {
  readonly low: number;
  readonly high: number;
  /** Of {@link POINT_KIND}. */
  readonly kinds: number;
  /** Bytes; 1 for code. */
  readonly length: number;
}

/**
 * The list of points in shared memory. Its owner changes it while no hart runs; each hart reads it when it has stood
 * still, so that the words need no order of their own beyond that of the pause.
 */
export class PointList {
  readonly #words: Int32Array;

  /** @param words of {@link POINT_LIST} */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Differs from before after each {@link write} and {@link touch}. */
  get changes(): number {
    // Meets the add in `touch`.
    return Atomics.load(this.#words, WORD.changes);
  }

  /** Marks all that the harts have derived from memory and registers as out of date. */
  touch(): void {
    // Meets the load in `changes`, on threads that stand still until the pause is over.
    Atomics.add(this.#words, WORD.changes, 1);
  }

  /** @returns false, and nothing is changed, if there are too many */
  write(points: readonly HartPoint[]): boolean {
    if (points.length > MOST_POINTS) return false;
    for (const [index, { low, high, kinds, length }] of points.entries()) {
      this.#words.set([low, high, kinds, length], WORD.points + index * POINT.words);
    }
    this.#words[WORD.count] = points.length;
    this.touch();
    return true;
  }

  read(): readonly HartPoint[] {
    return Array.from({ length: this.#words[WORD.count] as number }, (_, index) => {
      const at = WORD.points + index * POINT.words;
      const [low = 0, high = 0, kinds = 0, length = 0] = this.#words.subarray(at, at + POINT.words);
      return { low, high, kinds, length };
    });
  }
}
