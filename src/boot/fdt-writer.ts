import type { DeviceTree, DeviceTreeNode, PropertyValue } from './device-tree.ts';
import { splitU64 } from './device-tree.ts';

/** Numbers of the flattened format (Devicetree Specification v0.4, sections 5.2 and 5.4). */
export const fdt = {
  magic: 0xd00dfeed,
  version: 17,
  lastCompatibleVersion: 16,
  headerSize: 40,
  beginNode: 1,
  endNode: 2,
  property: 3,
  nop: 4,
  end: 9,
} as const;

/**
 * Free bytes behind a blob, within its size. A boot loader that is started as a kernel (U-Boot) adds its own words to
 * the tree where it lies, and finds room for them in those of firmware (OpenSBI); without any it writes to what is
 * behind the tree, which is its own state.
 */
export const FREE_BYTES = 4096;

const encoder = new TextEncoder();
const namePattern = /^[0-9a-zA-Z,._+?#-]{1,31}$/;
const nodeNamePattern = /^[0-9a-zA-Z,._+-]{1,31}(@[0-9a-zA-Z,._+-]+)?$/;

/**
 * Writes a device tree as a flattened blob, version 17. Labelled nodes get phandles 1, 2, ... in document order.
 *
 * @throws RangeError for names that the format does not allow, doubled names or labels, unknown labels and numbers
 * out of range. These are mistakes of the calling program.
 */
export function writeDeviceTree(tree: DeviceTree): Uint8Array<ArrayBuffer> {
  const writer: Writer = { structure: new ByteSink(), strings: new StringTable(), phandles: new Map() };
  collectPhandles(tree.root, writer.phandles);
  writeNode(writer, tree.root, true);
  writer.structure.u32(fdt.end);
  const reservations = new ByteSink();
  for (const { address, size } of tree.reservations) {
    for (const cell of [...splitU64(address), ...splitU64(size)]) reservations.u32(cell);
  }
  reservations.bytes(new Uint8Array(16));
  return assemble(tree.bootCpu, reservations.take(), writer.structure.take(), writer.strings.take());
}

interface Writer {
  readonly structure: ByteSink;
  readonly strings: StringTable;
  readonly phandles: Map<string, number>;
}

function collectPhandles(node: DeviceTreeNode, phandles: Map<string, number>): void {
  if (node.label !== undefined) {
    if (phandles.has(node.label)) throw new RangeError(`device tree: two nodes have the label ${node.label}`);
    phandles.set(node.label, phandles.size + 1);
  }
  for (const child of node.children) collectPhandles(child, phandles);
}

function writeNode(writer: Writer, node: DeviceTreeNode, isRoot: boolean): void {
  if (isRoot ? node.name !== '' : !nodeNamePattern.test(node.name)) {
    throw new RangeError(`device tree: "${node.name}" is not a node name`);
  }
  const { structure } = writer;
  structure.u32(fdt.beginNode);
  structure.bytes(encoder.encode(`${node.name}\0`));
  structure.align();
  checkUnique(
    node.name,
    node.properties.map(([name]) => name),
  );
  for (const [name, value] of node.properties) writeProperty(writer, name, encodeValue(writer, value));
  const phandle = node.label === undefined ? undefined : writer.phandles.get(node.label);
  if (phandle !== undefined) writeProperty(writer, 'phandle', u32Bytes([phandle]));
  checkUnique(
    node.name,
    node.children.map((child) => child.name),
  );
  for (const child of node.children) writeNode(writer, child, false);
  structure.u32(fdt.endNode);
}

function checkUnique(owner: string, names: readonly string[]): void {
  if (new Set(names).size !== names.length) {
    throw new RangeError(`device tree: a name occurs twice in node "${owner}": ${names.join(' ')}`);
  }
}

function writeProperty(writer: Writer, name: string, value: Uint8Array): void {
  if (!namePattern.test(name)) throw new RangeError(`device tree: "${name}" is not a property name`);
  const { structure, strings } = writer;
  structure.u32(fdt.property);
  structure.u32(value.length);
  structure.u32(strings.offsetOf(name));
  structure.bytes(value);
  structure.align();
}

function encodeValue(writer: Writer, value: PropertyValue): Uint8Array {
  switch (value.kind) {
    case 'empty':
      return new Uint8Array(0);
    case 'bytes':
      return value.bytes;
    case 'strings':
      return encodeStrings(value.strings);
    case 'cells':
      return u32Bytes(
        value.cells.map((cell) => (typeof cell === 'number' ? cell : phandleOf(writer, cell.phandleOf))),
      );
  }
}

function encodeStrings(strings: readonly string[]): Uint8Array {
  if (strings.some((text) => text.includes('\0'))) {
    throw new RangeError('device tree: text with a NUL character');
  }
  return encoder.encode(strings.map((text) => `${text}\0`).join(''));
}

function phandleOf(writer: Writer, label: string): number {
  const phandle = writer.phandles.get(label);
  if (phandle === undefined) throw new RangeError(`device tree: no node has the label ${label}`);
  return phandle;
}

function u32Bytes(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, index) => {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw new RangeError(`device tree: ${value} does not fit a cell`);
    }
    view.setUint32(index * 4, value);
  });
  return new Uint8Array(view.buffer);
}

/**
 * Header, reservations (aligned to 8), structure (aligned to 4), strings, free space: the order that section 5.1 asks
 * for.
 */
function assemble(
  bootCpu: number,
  reservations: Uint8Array,
  structure: Uint8Array,
  strings: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const reservationsOffset = fdt.headerSize;
  const structureOffset = reservationsOffset + reservations.length;
  const stringsOffset = structureOffset + structure.length;
  // Linux asks for a blob that ends on a multiple of 8 nowhere, but loaders that append to it do.
  const totalSize = (stringsOffset + strings.length + FREE_BYTES + 7) & ~7;
  const header = u32Bytes([
    fdt.magic,
    totalSize,
    structureOffset,
    stringsOffset,
    reservationsOffset,
    fdt.version,
    fdt.lastCompatibleVersion,
    bootCpu,
    strings.length,
    structure.length,
  ]);
  const blob = new Uint8Array(totalSize);
  blob.set(header, 0);
  blob.set(reservations, reservationsOffset);
  blob.set(structure, structureOffset);
  blob.set(strings, stringsOffset);
  return blob;
}

/** Bytes that grow. */
class ByteSink {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  u32(value: number): void {
    this.bytes(u32Bytes([value]));
  }

  bytes(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Fills up to a multiple of four bytes, as every token of the structure block needs it. */
  align(): void {
    this.bytes(new Uint8Array(-this.#length & 3));
  }

  take(): Uint8Array {
    const result = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      result.set(chunk, offset);
      offset += chunk.length;
    }
    return result;
  }
}

/** Property names, each stored once. */
class StringTable {
  readonly #offsets = new Map<string, number>();
  readonly #sink = new ByteSink();
  #length = 0;

  offsetOf(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#length;
    const encoded = encoder.encode(`${name}\0`);
    this.#offsets.set(name, offset);
    this.#sink.bytes(encoded);
    this.#length += encoded.length;
    return offset;
  }

  take(): Uint8Array {
    return this.#sink.take();
  }
}
