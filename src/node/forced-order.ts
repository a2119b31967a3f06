import { forcedOrder, timesForced } from '../verify/threaded/forced-order.ts';
import type { NodeHost } from './node-host.ts';

/** Loaded by the threads of the machine; the compiler does not rewrite this ending. */
const module = new URL(
  import.meta.url.endsWith('.ts')
    ? '../verify/threaded/forced-order.ts'
    : '../verify/threaded/forced-order.js',
  import.meta.url,
);

/**
 * Has the domains of a host make the accesses of `sync` and `set` in this order, wherever the two meet.
 *
 * @param order one letter for each access, `V` for the vCPU's `sync`, `S` for a producer's `set`
 * @returns a function that tells how often it was forced so far
 * @throws RangeError when it is no order
 */
export function forceOrder(host: NodeHost, order: string): () => number {
  const forced = forcedOrder(order);
  host.loadFirst({ url: module.href, data: forced });
  return () => timesForced(forced);
}
