import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  findNode,
  findProperty,
  readCells,
  readDeviceTree,
  readStrings,
} from '../../test/fixtures/fdt-reader.ts';
import { haveQemu } from '../../test/machine/on-qemu.ts';
import type { DeviceTreeNode, PropertyValue } from '../boot/device-tree.ts';
import { writeDeviceTree } from '../boot/fdt-writer.ts';
import { isaString, type MachineDescription, machineTree } from '../boot/machine-tree.ts';
import type { Aia, AttachedParts } from '../devices/descriptor.ts';
import { describeDevices } from './devices.ts';
import { RAM_BASE } from './parts.ts';

const extensions = ['m', 'a', 'f', 'd', 'c', 'zicbom', 'zicboz', 'zicsr', 'zba', 'sstc'];
interface Described extends Omit<MachineDescription, 'devices' | 'ramBase'>, AttachedParts {
  readonly kind: 'domain' | 'bare';
  readonly aia?: Aia;
  readonly aiaGuests?: number;
}

const domain: Described = {
  kind: 'domain',
  cpus: 2,
  memorySize: 512 * 1024 * 1024,
  extensions,
  mmuType: 'riscv,sv48',
  bootArgs: 'console=ttyS0',
  initrd: { start: 0x9f00_0000, end: 0x9f12_3456 },
  rngSeed: new Uint8Array(32).fill(9),
};
const bare: Described = { ...domain, kind: 'bare' };
const withAplic: Described = { ...bare, aia: 'aplic' };
const withImsic: Described = { ...bare, aia: 'aplic-imsic', aiaGuests: 3 };
const domainWithImsic: Described = { ...domain, aia: 'aplic-imsic' };
const drives = [{ name: 'disk.img', bytes: 512, readOnly: false, serial: 'S' }];

function blobOf(machine: Described): Uint8Array {
  return writeDeviceTree(machineTree({ ...machine, ramBase: RAM_BASE, devices: describeDevices(machine) }));
}

function read(machine: Described) {
  const { root } = readDeviceTree(blobOf(machine));
  const value = (path: string, name: string) => {
    const found = findNode(root, path);
    return found === undefined ? undefined : findProperty(found, name);
  };
  return {
    root,
    cells: (path: string, name: string) => readCells(value(path, name)),
    strings: (path: string, name: string) => readStrings(value(path, name)),
  };
}

/** The interrupts that a controller feeds, as `[hart, number]`. */
function wires({ root, cells }: ReturnType<typeof read>, path: string): number[][] {
  const harts = new Map(
    findNode(root, '/cpus')?.children.map((cpu, hart) => [
      cells(`/cpus/${cpu.name}/interrupt-controller`, 'phandle')?.[0],
      hart,
    ]),
  );
  const list = cells(path, 'interrupts-extended') ?? [];
  return Array.from({ length: list.length / 2 }, (_, index) => [
    harts.get(list[index * 2]) ?? -1,
    list[index * 2 + 1],
  ]);
}

/** Properties of ours that QEMU 7.2 does not have: newer bindings. */
const NEWER = ['riscv,delegation', '#msi-cells'];
/** Devices of both that have an interrupt, and the interrupt controllers. */
const SHARED = /^(aplic|imsics|rtc|serial|virtio_mmio)@/;

/** The properties of the nodes that both have, by the paths of the nodes that they refer to. */
function sharedNodes(blob: Uint8Array): Record<string, Record<string, unknown>> {
  const { root } = readDeviceTree(blob);
  const all = [...nodesOf(root, '')];
  const paths = new Map(
    all.map(([path, { properties }]) => [readCells(new Map(properties).get('phandle'))?.[0], path]),
  );
  const shared = all.filter(([, { name }]) => SHARED.test(name) && !/^virtio_mmio@1000[2-8]/.test(name));
  return Object.fromEntries(
    shared.map(([path, { properties }]) => {
      const kept = properties.filter(
        ([name]) => name !== 'phandle' && name !== '#address-cells' && !NEWER.includes(name),
      );
      return [path, Object.fromEntries(kept.map(([name, value]) => [name, meaningOf(name, value, paths)]))];
    }),
  );
}

const REFERENCES = [
  'interrupt-parent',
  'interrupts-extended',
  'msi-parent',
  'riscv,children',
  'riscv,delegate',
];

function meaningOf(
  name: string,
  value: PropertyValue,
  paths: ReadonlyMap<number | undefined, string>,
): unknown {
  const cells = readCells(value);
  if (cells === undefined || !REFERENCES.includes(name)) return value;
  // A reference comes first, and before each number of a hart's interrupt.
  return cells.map((cell, index) =>
    index === 0 || (name === 'interrupts-extended' && index % 2 === 0) ? paths.get(cell) : cell,
  );
}

function* nodesOf(from: DeviceTreeNode, path: string): Generator<[string, DeviceTreeNode]> {
  yield [path, from];
  for (const child of from.children) yield* nodesOf(child, `${path}/${child.name}`);
}

function treeOfQemu(machine: string, cpus: number): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'device-tree-'));
  const file = join(folder, 'dtb');
  const args = ['-M', `${machine},dumpdtb=${file}`, '-smp', `${cpus}`, '-m', '512M', '-display', 'none'];
  execFileSync('qemu-system-riscv64', args, { stdio: 'ignore' });
  const blob = readFileSync(file);
  rmSync(folder, { recursive: true });
  return blob;
}

describe('machineTree', () => {
  it('gives a domain one supervisor context for each hart and no CLINT', () => {
    const machine = read(domain);
    expect(wires(machine, '/soc/plic@c000000')).toEqual([
      [0, 9],
      [1, 9],
    ]);
    expect(findNode(machine.root, '/soc/clint@2000000')).toBeUndefined();
  });

  it('gives the bare machine contexts and a CLINT in the order of QEMU', () => {
    const machine = read(bare);
    expect(wires(machine, '/soc/plic@c000000')).toEqual([
      [0, 11],
      [0, 9],
      [1, 11],
      [1, 9],
    ]);
    expect(wires(machine, '/soc/clint@2000000')).toEqual([
      [0, 3],
      [0, 7],
      [1, 3],
      [1, 7],
    ]);
  });

  it('describes memory, command line, initrd and cpus', () => {
    const { cells, strings } = read({ ...domain, cpus: 17, memorySize: 0x1_2340_0000 });
    expect(cells('/memory@80000000', 'reg')).toEqual([0, 0x8000_0000, 1, 0x2340_0000]);
    expect(strings('/chosen', 'bootargs')).toEqual(['console=ttyS0']);
    expect(cells('/chosen', 'linux,initrd-end')).toEqual([0, 0x9f12_3456]);
    expect(cells('/cpus/cpu@10', 'reg')).toEqual([16]);
    expect(strings('/cpus/cpu@10', 'riscv,isa')).toEqual(['rv64imafdc_zicbom_zicboz_zicsr_zba_sstc']);
    expect(strings('/cpus/cpu@10', 'riscv,isa-extensions')).toEqual(['i', ...extensions]);
    expect(cells('/cpus/cpu@0', 'riscv,cbom-block-size')).toEqual([64]);
    expect(cells('/cpus', 'timebase-frequency')).toEqual([10_000_000]);
  });

  it('says nothing of cache blocks, initrd or command line where there are none', () => {
    const { root } = read({
      kind: 'domain',
      cpus: 1,
      memorySize: 4096,
      extensions: ['m'],
      mmuType: 'riscv,sv39',
    });
    const names = (path: string) => findNode(root, path)?.properties.map(([name]) => name);
    expect(names('/chosen')).toEqual(['stdout-path']);
    expect(names('/cpus/cpu@0')).not.toContain('riscv,cbom-block-size');
  });

  it('points power-off and reboot at the test finisher', () => {
    const { cells } = read(domain);
    const finisher = cells('/soc/test@100000', 'phandle');
    expect(cells('/poweroff', 'regmap')).toEqual(finisher);
    expect(cells('/poweroff', 'value')).toEqual([0x5555]);
    expect(cells('/reboot', 'regmap')).toEqual(finisher);
    expect(cells('/reboot', 'value')).toEqual([0x7777]);
  });

  it('refuses a machine without cpus', () => {
    expect(() => blobOf({ ...domain, cpus: 0 })).toThrow(RangeError);
    expect(() => blobOf({ ...domain, memorySize: 0 })).toThrow(RangeError);
  });

  it('has an APLIC in the place of the PLIC, with a second cell for the kind of wire', () => {
    const machine = read(withAplic);
    expect(findNode(machine.root, '/soc/plic@c000000')).toBeUndefined();
    expect(wires(machine, '/soc/aplic@c000000')).toEqual([
      [0, 11],
      [1, 11],
    ]);
    expect(wires(machine, '/soc/aplic@d000000')).toEqual([
      [0, 9],
      [1, 9],
    ]);
    expect(machine.cells('/soc/serial@10000000', 'interrupts')).toEqual([10, 4]);
  });

  it.runIf(haveQemu()).each([
    [withAplic, 'aia=aplic'],
    [withImsic, 'aia=aplic-imsic,aia-guests=3'],
    [{ ...withImsic, cpus: 3, aiaGuests: 0 }, 'aia=aplic-imsic'],
    [{ ...withImsic, cpus: 5, aiaGuests: 4 }, 'aia=aplic-imsic,aia-guests=4'],
  ])('describes interrupt controllers and what interrupts as QEMU does (%o, %s)', (machine, words) => {
    expect(sharedNodes(blobOf(machine))).toEqual(sharedNodes(treeOfQemu(`virt,${words}`, machine.cpus)));
  });

  it.runIf(haveQemu()).each([
    [bare, 'aia=none'],
    [withAplic, 'aia=aplic'],
    [withImsic, 'aia=aplic-imsic,aia-guests=3'],
  ])('describes the PCI bus as QEMU does (%o, %s)', (machine, words) => {
    const names = [
      'reg',
      'bus-range',
      'interrupt-map-mask',
      '#interrupt-cells',
      'linux,pci-domain',
      'dma-coherent',
    ];
    const describe = (blob: Uint8Array) => {
      const { root } = readDeviceTree(blob);
      const pci = findNode(root, '/soc/pci@30000000');
      const controllers = new Map(
        [...nodesOf(root, '')].map(([path, node]) => [readCells(findProperty(node, 'phandle'))?.[0], path]),
      );
      controllers.delete(undefined);
      const property = (name: string) => (pci === undefined ? undefined : findProperty(pci, name));
      const width = machine.aia === undefined ? 6 : 7;
      const map = (readCells(property('interrupt-map')) ?? []).map((cell, index) =>
        index % width === 4 ? controllers.get(cell) : cell,
      );
      // QEMU also has a window of ports before that of memory, and one above 4 GiB behind it.
      const ranges = readCells(property('ranges')) ?? [];
      const memory = ranges.indexOf(0x0200_0000);
      return {
        ...Object.fromEntries(names.map((name) => [name, property(name)])),
        map,
        memory: ranges.slice(memory, memory + 7),
        messages: controllers.get(readCells(property('msi-parent'))?.[0]),
      };
    };
    const ours = describe(blobOf({ ...machine, drives }));
    expect(ours).toEqual(describe(treeOfQemu(`virt,${words}`, machine.cpus)));
    expect([ours.map.length, ours.memory.length]).toEqual([machine.aia === undefined ? 96 : 112, 7]);
  });

  it('has drives on the PCI bus, or in places of their own, and the bus only where something is on it', () => {
    const nodes = (machine: Described) =>
      (findNode(read(machine).root, '/soc')?.children ?? [])
        .map(({ name }) => name)
        .filter((name) => /^(pci|virtio_mmio)@/.test(name));
    expect(nodes(domain)).toEqual(['virtio_mmio@10001000']);
    expect(nodes({ ...domain, drives })).toEqual(['virtio_mmio@10001000', 'pci@30000000']);
    const onMmio: Described = { ...domain, drives, virtio: 'mmio' };
    expect(nodes(onMmio)).toEqual(['virtio_mmio@10008000', 'virtio_mmio@10001000']);
  });

  it('gives a domain the interrupt files of supervisor level alone, and an APLIC that sends to them', () => {
    const machine = read(domainWithImsic);
    const names = findNode(machine.root, '/soc')?.children.map(({ name }) => name) ?? [];
    expect(names.filter((name) => /^(plic|aplic|imsics)@/.test(name))).toEqual([
      'aplic@d000000',
      'imsics@28000000',
    ]);
    expect(machine.cells('/soc/imsics@28000000', 'reg')).toEqual([0, 0x2800_0000, 0, 0x2000]);
    expect(machine.cells('/soc/aplic@d000000', 'msi-parent')).toEqual(
      machine.cells('/soc/imsics@28000000', 'phandle'),
    );
  });

  const all = [domain, bare, withAplic, withImsic, domainWithImsic];
  it.each([...all, ...all.map((machine) => ({ ...machine, drives }))])(
    "passes the checks of Debian's dtc without a warning ($kind, $aia)",
    (machine) => {
      const result = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts'], { input: blobOf(machine) });
      if (result.error !== undefined) return console.log('skipped: dtc is not installed');
      expect(String(result.stderr)).toBe('');
      expect(result.status).toBe(0);
    },
  );
});

it('isaString puts single letters first', () => {
  expect(isaString(['m', 'a', 'zba', 'sstc'])).toBe('rv64ima_zba_sstc');
});
