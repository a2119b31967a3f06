interface Waiting<T> {
  readonly time: number;
  readonly number: number;
  readonly each: T;
}

/**
 * Brings things into the order of their times that come nearly in it: each waits until so many others have come. A heap
 * (the earliest is the first one; those below a place `i` are at `2i + 1` and `2i + 2`).
 */
export class TimeOrder<T extends { readonly time: number }> {
  readonly #most: number;
  readonly #use: (each: T) => void;
  readonly #heap: Waiting<T>[] = [];
  #number = 0;

  /**
   * @param most things that wait
   * @param use is given each in its turn; those with equal times in the order in which they came
   */
  constructor(most: number, use: (each: T) => void) {
    this.#most = most;
    this.#use = use;
  }

  add(each: T): void {
    this.#heap.push({ time: each.time, number: this.#number++, each });
    this.#up(this.#heap.length - 1);
    if (this.#heap.length > this.#most) this.#takeFirst();
  }

  /** Nothing more comes. */
  end(): void {
    while (this.#heap.length > 0) this.#takeFirst();
  }

  #takeFirst(): void {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return;
    if (heap.length > 0) {
      heap[0] = last;
      this.#down();
    }
    this.#use(first.each);
  }

  #up(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent], heap[at])) return;
      [heap[parent], heap[at]] = [heap[at], heap[parent]];
      at = parent;
    }
  }

  #down(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2])
        if (below < heap.length && isBefore(heap[below], heap[least])) least = below;
      if (least === at) return;
      [heap[least], heap[at]] = [heap[at], heap[least]];
      at = least;
    }
  }
}

function isBefore(one: Waiting<unknown>, other: Waiting<unknown>): boolean {
  return one.time < other.time || (one.time === other.time && one.number < other.number);
}
