/** Reads the root directory of a disc by ECMA-119, as far as tests of its writer need it. */

/** The files of a disc by their names. */
export function discFiles(disc: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(disc.buffer, disc.byteOffset, disc.byteLength);
  const primary = 16 * 2048;
  const mark = new TextDecoder().decode(disc.subarray(primary + 1, primary + 6));
  if (disc[primary] !== 1 || mark !== 'CD001') throw new Error('there is no primary descriptor');
  if (view.getUint32(primary + 80, true) * 2048 !== disc.length) throw new Error('the size is another one');
  const [start, bytes] = extent(view, primary + 156);
  const files = new Map<string, Uint8Array>();
  for (let at = start; at < start + bytes; ) {
    const length = disc[at];
    if (length === 0) {
      at = (Math.floor(at / 2048) + 1) * 2048;
      continue;
    }
    if ((at % 2048) + length > 2048) throw new Error('a record reaches into the next sector');
    const name = new TextDecoder('latin1').decode(disc.subarray(at + 33, at + 33 + disc[at + 32]));
    const [from, size] = extent(view, at);
    if ((disc[at + 25] & 2) === 0) files.set(name.replace(/;1$/, ''), disc.subarray(from, from + size));
    at += length;
  }
  return files;
}

/** Both orders of bytes have to say the same. */
function extent(view: DataView, at: number): [start: number, bytes: number] {
  return [both(view, at + 2) * 2048, both(view, at + 10)];
}

function both(view: DataView, at: number): number {
  const value = view.getUint32(at, true);
  if (value !== view.getUint32(at + 4)) throw new Error('a number is not the same in both orders');
  return value;
}
