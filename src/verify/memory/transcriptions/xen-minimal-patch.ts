/** `xen-minimal-patch`: Xen's C code, with the two functions of `minimal-patch`. */
import { xenMinimalPatch } from '../../../interrupts/field/xen-minimal-patch.ts';
import { MINIMAL_PATCH } from './minimal-patch.ts';
import type { Transcription } from './transcription-type.ts';
import { XEN } from './xen.ts';

export const XEN_MINIMAL_PATCH: Transcription = {
  ...XEN,
  name: 'xen-minimal-patch',
  provenance: xenMinimalPatch.provenance,
  sync: MINIMAL_PATCH.sync,
  has: MINIMAL_PATCH.has,
};
