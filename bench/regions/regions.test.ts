import { expect, test } from 'vitest';
import { COMPILED_LAYOUT } from '../../src/hart/tiers/compiled-layout.ts';
import { assemble } from '../../src/isa/index.ts';
import { RegionCompiler } from '../../src/jit/index.ts';
import { formatRegionsResult } from './regions.ts';
import { type Candidate, floatCandidates, kernelCandidates } from './sources.ts';

const compiler = new RegionCompiler({ minimum: 1, maximum: 1 }, COMPILED_LAYOUT, false);

const HOW = { large: false, linear: true, ungrouped: false, ungroupedBases: 0 } as const;

function instructionsOf({ source, entry, depth }: Candidate): number {
  return compiler.compile(source, entry, { depth, ...HOW })?.instructions ?? 0;
}

test('the loops with floating point are many, different and compiled whole', () => {
  const sizes = floatCandidates(10).map(instructionsOf);
  expect(sizes).toHaveLength(10);
  for (const size of sizes) expect(size).toBeGreaterThan(20);
});

test('functions of a kernel are found by their calls', () => {
  const { bytes } = assemble('jal ra, f\ncall g\necall\nf: addi a0, a0, 1\nret\ng: addi a0, a0, 1\nnop\nret');
  const image = new Uint8Array(0x2000 + bytes.length + 64);
  image.set(bytes, 0x2000);
  expect(kernelCandidates(image, 2).map(instructionsOf).sort()).toEqual([2, 3]);
});

test('the report has medians', () => {
  const run = (milliseconds: number) => ({
    cold: [{ regions: 10, instructions: 200, milliseconds }],
    bytesPerInstruction: 20,
    warm: { shallow: 1000 / milliseconds, deep: 500, float: 400 },
  });
  const text = formatRegionsResult([run(10), run(1000), run(20)]);
  expect(text).toMatch(/the first 10 +20 +10\n/);
  expect(text).toMatch(/shallow +50\n/);
});
