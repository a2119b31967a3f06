/** As under `perf stat` and `perf record`: Linux counts by the SBI, and samples by overflows of counters. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildCounters } from '../guests/counters/build.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { kernelForOurProgram } from './machine/debian-guest.ts';
import { QUICK_START } from './machine/guest-script.ts';
import { runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;
/** Changes of the page table that the guest makes while another thread uses it. */
const CHANGES = 40;

const path = await kernelForOurProgram();
const scratch = mkdtempSync(join(tmpdir(), 'counters-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.skipIf(path === undefined)('perf in a Linux guest', () => {
  test.each(['none', 'aplic-imsic'] as const)(
    'counts loops on vCPUs that share a pCPU, and remote fences; with the AIA it samples, too (%s)',
    async (aia) => {
      if (path === undefined) throw new Error('there is no kernel');
      const { end, output } = await runMachine(
        {
          kind: 'domain',
          vcpus: 2,
          pcpus: 1,
          aia,
          memoryBytes: 256 * 1024 * 1024,
          protocol: 'take-mirror',
          kernel: await readKernel(readFileSync(path), path),
          initrd: buildCounters(scratch),
          bootArgs: `console=ttyS0 earlycon=sbi panic=-1 ${QUICK_START}`,
          debug: true,
        },
        LIMIT_MS,
      );
      expect(end, output.slice(-3000)).toEqual({ reason: 'poweroff' });
      const rows = (name: string): number[][] =>
        [...output.matchAll(new RegExp(`^${name}((?: -?\\d+)+)`, 'gm'))].map(([, numbers]) =>
          (numbers ?? '').trim().split(' ').map(Number),
        );
      expect(rows('loop')).toHaveLength(4);
      for (const [expected = 0, ...counts] of rows('loop')) {
        for (const counted of counts) {
          expect(counted).toBeGreaterThan(expected);
          // Interrupts are counted too, and no clock says how many there are.
          expect(counted).toBeLessThan(expected * 2);
        }
      }
      const [samples = []] = rows('samples');
      if (aia === 'none') {
        // EOPNOTSUPP: without the overflow interrupt Linux does not sample.
        expect(samples).toEqual([-95]);
      } else {
        const [due = 0, taken, inUserMode] = samples;
        expect(due).toBe(20);
        // A counter may overflow while Linux switches to another process: it is stopped before its interrupt is taken.
        expect(taken).toBeGreaterThanOrEqual(due - 2);
        expect(taken).toBeLessThan(due * 2);
        expect(inUserMode).toBeGreaterThan(due / 2);
      }
      // ENOENT: no counter counts cache misses.
      expect(rows('missing')).toEqual([[-2]]);
      const [[setTimer, sent, received, fences = 0, fencesWithAsid = 0] = []] = rows('firmware');
      // With Sstc the guest sets its timer itself.
      expect(setTimer).toBe(0);
      if (aia === 'none') {
        expect(sent, output.slice(-2000)).toBeGreaterThan(0);
        expect(received).toBeGreaterThan(0);
        expect(fences + fencesWithAsid).toBeGreaterThanOrEqual(CHANGES / 2);
      } else {
        // Linux sends messages to interrupt files, also to have others fence, and the firmware has no part in it.
        expect([sent, received, fences, fencesWithAsid]).toEqual([0, 0, 0, 0]);
      }
      expect(output).toContain('16 firmware and 2 hardware counters');
    },
    LIMIT_MS + 20_000,
  );
});
