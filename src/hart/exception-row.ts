/**
 * Exceptions that follow each other with no instruction retired in between: a handler that cannot be fetched, or whose
 * first instruction faults, raises the next exception for ever. Real harts do the same; only an interrupt, a reset or
 * another hart that repairs memory ends it.
 */
export class ExceptionRow {
  /** How many there were so far in the row. */
  length = 0;
  /** Exceptions of all rows together. */
  total = 0;
  /** The exception that began the row: what went wrong in the first place. */
  firstCause = 0;
  firstPcLow = 0;
  firstPcHigh = 0;
  /** The newest one. */
  cause = 0;
  pcLow = 0;
  pcHigh = 0;
  #retired = -1;

  /**
   * Notes an exception.
   *
   * @param retired instructions that the hart has retired so far
   * @returns the length of the row
   */
  note(retired: number, cause: number, pcLow: number, pcHigh: number): number {
    if (retired !== this.#retired) {
      this.#retired = retired;
      this.length = 0;
      this.firstCause = cause;
      this.firstPcLow = pcLow;
      this.firstPcHigh = pcHigh;
    }
    this.cause = cause;
    this.pcLow = pcLow;
    this.pcHigh = pcHigh;
    this.total++;
    return ++this.length;
  }
}
