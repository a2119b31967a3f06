/** Where Linux programs seldom go: debuggers, code that others change, processors that go away, times far ahead. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildCorners } from '../guests/corners/build.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { kernelForOurProgram } from './machine/debian-guest.ts';
import { QUICK_START } from './machine/guest-script.ts';
import { runMachine } from './machine/run-machine.ts';

const VCPUS = 4;
const FEW_ROUNDS = 4;
/** How often each processor goes away and comes back. */
const ROUNDS = Number(process.env.CORNERS_ROUNDS ?? FEW_ROUNDS);
/** A busy host takes seconds for a round. */
const LIMIT_MS = 240_000 + 15_000 * Math.max(0, ROUNDS - FEW_ROUNDS);
const TROUBLE = /rcu.*stall|lockup|Oops|BUG:|WARNING:|Call Trace|self-detected|failed to (come|start)/;

const path = await kernelForOurProgram();
const scratch = mkdtempSync(join(tmpdir(), 'corners-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.skipIf(path === undefined)('in a Linux guest', () => {
  test(
    'faults, patches, breakpoints, far deadlines and processors are as they should be',
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
          initrd: buildCorners(scratch),
          bootArgs: `console=ttyS0 earlycon=sbi loglevel=5 panic=-1 ${QUICK_START} -- ${ROUNDS}`,
          debug: true,
        },
        LIMIT_MS,
      );
      if (process.env.CORNERS_SHOW) console.log(output);
      expect(end, output.slice(-3000)).toEqual({ reason: 'poweroff' });
      const parts = Object.fromEntries(
        [...output.matchAll(/^corners: (\w+) (\d+), \d+ ms\r?$/gm)].map(([, part, count]) => [
          part,
          Number(count),
        ]),
      );
      expect(parts, output.slice(-3000)).toEqual({
        faults: 12,
        patches: 2000,
        breakpoints: 300,
        deadlines: 18,
        processors: ROUNDS * VCPUS,
        mistakes: 0,
      });
      expect(output).not.toMatch(/WRONG|CRASH/);
      expect(output).not.toMatch(TROUBLE);
    },
    LIMIT_MS + 20_000,
  );
});
