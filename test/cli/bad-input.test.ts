import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildElf } from '../fixtures/elf-fixture.ts';
import { runCli } from './command.ts';
import { systemReset, writeProgram } from './programs.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-cli-'));
const file = (name: string) => join(directory, name);
const kernel = file('kernel.elf');
const image = file('Image');

/** The header of a RISC-V Image that promises to take 16 MiB of memory, with a PE header that promises 4096 bytes. */
function writeImage(path: string, size: number): void {
  const bytes = new Uint8Array(Math.max(size, 4096));
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('MZ'), 0);
  view.setBigUint64(8, 0x20_0000n, true);
  view.setBigUint64(16, 0x100_0000n, true);
  bytes.set(new TextEncoder().encode('RISCV\0\0\0RSC\x05'), 48);
  view.setUint32(60, 64, true);
  bytes.set(new TextEncoder().encode('PE\0\0'), 64);
  view.setUint16(68, 0x5064, true);
  view.setUint16(70, 1, true);
  view.setUint16(84, 0, true);
  view.setUint32(88 + 16, 2048, true);
  view.setUint32(88 + 20, 2048, true);
  writeFileSync(path, bytes.subarray(0, size));
}

beforeAll(() => {
  writeProgram(kernel, systemReset(0));
  writeImage(image, 4096);
  writeImage(file('short'), 3000);
  writeFileSync(file('x86.elf'), buildElf({ machine: 62 }));
  writeFileSync(file('text'), 'not a kernel\n');
  writeFileSync(file('empty'), '');
  writeFileSync(file('large'), '');
  truncateSync(file('large'), 80 * 2 ** 20);
});

afterAll(() => rmSync(directory, { recursive: true }));

const cases: readonly (readonly [what: string, args: readonly string[], message: RegExp])[] = [
  [
    'a truncated Image',
    ['run', '--kernel', file('short')],
    /short is a RISC-V Image that is cut short.* 4096 bytes.* 3000/,
  ],
  ['an x86 ELF', ['run', '--kernel', file('x86.elf')], /x86\.elf is an ELF file for x86-64/],
  ['text', ['run', '--kernel', file('text')], /text is not a RISC-V kernel: it is text/],
  [
    'a trace into a folder that is not there',
    ['run', '--guest', 'tick', '--trace', file('none/trace')],
    /--trace .*none\/trace: the trace cannot be written there: there is no such file or directory/,
  ],
  [
    'a table of symbols without a trace',
    ['run', '--guest', 'tick', '--system-map', file('text')],
    /--system-map names functions in a trace\. Give --trace as well/,
  ],
  [
    'a table of symbols that is none',
    ['run', '--guest', 'tick', '--trace', file('trace'), '--system-map', file('text')],
    /--system-map .*text: no line of this file names a function\. Give the System\.map/,
  ],
  [
    'a trace in lock step',
    ['run', '--guest', 'tick', '--trace', file('trace'), '--engine', 'lockstep'],
    /--trace: in lock step a machine is not traced/,
  ],
  ['an empty kernel', ['run', '--kernel', file('empty')], /kernel .*empty is empty/],
  ['a directory', ['run', '--kernel', directory], /is a directory\. Give a file with --kernel/],
  ['a missing kernel', ['run', '--kernel', file('missing')], /missing cannot be read: there is no such file/],
  ['a missing initrd', ['run', '--initrd', file('missing')], /The initrd .*missing cannot be read/],
  [
    'an initrd that is a directory',
    ['run', '--kernel', kernel, '--initrd', directory],
    /The initrd .* is a directory/,
  ],
  [
    'too much memory',
    ['run', '--kernel', kernel, '--memory', '5G'],
    /--memory 5G is more .* Give at most \d+M/,
  ],
  [
    'too little memory',
    ['run', '--kernel', image, '--memory', '1'],
    /1 MiB of memory, which is too little.* at least \d+ MiB/,
  ],
  [
    'more memory than RV32 has addresses for',
    ['run', '--cpu', 'rv32', '--kernel', kernel, '--memory', '5G'],
    /addresses of RV32 end at 4 GiB.* 2048 MiB/,
  ],
  [
    'a kernel of the other width',
    ['run', '-cpu', 'rv32', '--kernel', kernel],
    /kernel\.elf is for 64-bit RISC-V.*harts of rv64/,
  ],
  ['a program of the other width', ['machine', '--cpu', 'rv32', kernel], /kernel\.elf is for 64-bit RISC-V/],
  ['a Debian guest on RV32', ['run', '--cpu', 'rv32'], /Debian has no kernel for RV32/],
  ['unknown harts', ['run', '--cpu', 'max'], /--cpu max: .* rv32, rv64/],
  ['no size', ['run', '-m', 'lots'], /--memory lots is not a size/],
  [
    'an initrd larger than memory',
    ['run', '--kernel', kernel, '--initrd', file('large'), '-m', '64'],
    /initrd alone takes 80 MiB/,
  ],
  ['no vCPUs', ['run', '--kernel', kernel, '--smp', '0'], /--smp 0 .* 1 to 64/],
  ['too many vCPUs', ['run', '--kernel', kernel, '-smp', '1000'], /--smp 1000 .* 1 to 64/],
  [
    'more threads than vCPUs',
    ['run', '--kernel', kernel, '--smp', '2', '--pcpus', '3'],
    /--pcpus 3 .* 1 to 2/,
  ],
  [
    'an unknown protocol',
    ['run', '--kernel', kernel, '--protocol', 'x'],
    /protocol "x"; the protocols are take-mirror, published/,
  ],
  ['no time', ['run', '--kernel', kernel, '--timeout', '0'], /--timeout 0/],
  ['an unknown guest', ['run', '--guest', 'x'], /--guest x.* debian, tick/],
  ['two guests', ['run', '--guest', 'tick', '--kernel', kernel], /Give one of them/],
  ['a Debian and a kernel', ['run', '--guest', 'debian', '--kernel', kernel], /Give one of them/],
  ['a whole Debian on RV32', ['run', '--guest', 'debian', '--cpu', 'rv32'], /Debian has no kernel for RV32/],
  [
    'a whole Debian without a cache',
    ['run', '--guest', 'debian'],
    /The Debian image cannot be made: the cache/,
  ],
  ['a persistent kernel', ['run', '--persistent', '--kernel', kernel], /--persistent is for --guest debian/],
  ['an image for another thing', ['image', 'debian', '-o', 'x', '--size', 'y'], /y is not a size of a disk/],
  ['an unknown option', ['run', '--kernels', kernel], /unknown option '--kernels'/],
  ['a missing value', ['run', '--kernel'], /option '--kernel <file>' argument missing/],
  ['one word too many', ['run', kernel], /too many arguments/],
  ['an unknown command', ['start'], /unknown command 'start'/],
  [
    'a device tree that cannot be written',
    ['run', '--kernel', kernel, '--dumpdtb', file('none/x')],
    /cannot be written to .*none\/x/,
  ],
  [
    'a Debian guest without a cache',
    ['run'],
    /Debian's kernel cannot be fetched.*--kernel FILE.*--guest tick/,
  ],
  ['a program for x86', ['machine', file('x86.elf')], /x86\.elf is an ELF file for x86-64/],
  ['a program of text', ['machine', file('text')], /text cannot start in M-mode: it is text/],
  ['a kernel without firmware', ['machine', image], /does not start in M-mode.*--bios/],
  [
    'missing firmware',
    ['machine', kernel, '--bios', file('missing')],
    /The firmware .*missing cannot be read/,
  ],
  ['an initrd without firmware', ['machine', kernel, '--initrd', kernel], /give it with --bios/],
  ['no harts', ['machine', kernel, '--smp', '0'], /--smp 0 .* 1 to 64/],
];

describe('one message, status 2 and no stack trace for', () => {
  test.concurrent.each(cases)('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await runCli(args);
    expect(stderr).toMatch(/^hartvisor: /);
    expect(stderr).toMatch(message);
    // The parser's own messages are followed by advice.
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .filter((line) => !/^(Try: |\(Did you mean )/.test(line)),
    ).toHaveLength(1);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([status, stdout]).toEqual([2, '']);
  });
});

test('a command is needed', async () => {
  const { status, stderr } = await runCli([]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^Usage: hartvisor/);
});

test('help and version are no mistakes', async () => {
  const help = await runCli(['run', '--help']);
  expect([help.status, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toMatch(/--smp[\s\S]*Exit status:\n +0 /);
  expect(await runCli(['--version'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});
