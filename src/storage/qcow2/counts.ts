import { put64 } from './table-cache.ts';

/** A count of a block, by its place. */
export function readCount(view: DataView, place: number, bits: number): number {
  switch (bits) {
    case 64:
      return view.getUint32(8 * place) * 2 ** 32 + view.getUint32(8 * place + 4);
    case 32:
      return view.getUint32(4 * place);
    case 16:
      return view.getUint16(2 * place);
    case 8:
      return view.getUint8(place);
    default: {
      const inByte = (place * bits) % 8;
      return (view.getUint8(Math.floor((place * bits) / 8)) >> inByte) & ((1 << bits) - 1);
    }
  }
}

/** Changes a count of a block. */
export function writeCount(view: DataView, place: number, bits: number, count: number): void {
  switch (bits) {
    case 64:
      put64(view, 8 * place, count);
      break;
    case 32:
      view.setUint32(4 * place, count);
      break;
    case 16:
      view.setUint16(2 * place, count);
      break;
    case 8:
      view.setUint8(place, count);
      break;
    default: {
      const at = Math.floor((place * bits) / 8);
      const inByte = (place * bits) % 8;
      const mask = ((1 << bits) - 1) << inByte;
      view.setUint8(at, (view.getUint8(at) & ~mask) | (count << inByte));
    }
  }
}
