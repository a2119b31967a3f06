/** The forms in which kernels come, each started from a file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { assemble } from '../../src/isa/index.ts';
import { busyboxFiles } from '../../src/node/guests/load-guest.ts';
import { findNode, findProperty, readDeviceTree } from '../fixtures/fdt-reader.ts';
import { debianGuest } from '../machine/debian-guest.ts';
import { runCli } from './command.ts';
import { finisher, printMessage, systemReset, writeProgram } from './programs.ts';

const guest = await debianGuest();
const directory = mkdtempSync(join(tmpdir(), 'hartvisor-kernels-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

const machineCode = (source: string, origin: bigint) => new Uint8Array(assemble(source, { origin }).bytes);

/** Machine code for 2 MiB above the start of RAM, without any header. It says where it runs, and powers off. */
const raw = machineCode(
  `auipc t0, 0\nli t1, 0x80200000\nbne t0, t1, wrong\n${printMessage}\n${systemReset(0)}
  wrong: ${systemReset(0, 1)}\nmessage: .asciz "started"\n`,
  0x8020_0000n,
);

/** An EFI kernel that unpacks itself. */
function zboot(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(0x400 + payload.length);
  bytes.set(new TextEncoder().encode('MZ\0\0zimg'));
  new DataView(bytes.buffer).setUint32(8, 0x400, true);
  new DataView(bytes.buffer).setUint32(12, payload.length, true);
  bytes.set(payload, 0x400);
  return bytes;
}

/** Packs bytes by `xz`; without the program the case is left out. */
function xz(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return execFileSync('xz', ['--check=crc32', '--stdout'], { input: bytes });
  } catch {
    return undefined;
  }
}

const xzOfRaw = xz(raw);
const forms: readonly (readonly [string, Uint8Array])[] = [
  ['without a header', raw],
  ['in zstd', zstdCompressSync(raw)],
  ['in EFI zboot of gzip', zboot(gzipSync(raw))],
  ...(xzOfRaw === undefined ? [] : ([['in EFI zboot of xz', zboot(xzOfRaw)]] as const)),
];

describe('run starts a kernel', () => {
  test.concurrent.each(forms)('%s', async (form, bytes) => {
    const args = ['run', '--kernel', file(form, bytes), '-m', '8M', '--smp', '1'];
    expect(await runCli(args)).toEqual({ status: 0, stdout: 'started', stderr: '' });
  });
});

test('machine starts a kernel without a header under firmware', async () => {
  // Firmware that hands on what fw_dynamic is told, and ends the machine when its kernel calls it.
  const firmware = machineCode(
    `li t0, -1\ncsrw 0x3b0, t0\nli t0, 0x1f\ncsrw 0x3a0, t0\nla t0, call\ncsrw 0x305, t0
    ld t0, 16(a2)\ncsrw 0x341, t0\nli t0, 0x1800\ncsrc 0x300, t0\nli t0, 0x800\ncsrs 0x300, t0\nmret
    .align 2\ncall: ${finisher(0x5555)}`,
    0x8000_0000n,
  );
  const args = ['machine', file('kernel.bin', raw), '--bios', file('firmware.bin', firmware), '-m', '8M'];
  expect(await runCli(args)).toEqual({ status: 0, stdout: 'started', stderr: '' });
});

describe('the boot arguments', () => {
  const kernel = writeProgram(join(directory, 'kernel.elf'), systemReset(0));

  let trees = 0;

  async function bootArguments(...args: string[]): Promise<unknown> {
    const path = join(directory, `tree-${trees++}.dtb`);
    expect(await runCli(['run', '--kernel', kernel, '--dumpdtb', path, ...args])).toMatchObject({
      status: 0,
    });
    const chosen = findNode(readDeviceTree(new Uint8Array(readFileSync(path))).root, '/chosen');
    const value = chosen && findProperty(chosen, 'bootargs');
    return value?.kind === 'bytes' ? new TextDecoder().decode(value.bytes) : value;
  }

  test.concurrent.each<[string, string[], string | undefined]>([
    ['begin with the usual ones', ['--append', 'a b'], 'console=ttyS0 earlycon=sbi panic=-1 a b\0'],
    [
      'are exactly those of --append with --append-only',
      ['-append', ' a  "b" ', '--append-only'],
      ' a  "b" \0',
    ],
    ['are none with --append-only alone', ['--append-only'], undefined],
    ['are none with --append-only and no words', ['--append-only', '--append', ''], undefined],
  ])('%s', async (_, args, expected) => {
    expect(await bootArguments(...args)).toEqual(expected);
  });

  test.skipIf(guest === undefined)(
    'of the guest that hartvisor brings leave out tests of ciphers',
    async () => {
      const machine = {
        memoryBytes: 2 ** 28,
        xlen: 64,
        terminal: 'serial',
        parts: { virtio: 'mmio' },
      } as const;
      const { bootArgs } = await busyboxFiles({ ...machine, append: 'a b' });
      expect(bootArgs).toBe('console=ttyS0 earlycon=sbi panic=-1 cryptomgr.notests a b');
    },
  );
});
