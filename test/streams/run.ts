import type { Xlen } from '../../src/isa/index.ts';
import { compareOutcomes } from './compare.ts';
import type { DialectName } from './dialects.ts';
import { isVirtual } from './frame.ts';
import { HartvisorMachine } from './on-hartvisor.ts';
import { runOnQemu } from './on-qemu.ts';
import { generateProgram, type Program } from './program.ts';

/** Counts of one or more programs. */
export interface Tally {
  programs: number;
  steps: number;
  /** Instructions that the hart has retired. */
  instructions: number;
  /** How often each instruction was generated. */
  readonly counts: Map<string, number>;
  readonly reports: string[];
}

export function newTally(): Tally {
  return { programs: 0, steps: 0, instructions: 0, counts: new Map(), reports: [] };
}

/** Runs generated programs on both machines, one after another, and adds up what they came to. */
export class StreamRunner {
  readonly #hart: HartvisorMachine;
  readonly #xlen: Xlen;
  readonly #dialect: DialectName;
  readonly #folder: string;
  readonly #steps: number;

  /**
   * @param folder for scratch files
   * @param steps of each program
   * @param xlen width of the harts
   * @param single as for {@link HartvisorMachine}
   * @param dialect what programs use
   */
  constructor(
    folder: string,
    steps: number,
    xlen: Xlen = 64,
    single = false,
    dialect: DialectName = 'qemu7',
  ) {
    this.#dialect = dialect;
    this.#hart = new HartvisorMachine(xlen, single);
    this.#xlen = xlen;
    this.#folder = folder;
    this.#steps = steps;
  }

  /** QEMU runs beside the hart, and has the whole time of generating the next program too. */
  async run(seeds: Iterable<number>, tally: Tally): Promise<void> {
    let previous: Promise<void> = Promise.resolve();
    for (const seed of seeds) {
      const program = generateProgram(seed, this.#steps, { xlen: this.#xlen, dialect: this.#dialect });
      // QEMU 10 and these programs differ about guests; those are compared with QEMU 7.2.
      if (this.#dialect === 'newest' && isVirtual(program.setting.mode)) continue;
      await previous;
      previous = this.#compare(program, tally);
      // An error of the previous program must not go unnoticed while the next one is generated.
      previous.catch(() => undefined);
    }
    await previous;
  }

  async #compare(program: Program, tally: Tally): Promise<void> {
    const onQemu = runOnQemu(program, this.#folder);
    onQemu.catch(() => undefined);
    const ours = this.#hart.run(program);
    const { instructions } = this.#hart;
    const report = compareOutcomes(program, ours, await onQemu);
    tally.programs++;
    tally.steps += program.steps.length;
    tally.instructions += instructions;
    for (const [name, count] of program.counts) tally.counts.set(name, (tally.counts.get(name) ?? 0) + count);
    if (report !== undefined) tally.reports.push(report);
  }
}
