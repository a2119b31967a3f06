/**
 * A device tree as hartvisor builds it (Devicetree Specification v0.4, chapter 2). Nodes are plain data; a label
 * names a node so that cells elsewhere may refer to it, and the writer gives labelled nodes their phandles.
 */
export interface DeviceTreeNode {
  /** With its unit address, such as `serial@10000000`; the root's name is empty. */
  readonly name: string;
  readonly label?: string;
  readonly properties: readonly DeviceTreeProperty[];
  readonly children: readonly DeviceTreeNode[];
}

/** A property's name and value. */
export type DeviceTreeProperty = readonly [name: string, value: PropertyValue];

/** A reference to the node with that label, written as its phandle. */
export interface PhandleReference {
  readonly phandleOf: string;
}

/** The value of a property. */
export type PropertyValue =
  | { readonly kind: 'empty' }
  | { readonly kind: 'cells'; readonly cells: readonly (number | PhandleReference)[] }
  | { readonly kind: 'strings'; readonly strings: readonly string[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** A whole tree with the other contents of the blob's header. */
export interface DeviceTree {
  readonly root: DeviceTreeNode;
  /** Physical id of the boot processor (`boot_cpuid_phys`). */
  readonly bootCpu: number;
  /** Memory that software must not touch. Addresses and sizes in bytes, below 2^53. */
  readonly reservations: readonly { readonly address: number; readonly size: number }[];
}

/** Makes a node. */
export function node(
  name: string,
  properties: readonly DeviceTreeProperty[],
  children: readonly DeviceTreeNode[] = [],
  label?: string,
): DeviceTreeNode {
  return { name, properties, children, ...(label === undefined ? {} : { label }) };
}

/** A property that says something by being there. */
export const empty: PropertyValue = { kind: 'empty' };

/** 32-bit cells, each 0 to 2^32 - 1 or a reference to a labelled node. */
export function cells(...values: readonly (number | PhandleReference)[]): PropertyValue {
  return { kind: 'cells', cells: values };
}

/** Text, or a list of texts as `compatible` has it. */
export function strings(...values: readonly string[]): PropertyValue {
  return { kind: 'strings', strings: values };
}

/** Uninterpreted bytes. */
export function bytes(value: Uint8Array): PropertyValue {
  return { kind: 'bytes', bytes: value };
}

/**
 * 64-bit numbers, two cells each with the high one first: addresses and sizes where `#address-cells` and
 * `#size-cells` are 2.
 *
 * @param values - integers from 0 below 2^53.
 */
export function u64s(...values: readonly number[]): PropertyValue {
  return cells(...values.flatMap(splitU64));
}

/** The phandle of a labelled node. */
export function ref(label: string): PhandleReference {
  return { phandleOf: label };
}

/** High and low cell of an integer below 2^53. */
export function splitU64(value: number): [high: number, low: number] {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`device tree: ${value} is not an integer from 0 below 2^53`);
  }
  return [Math.floor(value / 2 ** 32), value >>> 0];
}
