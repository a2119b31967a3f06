import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installAtomics, uninstallAtomics } from '../../src/verify/atomics.ts';
import { CALLS } from '../../src/verify/memory/transcriptions/exercise.ts';
import { type CrossCompiler, compile, missing, RISCV } from './compilers.ts';
import { type CompiledCode, readCode } from './riscv-code.ts';
import { compareCall, type Meddler, NO_KICK_BARRIER, situationsOf } from './sequences.ts';

const scratch = mkdtempSync(join(tmpdir(), 'hartvisor-c-'));
beforeAll(installAtomics);
afterAll(() => {
  uninstallAtomics();
  rmSync(scratch, { recursive: true });
});

const MEDDLERS: readonly Meddler[] = [
  () => undefined,
  // A sender of VSSIP and a device, each between any two accesses of the function.
  (words, access) => {
    words[0] ^= access % 2 === 0 ? 1 << 2 : 1 << 10;
    words[1] ^= access % 2 === 0 ? 0 : 1 << 8;
  },
];

let builds = 0;

function build(compiler: CrossCompiler, numbers: number, args: readonly string[]): CompiledCode {
  const elf = join(scratch, `functions-${builds++}.elf`);
  // The linker need not find an entry, and puts the code at 0.
  const link = ['-Wl,-Ttext=0,--entry=0,--build-id=none', '-Wl,--no-relax'];
  compile(compiler, elf, [...args, `-DVCPU_IRQS_NR=${numbers}`, ...link, 'functions.c']);
  return readCode(elf, compiler.xlen, compiler.prefix);
}

/** All complaints about the compiled code, each once. */
function faultsOf(code: CompiledCode, numbers: number): string[] {
  const faults = new Set<string>();
  let compared = 0;
  for (const from of situationsOf(numbers / 32)) {
    for (const call of CALLS) {
      for (const meddle of MEDDLERS) {
        compared++;
        for (const fault of compareCall(code, call, from, meddle)) faults.add(`${call.text}: ${fault}`);
      }
    }
  }
  expect(compared).toBeGreaterThan(400);
  return [...faults];
}

for (const compiler of RISCV) {
  const reason = missing(compiler);
  if (reason !== undefined) console.warn(`sequences.test: ${reason}, so nothing of it is compared`);

  describe.skipIf(reason !== undefined)(compiler.name, () => {
    test.each([32, 64])('with %i numbers: the accesses and orders that are explored', (numbers) => {
      expect(faultsOf(build(compiler, numbers, []), numbers)).toEqual([]);
    });

    test('with the atomics of Xen', () => {
      const code = build(compiler, 64, ['-DVCPU_IRQS_XEN', '-include', 'kernels.h']);
      expect(faultsOf(code, 64)).toEqual([]);
    });

    test('with the atomics of Linux, whose kick has a barrier of its own', () => {
      const faults = faultsOf(build(compiler, 64, ['-DVCPU_IRQS_LINUX', '-include', 'kernels.h']), 64);
      expect(faults.length).toBeGreaterThan(0);
      expect(faults.filter((fault) => !fault.endsWith(NO_KICK_BARRIER))).toEqual([]);
    });

    test.each([
      ['', []],
      ['-DSET_ORDER=memory_order_relaxed', [/^set 2: access 0 \(or\) does not release$/]],
      ['-DTAKE_ORDER=memory_order_relaxed', [/^flush: access 1 \(and\) does not acquire$/]],
      ['-DKICK_BARRIER=(void)0', [/^set 2: no full barrier/, /^unset 10: no full barrier|^unset 2: no full/]],
      ['-DTAKE_AS_LOADED', [/^flush: 3 accesses instead of 2$/]],
    ])('an order or an access that differs is noticed: %s', (mistake, expected) => {
      const args = ['-include', 'mapped.h', ...(mistake === '' ? [] : [mistake])];
      const faults = faultsOf(build(compiler, 32, args), 32);
      for (const pattern of expected) expect(faults).toContainEqual(expect.stringMatching(pattern));
      expect(faults.length === 0).toBe(expected.length === 0);
    });
  });
}
