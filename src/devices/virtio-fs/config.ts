import { fieldsOf } from '../virtio/fields.ts';
import type { ConfigSpace } from '../virtio/function.ts';
import { FS_CONFIG } from './facts.ts';

/** The configuration space of a shared folder, which never changes. @param tag 36 bytes of UTF-8 at most */
export function fsConfig(tag: string): ConfigSpace {
  const bytes = new Uint8Array(FS_CONFIG.BYTES);
  bytes.set(new TextEncoder().encode(tag).subarray(0, FS_CONFIG.TAG_BYTES), FS_CONFIG.TAG);
  const view = new DataView(bytes.buffer);
  view.setUint32(FS_CONFIG.REQUEST_QUEUES, 1, true);
  return fieldsOf(view);
}
