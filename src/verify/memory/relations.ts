/** Whether a relation has no cycle; element `i` holds the mask of the predecessors of `i`. At most 31 elements. */
export function isAcyclic(before: Int32Array): boolean {
  let left = (1 << before.length) - 1;
  if (before.length === 31) left = 0x7fffffff;
  for (;;) {
    let removed = 0;
    for (let mask = left; mask !== 0; mask &= mask - 1) {
      const lowest = mask & -mask;
      if ((before[31 - Math.clz32(lowest)] & left) === 0) removed |= lowest;
    }
    if (removed === 0) return left === 0;
    left &= ~removed;
  }
}

/** Every order of the items in which an item comes after those in its mask of predecessors. */
export function* permutationsWithin(
  items: readonly number[],
  predecessors: (item: number) => number,
): Generator<readonly number[]> {
  if (items.length === 0) {
    yield [];
    return;
  }
  let left = 0;
  for (const item of items) left |= 1 << item;
  for (const first of items) {
    if ((predecessors(first) & left) !== 0) continue;
    const rest = items.filter((item) => item !== first);
    for (const order of permutationsWithin(rest, predecessors)) yield [first, ...order];
  }
}
