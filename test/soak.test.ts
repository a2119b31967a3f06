/** The soak guest for a short time: the whole way through Linux, with every result checked by the guest. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildSoak, soakInitramfs } from '../guests/soak/build.ts';
import { faultsOf, parseReport } from '../scripts/soak-verdict.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { kernelForOurProgram } from './machine/debian-guest.ts';
import { QUICK_START } from './machine/guest-script.ts';
import { runMachine } from './machine/run-machine.ts';

const SECONDS = 5;
const VCPUS = 2;
const LIMIT_MS = 240_000;

const path = await kernelForOurProgram();
const scratch = mkdtempSync(join(tmpdir(), 'soak-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.skipIf(path === undefined)('Linux under load', () => {
  test(
    `makes no mistake for ${SECONDS} s on ${VCPUS} vCPUs`,
    async () => {
      if (path === undefined) throw new Error('there is no kernel');
      const { end, output } = await runMachine(
        {
          kind: 'domain',
          vcpus: VCPUS,
          pcpus: 2,
          memoryBytes: 256 * 1024 * 1024,
          protocol: 'take-mirror',
          kernel: await readKernel(readFileSync(path), path),
          initrd: soakInitramfs(buildSoak(scratch)),
          // A machine that is busy with other things gets the time that it needs: no stall is looked for here.
          bootArgs: `console=ttyS0 earlycon=sbi loglevel=5 ${QUICK_START} -- ${SECONDS} 1 5 100`,
          debug: true,
        },
        LIMIT_MS,
      );
      const status = end.reason === 'poweroff' ? 0 : undefined;
      const reports = output.split(/\r?\n/).flatMap((line) => parseReport(line) ?? []);
      const samples = reports.map((report) => ({ ...report, resident: 0 }));
      const wanted = { seconds: SECONDS, vcpus: VCPUS };
      expect(faultsOf({ status, log: output, samples }, wanted), output.slice(-3000)).toEqual([]);
    },
    LIMIT_MS + 20_000,
  );
});
