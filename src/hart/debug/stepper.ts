import type { Fetcher } from '../fetcher.ts';
import type { InstructionCount } from '../instruction-count.ts';
import { EXIT, type Exit, FIELD } from '../layout.ts';
import type { Position } from '../position.ts';
import { QUIET } from '../privileged/registers.ts';
import type { HartState } from '../state.ts';
import type { HartDebug } from './hart-debug.ts';

/**
 * Instructions of a sequence from LR to SC at most, if it is to succeed at last (unprivileged specification, Zalrsc).
 */
const LONGEST_SEQUENCE = 16;

/** The parts of a hart that steps go by. */
export interface StepParts {
  readonly state: HartState;
  readonly debug: HartDebug;
  readonly count: InstructionCount;
  readonly position: Position;
  readonly fetcher: Fetcher;
  /** Runs generated code from the current slot on. */
  readonly runGenerated: () => void;
  /** Takes the exception in the record, which was raised at pc. @returns whether the host has to handle it */
  readonly enterTrap: (pcLow: number, pcHigh: number) => boolean;
}

/**
 * Single steps: the instruction is made current alone, beside its page, and the slots behind it lead to TypeScript.
 * Behind jumps and traps generated code looks whether it shall leave, and finds that it shall.
 */
export class Stepper {
  readonly #parts: StepParts;

  constructor(parts: StepParts) {
    this.#parts = parts;
  }

  /** As `Hart.step`. */
  step(): Exit {
    const { state, debug } = this.#parts;
    const { words } = state;
    const exitRequest = words[FIELD.exitRequest >> 2] as number;
    words[FIELD.exitRequest >> 2] = state.base + FIELD.always;
    words[FIELD.quiet >> 2] = QUIET.no;
    debug.stepping = true;
    let exit = this.#once();
    for (let left = LONGEST_SEQUENCE; left > 0 && exit === EXIT.yield && this.#isInSequence(); left--)
      exit = this.#once();
    debug.stepping = false;
    words[FIELD.exitRequest >> 2] = exitRequest;
    return exit;
  }

  /**
   * A guest that its host leaves loses its reservation, so that it would never come to the end of a sequence: what
   * begins with LR is one step up to its SC, or to a point.
   */
  #isInSequence(): boolean {
    const { state, debug } = this.#parts;
    if (!state.hsHost || state.words[FIELD.reservation >> 2] === 0) return false;
    return !debug.points.isCode(state.pcLow, state.pcHigh);
  }

  #once(): Exit {
    const { state, count, position, fetcher, runGenerated, enterTrap } = this.#parts;
    const { words, pcLow, pcHigh } = state;
    count.start(1);
    if (fetcher.alone(pcLow, pcHigh, true)) {
      runGenerated();
    } else if (!enterTrap(pcLow, pcHigh)) {
      position.enterNothing();
      words[FIELD.exit >> 2] = EXIT.yield;
    }
    count.endEarly();
    const exit = words[FIELD.exit >> 2] as Exit;
    if (exit === EXIT.yield) position.savePc();
    return exit;
  }
}
