import { POINT_LIST, PointList } from '../../hart/debug/point-list.ts';
import { align, halves, i32, many, struct } from '../../layout/struct.ts';

/** Orders for a processor of the guest, a hart or a vCPU, while the machine runs. */
export const MODE = { run: 0, step: 1, hold: 2 } as const;
export type Mode = (typeof MODE)[keyof typeof MODE];

/** Why a processor holds still; 0: for no reason of its own. */
export const STOP = { none: 0, code: 1, data: 2, step: 3 } as const;
export type StopWord = (typeof STOP)[keyof typeof STOP];

const PROCESSOR = align(64, struct({ mode: i32, stop: i32, kinds: i32, parked: i32, address: halves }));
const WORD = PROCESSOR.word;

/** The words that a debugger and the processors of a machine share. Zero words: there is no debugger. */
const DEBUG = struct({ list: POINT_LIST, processors: many(PROCESSOR) });

/** A stop of a processor, as it is told to the owner of the machine. */
export interface StopReport {
  readonly stop: StopWord;
  /** Of a watch: the kinds of accesses that it is for, and where it was met. */
  readonly kinds: number;
  readonly low: number;
  readonly high: number;
}

/** The words of one processor. */
class ProcessorDebug {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  get mode(): Mode {
    // Meets the store of the owner, before the processor goes on, and that in `report`.
    return Atomics.load(this.#words, WORD.mode) as Mode;
  }

  set mode(mode: Mode) {
    Atomics.store(this.#words, WORD.mode, mode);
  }

  /** For the processor's thread: it stops, and holds still until the owner has seen why. */
  report({ stop, kinds, low, high }: StopReport): void {
    this.#words.set([low, high], WORD.address);
    this.#words[WORD.kinds] = kinds;
    this.mode = MODE.hold;
    // Meets the exchange in `takeStop`, which sees the store above.
    Atomics.store(this.#words, WORD.stop, stop);
  }

  /** For the owner: there is something for {@link takeStop}. */
  get hasStop(): boolean {
    // Meets the store in `report`.
    return Atomics.load(this.#words, WORD.stop) !== STOP.none;
  }

  /** For the owner. */
  takeStop(): StopReport | undefined {
    // Meets the store in `report`.
    const stop = Atomics.exchange(this.#words, WORD.stop, STOP.none) as StopWord;
    if (stop === STOP.none) return undefined;
    const words = this.#words;
    const at = WORD.address;
    return {
      stop,
      kinds: words[WORD.kinds] as number,
      low: words[at] as number,
      high: words[at + 1] as number,
    };
  }

  /** For a pCPU: it has taken the vCPU from the run queue, and does not run it. */
  park(): void {
    // Meets the exchange in `unpark`.
    Atomics.store(this.#words, WORD.parked, 1);
  }

  /** For the owner. @returns whether the vCPU has to go to the run queue again */
  unpark(): boolean {
    // Meets the store in `park`.
    return Atomics.exchange(this.#words, WORD.parked, 0) !== 0;
  }
}

/** All words of debugging of a machine, as one thread sees them. */
export class DebugWords {
  readonly list: PointList;
  readonly processors: readonly ProcessorDebug[];

  /** Words of shared memory for so many processors. */
  static wordsFor(processors: number): number {
    return DEBUG.wordsFor(processors);
  }

  /** @param address a multiple of 64 */
  constructor(memory: WebAssembly.Memory, address: number, processors: number) {
    this.list = new PointList(POINT_LIST.over(memory.buffer, address + DEBUG.at.list));
    this.processors = Array.from({ length: processors }, (_, index) => {
      const place = address + DEBUG.at.processors + index * PROCESSOR.bytes;
      return new ProcessorDebug(PROCESSOR.over(memory.buffer, place));
    });
  }
}
