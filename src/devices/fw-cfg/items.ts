import { FILE, ID, ITEM } from './registers.ts';

/** Contents of items, by their numbers. */
export type Items = ReadonlyMap<number, Uint8Array>;

/** Facts about their machine that guests can read. */
export interface Described {
  readonly kind: string;
  readonly cpus: number;
  /** Bytes of RAM. */
  readonly ramBytes: number;
}

/** The items of a machine. */
export function describe({ kind, cpus, ramBytes }: Described): Items {
  return collect(
    [
      [ITEM.SIGNATURE, text('QEMU')],
      [ITEM.ID, littleEndian(ID.TRADITIONAL | ID.DMA, 4)],
      [ITEM.RAM_SIZE, littleEndian(ramBytes, 8)],
      [ITEM.CPUS, littleEndian(cpus, 2)],
      [ITEM.MAX_CPUS, littleEndian(cpus, 2)],
    ],
    [['etc/hartvisor/machine', text(`${kind}\n`)]],
  );
}

/** Adds files, sorted by their names, and their directory. */
function collect(
  items: readonly (readonly [number, Uint8Array])[],
  files: readonly (readonly [name: string, Uint8Array])[],
): Items {
  const sorted = files.toSorted(([one], [other]) => (one < other ? -1 : 1));
  const directory = new Uint8Array(4 + FILE.BYTES * sorted.length);
  const view = new DataView(directory.buffer);
  view.setUint32(0, sorted.length);
  for (const [index, [name, content]] of sorted.entries()) {
    const at = 4 + FILE.BYTES * index;
    view.setUint32(at + FILE.SIZE, content.length);
    view.setUint16(at + FILE.ITEM, ITEM.FIRST_FILE + index);
    directory.set(text(name), at + FILE.NAME);
  }
  return new Map([
    ...items,
    [ITEM.DIRECTORY, directory],
    ...sorted.map(([, content], index) => [ITEM.FIRST_FILE + index, content] as const),
  ]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** @param value a whole number below 2^53 */
function littleEndian(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => Math.floor(value / 2 ** (8 * index)) % 256);
}
