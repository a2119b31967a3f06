import { describe, expect, test, vi } from 'vitest';
import { FINISH, HartBed, type HartBedOptions, RAM } from '../../../test/hart/hart-bed.ts';
import { instructionsFor } from '../../isa/index.ts';
import { CompilerDesks, CompilerPort, createCompilerMemory, DESKS, stopCompiler } from './compiler-desk.ts';
import { Answers } from './compiler-life.ts';

const extensions = new Set(instructionsFor(64).map(({ extension }) => extension));
const TURNS = 50_000;

/** Harts whose compiler answers when it is told to. */
class Served {
  readonly memory = createCompilerMemory(2);
  readonly desks = new CompilerDesks(this.memory);
  readonly answers = new Answers({ xlen: 64, extensions, alone: false });
  readonly wanted = vi.fn();

  hart(index: number, options: HartBedOptions = {}): HartBed {
    const compiler = new CompilerPort(this.memory, index, this.wanted);
    return new HartBed({ engine: 'jit', compileAfter: 4, compiler, ...options });
  }

  /** Answers the question that has been asked, of which there is one. */
  answer(): void {
    const desk = this.desks.wait() ?? -1;
    this.desks.answer(desk, this.answers.of(this.desks.question(desk)));
  }
}

/** A loop that adds to a0, whose end is the result. */
function load(bed: HartBed, first = 'addi a0, a0, 1'): void {
  bed.load(`
    .option norvc
    fence.i
    li s1, ${TURNS}
    li a0, 0
    1: ${first}
    addi s1, s1, -1
    bnez s1, 1b
    ${FINISH}`);
  bed.pc = BigInt(RAM);
}

const counts = ({ hart }: HartBed) => hart.regionStatistics;

describe('a hart that has its code written by another thread', () => {
  test('goes on until that is there, and runs it then', () => {
    const served = new Served();
    served.desks.open();
    const bed = served.hart(0);
    load(bed);
    bed.run(20_000);
    expect(counts(bed)).toMatchObject({ asked: 1, compiled: 0, retired: 0 });
    served.answer();
    expect(bed.finish(2_000_000)).toBe(TURNS);
    expect(counts(bed)).toMatchObject({ compiled: 1, refused: 0 });
    expect(counts(bed)?.retired).toBeGreaterThan(TURNS);
  });

  test('compiles itself as long as nobody serves it, and wants somebody once', () => {
    const served = new Served();
    const beds = [served.hart(0), served.hart(1)];
    for (let round = 0; round < 20; round++) {
      for (const bed of beds) {
        load(bed, `addi a0, a0, ${round}`);
        expect(bed.finish(2_000_000)).toBe(round * TURNS);
      }
    }
    for (const bed of beds) {
      expect(counts(bed)?.asked).toBe(0);
      expect(counts(bed)?.compiled).toBeGreaterThanOrEqual(20);
    }
    expect(served.wanted).toHaveBeenCalledTimes(1);
  });

  test('does not run code that has changed meanwhile', () => {
    const served = new Served();
    served.desks.open();
    const bed = served.hart(0);
    load(bed);
    bed.run(20_000);
    load(bed, 'addi a0, a0, 2');
    // FENCE.I, and the first turns.
    bed.run(100);
    served.answer();
    expect(bed.finish(2_000_000)).toBe(2 * TURNS);
    expect(counts(bed)?.compiled).toBe(0);
  });

  test('gets what another one has asked before, without that it is written again', () => {
    const served = new Served();
    served.desks.open();
    for (const [index, known] of [0, 1].entries()) {
      const bed = served.hart(index);
      load(bed);
      bed.run(20_000);
      served.answer();
      expect(bed.finish(2_000_000)).toBe(TURNS);
      expect(served.answers.known).toBe(known);
    }
  });

  test('leaves to its interpreter what does not compile, and tells of it', () => {
    const served = new Served();
    served.desks.open();
    const told: string[] = [];
    const bed = served.hart(0, { onRefused: (text) => told.push(text) });
    load(bed);
    bed.run(20_000);
    served.desks.answer(served.desks.wait() ?? -1, { refused: 'no such thing' });
    expect(bed.finish(2_000_000)).toBe(TURNS);
    expect(counts(bed)).toMatchObject({ asked: 1, compiled: 0, refused: 1 });
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/0x8000\w+ did not compile.*no such thing/);
  });

  test('has so many questions open at most, and asks the others later', () => {
    const served = new Served();
    served.desks.open();
    const bed = served.hart(0);
    const loops = Array.from(
      { length: DESKS + 2 },
      (_, number) => `li s1, 2000\n1: addi a0, a0, ${number}\naddi s1, s1, -1\nbnez s1, 1b`,
    );
    bed.load(`again: ${loops.join('\n')}\nj again`);
    bed.run(100_000);
    expect(counts(bed)?.asked).toBe(DESKS);
    for (let desk = 0; desk < DESKS; desk++) served.answer();
    bed.run(100_000);
    expect(counts(bed)?.asked).toBeGreaterThan(DESKS);
    expect(counts(bed)?.compiled).toBeGreaterThanOrEqual(DESKS);
  });
});

test('the thread leaves when the machine has ended', () => {
  const { memory, desks } = new Served();
  stopCompiler(memory);
  expect(desks.wait()).toBeUndefined();
});

test('answers are kept within bounds', () => {
  const answers = new Answers({ xlen: 64, extensions, alone: false });
  const ADDI = 0x0015_0513;
  for (let imm = 0; imm < 2000; imm++) {
    // One block: 64 instructions, and where it ends.
    const code = Array.from({ length: 64 }, (_, index) => [index * 4, ADDI + (imm << 20)]).flat();
    const words = Int32Array.from([1, 64, ...code, 0, 256]);
    answers.of({ words, ungrouped: false, ungroupedBases: 0 });
  }
  expect(answers.bytes).toBeGreaterThan(100_000);
  expect(answers.bytes).toBeLessThanOrEqual(1 << 20);
});
