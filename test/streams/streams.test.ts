import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compressedInstructionsFor, instructionsFor } from '../../src/isa/index.ts';
import { dialectOf } from './dialects.ts';
import { missingQemu } from './on-qemu.ts';
import { generateProgram } from './program.ts';
import { newTally, StreamRunner } from './run.ts';
import { NEVER_GENERATED } from './steps.ts';

const reason = missingQemu(32) ?? missingQemu(64);
if (reason !== undefined) console.warn(`streams.test: ${reason}, so generated programs are not compared`);

const folder = mkdtempSync(join(tmpdir(), 'streams-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);
const STEPS = 1500;

describe('generated programs', () => {
  test('are the same for the same seed', () => {
    expect(generateProgram(7, 300).image).toEqual(generateProgram(7, 300).image);
    expect(generateProgram(8, 300).image).not.toEqual(generateProgram(7, 300).image);
  });

  test.each([
    [32, 'qemu7'],
    [64, 'newest'],
  ] as const)('contain every instruction of the table of RV%i for %s', (xlen, dialect) => {
    const { extensions } = dialectOf(dialect, xlen);
    const seen = new Set(
      SEEDS.flatMap((seed) => [...generateProgram(seed, STEPS, { xlen, dialect }).counts.keys()]),
    );
    const expected = [
      ...instructionsFor(xlen).filter(({ extension }) => extensions.has(extension)),
      ...compressedInstructionsFor(xlen).filter(({ extension }) => extensions.has(extension)),
    ].map(({ name }) => name);
    expect(expected.filter((name) => !seen.has(name) && !NEVER_GENERATED.has(name))).toEqual([]);
  });

  test.skipIf(reason !== undefined).each([32, 64] as const)(
    'leave the same registers, flags, traps and memory on hartvisor and on QEMU: RV%i',
    async (xlen) => {
      const tally = newTally();
      await new StreamRunner(folder, STEPS, xlen).run(SEEDS, tally);
      expect(tally.reports.join('\n\n')).toBe('');
      expect(tally.programs).toBe(SEEDS.length);
      expect(tally.instructions).toBeGreaterThan(tally.steps);
    },
    240_000,
  );
});
