import { fieldsOf } from '../virtio/fields.ts';
import type { ConfigSpace } from '../virtio/function.ts';
import { WORD } from './words.ts';

/** Bytes of the fields: columns, rows, the number of ports; the last one is for a feature that is not offered. */
const BYTES = 12;

/** The configuration space: the size of the first port's terminal, and the number of ports. */
export function consoleConfig(words: Int32Array, ports: number): ConfigSpace {
  const view = new DataView(new ArrayBuffer(BYTES));
  view.setUint32(4, ports, true);
  // Meets the exchange in `VirtioConsoleHost`.
  return fieldsOf(view, () => view.setUint32(0, Atomics.load(words, WORD.SIZES), true));
}
