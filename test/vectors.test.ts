/** Vectors of processes in a Linux guest: Linux finds them, and keeps them over signals and switches. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildVectors } from '../guests/vectors/build.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { readCpu } from '../src/machine/cpu.ts';
import { kernelForOurProgram } from './machine/debian-guest.ts';
import { QUICK_START } from './machine/guest-script.ts';
import { runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;
/** Bits of RISCV_HWPROBE_KEY_IMA_EXT_0. */
const PROBE = {
  v: 1n << 2n,
  zvbb: 1n << 17n,
  zvbc: 1n << 18n,
  zvkb: 1n << 19n,
  zvkg: 1n << 20n,
  zvkned: 1n << 21n,
  zvknha: 1n << 22n,
  zvknhb: 1n << 23n,
  zvksed: 1n << 24n,
  zvksh: 1n << 25n,
  zvkt: 1n << 26n,
  zvfh: 1n << 30n,
  zvfhmin: 1n << 31n,
};

const path = await kernelForOurProgram();
const scratch = mkdtempSync(join(tmpdir(), 'vectors-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.skipIf(path === undefined)('vectors in a Linux guest', () => {
  test(
    'are found, and kept over signals and while other processes run',
    async () => {
      if (path === undefined) throw new Error('there is no kernel');
      const { end, output } = await runMachine(
        {
          kind: 'domain',
          vcpus: 1,
          pcpus: 1,
          memoryBytes: 256 * 1024 * 1024,
          protocol: 'take-mirror',
          extensions: readCpu('rv64,v=true,zvbb=true,zvbc=true,zvfh=true,zvkng=true,zvksg=true').extensions,
          kernel: await readKernel(readFileSync(path), path),
          initrd: buildVectors(scratch),
          bootArgs: `console=ttyS0 earlycon=sbi panic=-1 ${QUICK_START}`,
        },
        LIMIT_MS,
      );
      expect(end, output.slice(-3000)).toEqual({ reason: 'poweroff' });
      const row = (name: string): bigint[] => {
        const [, numbers = ''] = new RegExp(`^${name}((?: \\d+)+)`, 'm').exec(output) ?? [];
        return numbers.trim().split(' ').map(BigInt);
      };
      const [found = 0n] = row('extensions');
      for (const [name, bit] of Object.entries(PROBE)) expect(found & bit, name).toBe(bit);
      expect(row('vlenb')).toEqual([32n]);
      const [signals = 0n, ...changedBySignals] = row('signals');
      expect(signals).toBeGreaterThanOrEqual(32n);
      expect(changedBySignals).toEqual([0n]);
      expect(row('switches')).toEqual([32n, 0n]);
    },
    LIMIT_MS,
  );
});
