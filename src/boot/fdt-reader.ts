import { InputError } from '../errors/input-error.ts';
import type { DeviceTree, DeviceTreeNode, DeviceTreeProperty, PropertyValue } from './device-tree.ts';
import { fdt } from './fdt-writer.ts';

const decoder = new TextDecoder();
/** Far deeper than any real tree, far less than the stack. */
const maximumDepth = 64;

/**
 * Reads a flattened device tree blob, version 16 or later. Every value comes as bytes, for the blob does not say what
 * they mean: {@link readCells} and {@link readStrings} interpret them. Phandles are ordinary properties here.
 *
 * @param source - names the blob in messages.
 * @throws InputError with the offset where the blob is not what the format asks for.
 */
export function readDeviceTree(blob: Uint8Array, source = 'the device tree'): DeviceTree {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const header = readHeader(view, source);
  const reader: Reader = { view, blob, source, header, position: header.structure };
  const root = readRoot(reader);
  return { root, bootCpu: header.bootCpu, reservations: readReservations(reader) };
}

/** The 32-bit cells of a value from {@link readDeviceTree}. A length that is no multiple of four gives undefined. */
export function readCells(value: PropertyValue | undefined): number[] | undefined {
  if (value?.kind !== 'bytes' || value.bytes.length % 4 !== 0) return undefined;
  const view = new DataView(value.bytes.buffer, value.bytes.byteOffset, value.bytes.byteLength);
  return Array.from({ length: view.byteLength / 4 }, (_, index) => view.getUint32(index * 4));
}

/** The texts of a value from {@link readDeviceTree}. Bytes that do not end with a NUL give undefined. */
export function readStrings(value: PropertyValue | undefined): string[] | undefined {
  if (value?.kind !== 'bytes' || value.bytes.at(-1) !== 0) return undefined;
  return decoder.decode(value.bytes.subarray(0, -1)).split('\0');
}

interface Header {
  readonly totalSize: number;
  readonly structure: number;
  readonly structureEnd: number;
  readonly strings: number;
  readonly stringsEnd: number;
  readonly reservations: number;
  readonly bootCpu: number;
}

interface Reader {
  readonly view: DataView;
  readonly blob: Uint8Array;
  readonly source: string;
  readonly header: Header;
  position: number;
}

function broken(source: string, offset: number, what: string): InputError {
  return new InputError(`${source} is not a usable device tree blob: at byte ${offset}, ${what}.`);
}

function readHeader(view: DataView, source: string): Header {
  if (view.byteLength < fdt.headerSize) throw broken(source, view.byteLength, 'it ends within the header');
  const field = (index: number) => view.getUint32(index * 4);
  if (field(0) !== fdt.magic) throw broken(source, 0, 'the magic number d00dfeed is missing');
  const totalSize = field(1);
  if (totalSize > view.byteLength) {
    throw broken(source, view.byteLength, `it ends, but its header promises ${totalSize} bytes`);
  }
  if (field(5) < fdt.lastCompatibleVersion || field(6) > fdt.version) {
    throw broken(source, 20, `it has format version ${field(5)}; versions 16 and 17 are understood`);
  }
  const structure = field(2);
  const strings = field(3);
  // Version 16 has no structure size: then the end token is the end.
  const structureEnd = field(5) >= 17 ? structure + field(9) : totalSize;
  const stringsEnd = strings + field(8);
  if (structure % 4 !== 0 || structureEnd > totalSize)
    throw broken(source, 8, 'the structure block is misplaced');
  if (stringsEnd > totalSize) throw broken(source, 12, 'the strings block is misplaced');
  return {
    totalSize,
    structure,
    structureEnd,
    strings,
    stringsEnd,
    reservations: field(4),
    bootCpu: field(7),
  };
}

function readReservations(reader: Reader): { address: number; size: number }[] {
  const { view, header, source } = reader;
  const result: { address: number; size: number }[] = [];
  for (let offset = header.reservations; ; offset += 16) {
    if (offset + 16 > header.totalSize) throw broken(source, offset, 'the list of reservations does not end');
    const address = view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
    const size = view.getUint32(offset + 8) * 2 ** 32 + view.getUint32(offset + 12);
    if (address === 0 && size === 0) return result;
    result.push({ address, size });
  }
}

function readRoot(reader: Reader): DeviceTreeNode {
  const offset = reader.position;
  if (nextToken(reader) !== fdt.beginNode) throw broken(reader.source, offset, 'there is no root node');
  const root = readNode(reader, 0);
  const end = reader.position;
  if (nextToken(reader) !== fdt.end) throw broken(reader.source, end, 'something follows the root node');
  return root;
}

/** Reads a node whose begin token has been taken. */
function readNode(reader: Reader, depth: number): DeviceTreeNode {
  if (depth > maximumDepth) throw broken(reader.source, reader.position, 'nodes are nested too deeply');
  const name = readNodeName(reader);
  const properties: DeviceTreeProperty[] = [];
  const children: DeviceTreeNode[] = [];
  for (;;) {
    const offset = reader.position;
    const token = nextToken(reader);
    if (token === fdt.endNode) return { name, properties, children };
    if (token === fdt.property) properties.push(readProperty(reader));
    else if (token === fdt.beginNode) children.push(readNode(reader, depth + 1));
    else throw broken(reader.source, offset, `token ${token} does not belong into a node`);
  }
}

/** The next token that is not a filler. */
function nextToken(reader: Reader): number {
  for (;;) {
    const token = readU32(reader);
    if (token !== fdt.nop) return token;
  }
}

function readU32(reader: Reader): number {
  const offset = advance(reader, 4);
  return reader.view.getUint32(offset);
}

function readNodeName(reader: Reader): string {
  const end = reader.blob.indexOf(0, reader.position);
  if (end < 0 || end >= reader.header.structureEnd) {
    throw broken(reader.source, reader.position, 'a node name does not end');
  }
  const start = reader.position;
  advance(reader, end + 1 - start);
  return decoder.decode(reader.blob.subarray(start, end));
}

function readProperty(reader: Reader): DeviceTreeProperty {
  const length = readU32(reader);
  const nameOffset = readU32(reader);
  const name = readPropertyName(reader, nameOffset);
  const start = advance(reader, length);
  // A copy by constructor: `slice` of a Node Buffer would share the blob's memory.
  return [name, { kind: 'bytes', bytes: new Uint8Array(reader.blob.subarray(start, start + length)) }];
}

function readPropertyName(reader: Reader, offset: number): string {
  const { strings, stringsEnd } = reader.header;
  const start = strings + offset;
  const end = start < stringsEnd ? reader.blob.indexOf(0, start) : -1;
  if (end < 0 || end >= stringsEnd) {
    throw broken(reader.source, reader.position - 4, 'a property name lies outside the strings block');
  }
  return decoder.decode(reader.blob.subarray(start, end));
}

/** Takes bytes and the filling up to a multiple of four; returns where they start. */
function advance(reader: Reader, length: number): number {
  const start = reader.position;
  const end = start + Math.ceil(length / 4) * 4;
  if (end > reader.header.structureEnd)
    throw broken(reader.source, start, 'the structure block ends too early');
  reader.position = end;
  return start;
}
