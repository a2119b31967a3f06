/** Small random numbers that shift threads against each other: a xorshift generator with a period of 2^32 - 1. */
export function createJitter(seed: number): () => number {
  let state = (seed * 0x9e37_79b9) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

let sink = 0;

/** Computes for a few nanoseconds a turn, as a guest or a device does between two accesses. */
export function compute(turns: number): void {
  for (let turn = 0; turn < turns; turn++) {
    sink = (sink * 31 + turn) | 0;
  }
}
