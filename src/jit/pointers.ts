import type { Flow } from './flow.ts';
import { isInnermost, type Loop, withoutLargest } from './loops.ts';
import { writtenX } from './traits.ts';

/** sp, by the calling convention: registers that are saved there are no pointers that the guest follows. */
const STACK_POINTER = 2;

/**
 * Finds the pointers that innermost loops follow: each turn loads where the next one, or the rest of it, accesses.
 *
 * @param bytes of a pointer
 * @returns by index of a block: registers, a bit for each; 0 outside of such loops
 */
export function followedPointers(flow: Flow, loops: readonly Loop[], bytes: number): Int32Array {
  const followed = new Int32Array(flow.position.length);
  for (const whole of loops) {
    for (let loop: Loop | undefined = whole; loop !== undefined; loop = withoutLargest(flow, loop)) {
      if (!isInnermost(loop, flow)) continue;
      const loaded = loadedIn(loop, bytes);
      for (const { index } of loop.blocks) followed[index] |= loaded;
      break;
    }
  }
  return followed;
}

function loadedIn({ blocks }: Loop, bytes: number): number {
  let loaded = 0;
  for (const { code } of blocks) {
    for (const { decoded, traits } of code) {
      if (traits.accessBytes === bytes && decoded.rs1 !== STACK_POINTER)
        loaded |= 1 << writtenX(decoded, traits);
    }
  }
  return loaded & ~1;
}
