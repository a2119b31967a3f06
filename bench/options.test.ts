import { describe, expect, test } from 'vitest';
import { InputError } from '../src/errors/input-error.ts';
import { kernels } from './cpu/kernels.ts';
import { linuxBenchmarks } from './linux/benchmarks.ts';
import {
  readBootOptions,
  readCpuOptions,
  readDiskOptions,
  readLinuxOptions,
  readNetOptions,
  readVectorOptions,
  readWebOptions,
  usage,
} from './options.ts';

test('net takes the numbers of vCPUs, and no kernel', () => {
  expect(readNetOptions(['--smp', '2', '--runs', '3'])).toMatchObject({ smp: [2], runs: 3, memory: '512M' });
  expect(() => readNetOptions(['--kernel', 'k'])).toThrow(InputError);
});

test('web compares with Node, or with v86, whose guest has a compiler of its own', () => {
  expect(readWebOptions([])).toMatchObject({ v86: false, linux: true, pcCompiler: 'gcc' });
  expect(readWebOptions(['--v86', '--cc-pc', 'c', '--runs', '2'])).toMatchObject({
    ...{ v86: true, pcCompiler: 'c', runs: 2 },
  });
});

const names = (args: readonly string[]) => readCpuOptions(args).kernels.map(({ name }) => name);

test('vector has kernels of its own', () => {
  const names = readVectorOptions(['--kernels', 'vector-dot,vector-copy']).kernels.map(({ name }) => name);
  expect(names).toEqual(['vector-copy', 'vector-dot']);
  expect(() => readVectorOptions(['--kernels', 'list'])).toThrow(
    /no kernel "list"\. There are vector-copy, /,
  );
});

describe('cpu', () => {
  test('measures every kernel in five turns unless told otherwise', () => {
    const options = readCpuOptions([]);
    expect(options.kernels).toEqual(kernels);
    expect(options).toMatchObject({ runs: 5, times: 5, json: false, compiler: undefined });
    expect(options).toMatchObject({ nodes: [process.execPath], qemus: ['qemu-system-riscv64'], engines: [] });
  });

  test('takes kernels by name and families by the name of their source, in the order of the table', () => {
    expect(names(['--kernels', 'chase, list'])).toEqual([
      'list',
      'chase-4k',
      'chase-64k',
      'chase-1024k',
      'chase-16384k',
      'chase-65536k',
    ]);
    expect(names(['--kernels', 'stream-64k'])).toEqual(['stream-64k']);
  });

  test('compares harts of 32 bits with the QEMU for them', () => {
    expect(readCpuOptions(['--cpu', 'rv32'])).toMatchObject({ xlen: 32, qemus: ['qemu-system-riscv32'] });
    expect(readCpuOptions(['--cpu', 'rv32', '--qemu', 'q'])).toMatchObject({ xlen: 32, qemus: ['q'] });
    expect(readCpuOptions([]).xlen).toBe(64);
  });

  test('takes every option', () => {
    const args =
      '--runs 3 --qemu q,trixie --node n,26 --engine a,b --cc c --timeout 9 --times 2 --json'.split(' ');
    expect(readCpuOptions(args)).toMatchObject({
      ...{ runs: 3, qemus: ['q', 'trixie'], nodes: ['n', '26'], engines: ['a', 'b'] },
      ...{ compiler: 'c', timeout: 9, times: 2, json: true },
    });
  });

  test.each([
    [['--kernels', 'lists'], /no kernel "lists"\. There are list, /],
    [['--kernels', ''], /no kernel ""/],
    [['--runs', '0'], /--runs 0 .* 1 to 1000/],
    [['--runs', '1.5'], /--runs 1\.5 /],
    [['--timeout', 'soon'], /--timeout soon /],
    [['--times', '0'], /--times 0 .* 1 to 1000/],
    [['--cpu', 'rv128'], /--cpu rv128: .*rv32, rv64/],
    [['--smp', '2'], /--smp/],
    [['list'], /list/],
    [['--qemu'], /--qemu/],
    [['--node', '24,'], /--node 24, has an empty place/],
  ])('%j is a mistake of the user', (args, message) => {
    expect(() => readCpuOptions(args)).toThrow(InputError);
    expect(() => readCpuOptions(args)).toThrow(message);
  });
});

describe('boot', () => {
  test("measures Debian's guest with one and two vCPUs unless told otherwise", () => {
    const expected = { kernel: undefined, initrd: undefined, smp: [1, 2], memory: '512M', append: '' };
    expect(readBootOptions([])).toMatchObject(expected);
  });

  test('takes every option', () => {
    const args = ['--kernel', 'k', '--initrd', 'i', '--smp', '1,4,8', '--memory', '1G', '--append', 'quiet'];
    const expected = { kernel: 'k', initrd: 'i', smp: [1, 4, 8], memory: '1G', append: 'quiet' };
    expect(readBootOptions(args)).toMatchObject(expected);
  });

  test.each([
    [['--kernel', 'k'], /belong together/],
    [['--initrd', 'i'], /belong together/],
    [['--smp', '1,0'], /--smp 0 /],
    [['--smp', '1,'], /--smp {2}is/],
    [['--memory', '512'], /--memory 512 /],
    [['--kernels', 'list'], /--kernels/],
  ])('%j is a mistake of the user', (args, message) => {
    expect(() => readBootOptions(args)).toThrow(InputError);
    expect(() => readBootOptions(args)).toThrow(message);
  });
});

describe('linux', () => {
  test('measures everything for half a second each unless told otherwise', () => {
    const expected = { kernel: undefined, smp: [1, 2], memory: '512M', milliseconds: 500 };
    expect(readLinuxOptions([])).toMatchObject({ ...expected, benchmarks: linuxBenchmarks });
  });

  test('takes benchmarks by name, in the order of the table', () => {
    const { benchmarks, milliseconds } = readLinuxOptions(['--benchmarks', 'tick, fork', '--ms', '50']);
    expect(benchmarks.map(({ name }) => name)).toEqual(['fork', 'tick']);
    expect(milliseconds).toBe(50);
  });

  test('takes interrupt controllers', () => {
    expect(readLinuxOptions([]).aias).toEqual([]);
    expect(readLinuxOptions(['--aia', 'none,aplic-imsic']).aias).toEqual(['none', 'aplic-imsic']);
  });

  test.each([
    [['--benchmarks', 'forks'], /no Linux benchmark "forks"\. There are syscall, /],
    [['--ms', '0'], /--ms 0 /],
    [['--initrd', 'i'], /--initrd/],
  ])('%j is a mistake of the user', (args, message) => {
    expect(() => readLinuxOptions(args)).toThrow(InputError);
    expect(() => readLinuxOptions(args)).toThrow(message);
  });
});

test('the help names every kernel and benchmark', () => {
  for (const { name } of [...kernels, ...linuxBenchmarks]) expect(usage).toContain(name);
});

describe('disk', () => {
  test('measures everything with disks of both formats', () => {
    const options = readDiskOptions([]);
    expect(options).toMatchObject({ formats: ['raw', 'qcow2'], milliseconds: 1000, memory: '512M' });
    expect(options.benchmarks).toContain('read-4k-32');
  });

  test('takes some of it', () => {
    const words = ['--formats', 'qcow2', '--benchmarks', 'flush, read-4k', '--ms', '20'];
    expect(readDiskOptions(words)).toMatchObject({
      ...{ formats: ['qcow2'], benchmarks: ['flush', 'read-4k'], milliseconds: 20 },
    });
    expect(() => readDiskOptions(['--formats', 'vmdk'])).toThrow('There are raw, qcow2');
    expect(() => readDiskOptions(['--benchmarks', 'x'])).toThrow(InputError);
  });
});
