import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findNode,
  findProperty,
  readCells,
  readDeviceTree,
  readStrings,
} from '../../test/fixtures/fdt-reader.ts';
import { InputError } from '../errors/input-error.ts';
import {
  bytes,
  cells,
  type DeviceTree,
  type DeviceTreeNode,
  empty,
  node,
  ref,
  strings,
  u64s,
} from './device-tree.ts';
import { writeDeviceTree } from './fdt-writer.ts';

const dtcMissing = spawnSync('dtc', ['--version']).error !== undefined;
if (dtcMissing)
  console.log('dtc is not installed (Debian package device-tree-compiler): comparisons with it are skipped');

function dtc(input: Uint8Array | string, from: string, to: string): { output: Buffer; messages: string } {
  const result = spawnSync('dtc', ['-I', from, '-O', to], { input });
  expect(result.status, String(result.stderr)).toBe(0);
  return { output: result.stdout, messages: String(result.stderr) };
}

const tree = (root: DeviceTreeNode): DeviceTree => ({ root, bootCpu: 0, reservations: [] });

const sample: DeviceTree = {
  bootCpu: 3,
  reservations: [{ address: 0x1_2345_6000, size: 0x2000 }],
  root: node(
    '',
    [
      ['compatible', strings('one', 'two')],
      ['wide', u64s(0x12_3456_789a, 5)],
      ['raw', bytes(Uint8Array.of(1, 2, 3))],
    ],
    [
      node('user', [
        ['target', cells(ref('controller'), 7)],
        ['flag', empty],
      ]),
      node(
        'controller',
        [['#interrupt-cells', cells(1)]],
        [node('leaf@1', [['reg', cells(0xffffffff)]])],
        'controller',
      ),
    ],
  ),
};

describe('writeDeviceTree and readDeviceTree', () => {
  it('gives back values, references and reservations', () => {
    const { root, bootCpu, reservations } = readDeviceTree(writeDeviceTree(sample));
    const value = (path: string, name: string) => {
      const found = findNode(root, path);
      return found === undefined ? undefined : findProperty(found, name);
    };
    expect(bootCpu).toBe(3);
    expect(reservations).toEqual(sample.reservations);
    expect(readStrings(value('/', 'compatible'))).toEqual(['one', 'two']);
    expect(readCells(value('/', 'wide'))).toEqual([0x12, 0x3456789a, 0, 5]);
    expect(value('/', 'raw')).toEqual(bytes(Uint8Array.of(1, 2, 3)));
    expect(readCells(value('/', 'raw'))).toBeUndefined();
    expect(readStrings(value('/', 'raw'))).toBeUndefined();
    expect(readCells(value('/user', 'flag'))).toEqual([]);
    expect(readCells(value('/controller/leaf@1', 'reg'))).toEqual([0xffffffff]);
    const phandle = readCells(value('/controller', 'phandle'));
    expect(phandle).toHaveLength(1);
    expect(readCells(value('/user', 'target'))).toEqual([...(phandle ?? []), 7]);
    expect(findNode(root, '/user/nobody')).toBeUndefined();
  });

  it('writes the header that the format asks for', () => {
    const view = new DataView(writeDeviceTree(sample).buffer);
    const [magic, totalSize, structure, , reservations, version, lastCompatible, bootCpu] = Array.from(
      { length: 8 },
      (_, index) => view.getUint32(index * 4),
    );
    expect([magic, totalSize, version, lastCompatible, bootCpu]).toEqual([
      0xd00dfeed,
      view.byteLength,
      17,
      16,
      3,
    ]);
    expect([structure % 4, reservations % 8]).toEqual([0, 0]);
  });

  it('leaves room for boot loaders that add to the tree where it lies', () => {
    const blob = writeDeviceTree(sample);
    const view = new DataView(blob.buffer);
    const [strings, stringsBytes] = [view.getUint32(12), view.getUint32(32)];
    const free = blob.subarray(strings + stringsBytes);
    // The bytes that U-Boot needs are those of a command line, 2 KiB at most, and of a few numbers.
    expect(free.length).toBeGreaterThanOrEqual(4096);
    expect(free.every((byte) => byte === 0)).toBe(true);
  });

  it('refuses to read nodes that are nested without end', () => {
    const deep = (levels: number): DeviceTreeNode => node('a', [], levels > 0 ? [deep(levels - 1)] : []);
    expect(() => readDeviceTree(writeDeviceTree(tree(node('', [], [deep(100)]))))).toThrow(
      /nested too deeply/,
    );
  });

  it('gives back any tree of bytes', () => {
    fc.assert(
      fc.property(arbitraryRoot, (root) => {
        expect(readDeviceTree(writeDeviceTree(tree(root))).root).toEqual(root);
      }),
    );
  });

  it.each<[string, DeviceTreeNode]>([
    ['a root with a name', node('x', [])],
    ['a slash in a node name', node('', [], [node('a/b', [])])],
    ['two nodes of a name', node('', [], [node('a', []), node('a', [])])],
    [
      'two properties of a name',
      node('', [
        ['a', empty],
        ['a', empty],
      ]),
    ],
    ['an empty property name', node('', [['', empty]])],
    ['an unknown label', node('', [['a', cells(ref('nobody'))]])],
    ['a doubled label', node('', [], [node('a', [], [], 'l'), node('b', [], [], 'l')])],
    ['a cell beyond 32 bits', node('', [['a', cells(2 ** 32)]])],
    ['a negative cell', node('', [['a', cells(-1)]])],
    ['text with a NUL', node('', [['a', strings('b\0c')]])],
  ])('refuses to write %s', (_, root) => {
    expect(() => writeDeviceTree(tree(root))).toThrow(RangeError);
  });
});

describe.skipIf(dtcMissing)("beside Debian's dtc", () => {
  it('writes what dtc decompiles to the same tree', () => {
    const { output } = dtc(writeDeviceTree(sample), 'dtb', 'dts');
    const again = dtc(output.toString(), 'dts', 'dtb').output;
    expect(readDeviceTree(again).root).toEqual(readDeviceTree(writeDeviceTree(sample)).root);
    expect(output.toString()).toContain('/memreserve/\t0x0000000123456000 0x0000000000002000;');
  });

  it('reads what dtc compiles', () => {
    const source = `/dts-v1/; / { a = "x", "y"; b = <1 &n>; c = [01 02]; n: n@1 { reg = <1>; e; }; };`;
    const { root } = readDeviceTree(dtc(source, 'dts', 'dtb').output);
    expect(readStrings(findProperty(root, 'a'))).toEqual(['x', 'y']);
    expect(findProperty(root, 'c')).toEqual(bytes(Uint8Array.of(1, 2)));
    const child = findNode(root, '/n@1');
    const phandle = child === undefined ? undefined : readCells(findProperty(child, 'phandle'));
    expect(readCells(findProperty(root, 'b'))).toEqual([1, ...(phandle ?? [])]);
    expect(child?.properties.map(([name]) => name)).toContain('e');
  });
});

describe('a damaged blob', () => {
  const blob = writeDeviceTree(sample);

  it('is refused in words when it is cut short anywhere', () => {
    for (let length = 0; length < blob.length; length++) {
      expect(() => readDeviceTree(blob.subarray(0, length), 'virt.dtb')).toThrow(InputError);
    }
    expect(() => readDeviceTree(blob.subarray(0, 100), 'virt.dtb')).toThrow(
      /^virt\.dtb is not a usable device tree blob: at byte 100, it ends, but its header promises \d+ bytes\.$/,
    );
  });

  it('is read or refused, never worse, whatever byte is wrong', () => {
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.nat(255), (at, value) => {
        const changed = Uint8Array.from(blob);
        changed[at] = value;
        try {
          readDeviceTree(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('may have any alignment in memory', () => {
    const shifted = new Uint8Array(blob.length + 1);
    shifted.set(blob, 1);
    expect(readDeviceTree(shifted.subarray(1))).toEqual(readDeviceTree(blob));
  });
});

const propertyName = fc.stringMatching(/^[a-z#][a-z,-]{0,8}$/);
const properties = fc
  .uniqueArray(fc.tuple(propertyName, fc.uint8Array({ maxLength: 9 })), { selector: ([name]) => name })
  .map((list) => list.map(([name, value]) => [name, bytes(value)] as const));

/** Nodes with children down to a depth. */
function nodesOf(name: fc.Arbitrary<string>, depth: number): fc.Arbitrary<DeviceTreeNode> {
  const children: fc.Arbitrary<DeviceTreeNode[]> =
    depth === 0
      ? fc.constant([])
      : fc.uniqueArray(nodesOf(nodeName, depth - 1), { selector: (child) => child.name, maxLength: 3 });
  return fc.record({ name, properties, children });
}
const nodeName = fc.stringMatching(/^[a-z]{1,5}(@[0-9a-f]{1,3})?$/);
const arbitraryRoot = nodesOf(fc.constant(''), 3);
