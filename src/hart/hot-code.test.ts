import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';
import { hotCodeOf, hotEntry, MOST_HOT } from './hot-code.ts';

const CODE_PAGES = 32;
const FAR = 0x8000;
const SOURCE = `
    li a1, 20000
  near: addi a0, a0, 1
    j far
    .org ${FAR}
  far: addi a1, a1, -1
    beqz a1, done
    j near
  done: ${FINISH}`;

/** Runs the program so many times for a few instructions: each time it is met at its first jump. */
function ran(samples: number, hot?: Uint32Array): { readonly bed: HartBed; readonly regions: number } {
  let regions = 0;
  const bed = new HartBed({
    engine: 'jit',
    compileAfter: 512,
    ...(hot === undefined ? {} : { hot }),
    onRegion: () => {
      regions++;
    },
  });
  bed.load(SOURCE);
  for (let count = 0; count < samples; count++) bed.run(4);
  return { bed, regions };
}

function hotOf(bed: HartBed, before?: Uint32Array): Uint32Array {
  return hotCodeOf({ memory: bed.memory, areas: [bed.area], codePages: CODE_PAGES }, before);
}

test('lists where regions begin, for as long as they are there', () => {
  const { bed } = ran(1000);
  const loop = [bed.symbol('near'), bed.symbol('far')].map((address) => address - RAM);
  const hot = [...hotOf(bed)];
  expect(hot.length).toBeGreaterThan(0);
  for (const entry of hot) expect(loop).toContain(entry & ~1);
  for (const at of loop) bed.bytes.fill(0, bed.ramOffset + at, bed.ramOffset + at + 8);
  bed.hart.fenceI();
  bed.run(4);
  bed.pc = BigInt(RAM + FAR);
  bed.run(4);
  expect([...hotOf(bed)]).toEqual([]);
});

test('code of the list is compiled after a few samples, and other code is not', () => {
  const { bed } = ran(4000);
  const hot = hotOf(bed);
  expect(ran(100).regions).toBe(0);
  const again = ran(100, hot);
  expect(again.regions).toBeGreaterThan(0);
  again.bed.run(400_000);
  expect(again.bed.result).toBe(20_000);
});

test('keeps what the list before has, and lists what is compiled in its place', () => {
  const { bed } = ran(4000);
  const hot = hotOf(bed);
  const other = Uint32Array.of(...hot.map((entry) => entry ^ 1), hotEntry(0x10_0000, 'deep'));
  expect([...hotOf(bed, other)]).toEqual([...hot, hotEntry(0x10_0000, 'deep')]);
  const many = Uint32Array.from({ length: MOST_HOT }, (_, index) =>
    hotEntry(0x10_0000 + 2 * index, 'shallow'),
  );
  const full = [...hotOf(bed, many)];
  expect(full).toHaveLength(MOST_HOT);
  expect(full).toEqual(expect.arrayContaining([...hot]));
});

test('a list of lies changes nothing that a program computes', () => {
  const anywhere = fc.oneof(fc.nat(0x40), fc.integer({ min: FAR - 8, max: FAR + 16 }), fc.nat(2 ** 32 - 1));
  fc.assert(
    fc.property(fc.array(anywhere, { maxLength: 64 }), (entries) => {
      const { bed, regions } = ran(200, Uint32Array.from(entries));
      bed.run(400_000);
      expect(bed.result).toBe(20_000);
      expect(regions).toBeLessThan(64);
    }),
    { numRuns: 30 },
  );
});
