/** Debian's OpenSBI and kernel on the bare machine: firmware in M-mode, Linux in HS-mode, without our hypervisor. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hasCompiler } from '../guests/compile.ts';
import { buildProbe } from '../guests/probe/build.ts';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { InputError } from '../src/errors/input-error.ts';
import { readCpu, type Xlen } from '../src/machine/cpu.ts';
import { debianGuest, debianPackage } from '../src/node/debian/debian-guest.ts';
import { guestScript, QUICK_START } from './machine/guest-script.ts';
import { runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;

interface Files {
  readonly firmware: string;
  /** The same for harts of 32 bits. */
  readonly firmware32: string;
  readonly kernel: string;
  readonly busybox: string;
}

/** Undefined, with a word why, where the packages cannot be fetched: no apt, no network. */
async function fetched(): Promise<Files | undefined> {
  try {
    const { directory, files } = await debianPackage('opensbi');
    // The package holds builds for 32 and 64 bits.
    const find = (xlen: Xlen): string => {
      const firmware = files.find((file) => new RegExp(`riscv${xlen}.*/fw_dynamic\\.bin$`).test(file));
      if (firmware === undefined)
        throw new Error(`the package opensbi has no fw_dynamic.bin of ${xlen} bits: ${files.join(' ')}`);
      return join(directory, firmware);
    };
    const guest = await debianGuest();
    const firmware = { firmware: find(64), firmware32: find(32) };
    return { ...firmware, kernel: guest.kernelPath, busybox: guest.busyboxPath };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.warn(`opensbi.test: skipped. ${error.message}`);
    return undefined;
  }
}
const files = await fetched();

const script = `
echo "nproc: $(nproc)"
grep -m 1 isa /proc/cpuinfo
grep -E 'riscv-timer|ttyS0' /proc/interrupts
[ -x /probe ] && /probe
`;

/** Names of bits of the key for extensions, from bit 0 on (Linux, `hwprobe.rst`); F and D are one. */
const PROBED = (
  'fd c v zba zbb zbs zicboz zbc zbkb zbkc zbkx zknd zkne zknh zksed zksh zkt zvbb zvbc zvkb zvkg zvkned zvknha ' +
  'zvknhb zvksed zvksh zvkt zfh zfhmin zihintntl zvfh zvfhmin zfa ztso zacas zicond zihintpause zve32x zve32f zve64x ' +
  'zve64f zve64d zimop zca zcb zcd zcf zcmop zawrs'
).split(' ');

/** The extensions that the kernel's hwprobe tells programs. */
function probed(output: string): string[] {
  const value = BigInt(`0x${/hwprobe 0{15}4 ([0-9a-f]{16})/.exec(output)?.[1] ?? '0'}`);
  return PROBED.filter((_, bit) => ((value >> BigInt(bit)) & 1n) === 1n).toSorted();
}

/** The extensions that it has to tell: C implies Zca and with D Zcd. */
function probedOf(extensions: readonly string[]): string[] {
  const names = new Set([...extensions, 'fd', 'zca', 'zcd']);
  return PROBED.filter((name) => names.has(name)).toSorted();
}

/** Single letters of an ISA string. */
const LETTERS = {
  'rv64,zacas=true': /rv64imafdch_/,
  rva22s64: /rv64imafdc_/,
  rva23s64: /rv64imafdcvh_/,
} as const;

const scratch = mkdtempSync(join(tmpdir(), 'probe-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const probe = hasCompiler() ? buildProbe(scratch) : undefined;

describe.skipIf(files === undefined)('OpenSBI starts Debian in HS-mode', () => {
  test.each([
    // All of the kernel's start, with its self-tests of ciphers, where there are instructions for them.
    ['none', 'SiFive PLIC', 'rva23s64', ''],
    ['aplic', 'APLIC-DIRECT', 'rva22s64', QUICK_START],
    ['aplic-imsic', 'APLIC-MSI-d000000.aplic', 'rv64,zacas=true', QUICK_START],
  ] as const)(
    'on 2 harts, to userspace and power-off, with --aia %s',
    async (aia, controller, cpu, words) => {
      if (files === undefined) throw new Error('there are no files');
      const image = {
        kind: 'raw',
        bytes: new Uint8Array(readFileSync(files.firmware)),
        source: files.firmware,
      } as const;
      const kernel = await readKernel(readFileSync(files.kernel), files.kernel);
      const { extensions } = readCpu(cpu);
      const extraFiles = probe === undefined ? [] : [{ path: 'probe', data: probe, mode: 0o755 }];
      const initrd = initramfs({
        busybox: readFileSync(files.busybox),
        run: guestScript(script),
        extraFiles,
      });
      const { end, output } = await runMachine(
        {
          kind: 'bare',
          harts: 2,
          memoryBytes: 512 * 1024 * 1024,
          program: { kind: 'firmware', image, kernel, initrd },
          bootArgs: `console=ttyS0 earlycon=sbi ${words}`,
          extensions,
          aia,
        },
        LIMIT_MS,
      );
      expect(end, output.slice(-2000)).toEqual({ reason: 'poweroff' });
      expect(output).toMatch(/Platform HART Count\s+: 2/);
      expect(output).toContain('nproc: 2\r\n');
      // If the hart has the hypervisor extension, the kernel sees it here.
      expect(output).toMatch(LETTERS[cpu]);
      if (probe !== undefined) expect(probed(output)).toEqual(probedOf(extensions));
      const timer = /(\d+)\s+(\d+)\s+RISC-V INTC\s+5 Edge\s+riscv-timer/.exec(output)?.slice(1).map(Number);
      expect(Math.min(...(timer ?? [0]))).toBeGreaterThan(0);
      const serial = new RegExp(`(\\d+)\\s+(\\d+)\\s+${controller}\\s+10 (Edge|Level).*ttyS0`).exec(output);
      expect(Number(serial?.[1]) + Number(serial?.[2])).toBeGreaterThan(0);
      expect(output).not.toMatch(/rcu.*stall|soft lockup|Oops|BUG:/);
    },
    LIMIT_MS + 20_000,
  );
});

describe.skipIf(files === undefined)('OpenSBI for 32 bits starts tick', () => {
  test.each([1, 2])(
    'on %i harts',
    async (harts) => {
      if (files === undefined) throw new Error('there are no files');
      const bytes = new Uint8Array(readFileSync(files.firmware32));
      const image = { kind: 'raw', bytes, source: files.firmware32 } as const;
      const tick = new URL('../guests/tick/tick-rv32.elf', import.meta.url);
      const { end, output } = await runMachine(
        {
          kind: 'bare',
          xlen: 32,
          harts,
          memoryBytes: 64 * 1024 * 1024,
          program: { kind: 'firmware', image, kernel: await readKernel(readFileSync(tick), 'tick', {}, 32) },
          // 4: OpenSBI 1.1 may start a hart at the kernel's own entry.
          bootArgs: 'rounds=40 lenient=4',
        },
        LIMIT_MS,
      );
      expect(end, output.slice(-2000)).toEqual({ reason: 'poweroff' });
      expect(output).toMatch(/Boot HART (Base )?ISA\s+: rv32ima/);
      expect(output).toContain('paging Sv32');
      expect(output).toContain('tick: PASS');
    },
    LIMIT_MS + 20_000,
  );
});
