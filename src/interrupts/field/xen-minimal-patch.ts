/**
 * `xen.ts` with the same two lines changed as in `minimal-patch.ts`: `sync` refreshes the cached hvip and leaves the
 * bitmaps alone, and readers honour the mask. Everything else, the conditional kick included, is Xen's.
 *
 * The conditional kick stays right. A pending bit of VSSIP that was set once stays 1, so its rising says nothing any
 * more; but the mask bit falls with each flush, and a set that finds it still standing shares the kick of the thread
 * that raised it.
 */

import type { Protocol } from '../protocol.ts';
import { minimalPatch } from './minimal-patch.ts';
import { xen } from './xen.ts';

export const xenMinimalPatch: Protocol = {
  ...xen,
  name: 'xen-minimal-patch',
  provenance: 'xen at c447b7308b (20 August 2026), with sync and has changed by hartvisor',
  sync: minimalPatch.sync,
  has: minimalPatch.has,
};
