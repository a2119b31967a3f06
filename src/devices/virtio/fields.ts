import type { ConfigSpace } from './function.ts';

/**
 * A configuration space whose fields only the device sets.
 *
 * @param refresh brings fields that change up to date, before each read
 */
export function fieldsOf(view: DataView, refresh: () => void = () => undefined): ConfigSpace {
  return {
    size: view.byteLength,
    read: (offset, width) => {
      refresh();
      if (width === 1) return view.getUint8(offset);
      return width === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
    },
    write: () => undefined,
  };
}
