import type { ConfigSpace } from '../virtio/function.ts';
import { WORD } from './words.ts';

/** Fields: pages that the host wants, and pages that the driver has given. */
const BYTES = 8;
const GIVEN_AT = 4;

/** The configuration space, of which the driver sets the second field. */
export function balloonConfig(words: Int32Array): ConfigSpace {
  const view = new DataView(new ArrayBuffer(BYTES));
  const refresh = () => {
    // Meets the store in `VirtioBalloonHost`.
    view.setUint32(0, Atomics.load(words, WORD.WANTED), true);
    view.setUint32(GIVEN_AT, Atomics.load(words, WORD.GIVEN), true);
  };
  return {
    size: BYTES,
    read: (offset, width) => {
      refresh();
      if (width === 1) return view.getUint8(offset);
      return width === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
    },
    write: (offset, width, value) => {
      if (offset < GIVEN_AT) return;
      refresh();
      if (width === 1) view.setUint8(offset, value);
      else if (width === 2) view.setUint16(offset, value, true);
      else view.setUint32(offset, value, true);
      // Meets the load in `VirtioBalloonHost`.
      Atomics.store(words, WORD.GIVEN, view.getInt32(GIVEN_AT, true));
    },
  };
}
