/** Priorities of major interrupts ("Defined major interrupts and default priorities" of the AIA specification). */

/**
 * Major interrupts from the highest default priority to the lowest, with the places that the specification plans for
 * those it reserves. The last ones are for custom use, or reserved by the privileged architecture.
 */
const DEFAULT_ORDER: readonly number[] = [
  ...[47, 23, 46, 45, 22, 44, 43, 21, 42, 41, 20, 40],
  ...[11, 3, 7, 9, 1, 5, 12, 10, 2, 6, 13],
  ...[39, 19, 38, 37, 18, 36, 35, 17, 34, 33, 16, 32],
  ...[14, 15, 24, 25, 26, 27, 28, 29, 30, 31],
  ...[48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63],
];

const RANK: readonly number[] = Array.from({ length: 64 }, (_, cause) => DEFAULT_ORDER.indexOf(cause));

/** Above all priority numbers, even those of external interrupts of an IMSIC, which go to 2047. */
const BELOW_ALL = 4096;
/** The priority number of an external interrupt without one of its own: below all that can be configured. */
export const EXTERNAL_DEFAULT = 256;

/** The place of an interrupt in the default order, a small number for a high priority. */
function defaultRank(cause: number): number {
  return RANK[cause] ?? DEFAULT_ORDER.length;
}

/**
 * The interrupt of highest priority among some, with numbers as `TableintrPrios` has them: interrupts that have none of
 * their own are above or below all external ones, by default order, and that breaks ties.
 */
export class TopInterrupt {
  #cause = -1;
  #nominal = 0;
  #rank = 0;
  /** The external interrupt of this level. */
  readonly #external: number;

  /** @param external 11 at machine level, 9 at supervisor and VS level */
  constructor(external: number) {
    this.#external = external;
  }

  clear(): void {
    this.#cause = -1;
  }

  /** Whether any has been considered. */
  get found(): boolean {
    return this.#cause >= 0;
  }

  get cause(): number {
    return this.#cause;
  }

  /**
   * Considers an interrupt.
   *
   * @param priority its priority number, 0 if it has none
   */
  consider(cause: number, priority: number): void {
    const rank = defaultRank(cause);
    this.considerRanked(cause, priority, rank, rank < defaultRank(this.#external));
  }

  /** Considers an interrupt for which another place in the default order counts: `above` or below the external one. */
  considerRanked(cause: number, priority: number, rank: number, above: boolean): void {
    const nominal = priority !== 0 ? priority : above ? 0 : BELOW_ALL;
    const wins =
      this.#cause < 0 || nominal < this.#nominal || (nominal === this.#nominal && rank < this.#rank);
    if (!wins) return;
    this.#cause = cause;
    this.#nominal = nominal;
    this.#rank = rank;
  }

  /** Considers all interrupts of a set, numbers 0-31 and 32-63. */
  considerAll(low: number, high: number, priorityOf: (cause: number) => number): void {
    for (let rest = low; rest !== 0; rest &= rest - 1) {
      const cause = lowest(rest);
      this.consider(cause, priorityOf(cause));
    }
    for (let rest = high; rest !== 0; rest &= rest - 1) {
      const cause = 32 + lowest(rest);
      this.consider(cause, priorityOf(cause));
    }
  }

  /** The value of mtopi, stopi or vstopi: IID and IPRIO, which is 255 for all lower priorities. */
  get register(): number {
    return this.#cause < 0 ? 0 : (this.#cause << 16) | Math.min(this.#nominal, 255);
  }
}

function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
