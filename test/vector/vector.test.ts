import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { missingQemu } from '../streams/on-qemu.ts';
import { compareVectors } from './compare.ts';
import { VectorMachine } from './machines.ts';

const missing = missingQemu();
if (missing !== undefined) console.warn(`skipped: comparison of vectors with QEMU: ${missing}`);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vectors-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(missing !== undefined)('random vector instructions do what they do on QEMU', async () => {
  const machine = new VectorMachine();
  for (const [seed, vlen] of [
    [7, 256],
    [8, 1024],
  ] as const) {
    const report = await compareVectors(machine, { seed, vlen, instructions: 500, rounds: 4 }, folder);
    expect(report).toBeUndefined();
  }
});
