import { RecordBatch, RingReader, type TracePlace } from './ring.ts';

/**
 * Records younger than this wait for the next turn, in milliseconds: a thread may have taken the time for one that is
 * not in its ring yet, and others come from rings that were looked at before.
 */
const HOLD_BACK_MS = 2;

/** Takes records out of all rings of a trace, in the order of their times. */
export class Merger {
  readonly #readers: readonly RingReader[];
  readonly #batches: readonly RecordBatch[];

  constructor(place: TracePlace) {
    const rings = Array.from({ length: place.rings }, (_, ring) => ring);
    this.#readers = rings.map((ring) => new RingReader(place, ring));
    // As much again as a ring holds: records that were held back, and those that have come meanwhile.
    this.#batches = rings.map(() => new RecordBatch(2 * place.records));
  }

  /** How many records did not find room so far. */
  get lost(): number {
    return this.#readers.reduce((sum, { lost }) => sum + lost, 0);
  }

  /**
   * Takes the records that there are.
   *
   * @param now shared time in milliseconds; Infinity when no thread writes any more
   * @returns how many records were taken
   */
  drain(now: number, take: (ring: number, record: RecordBatch) => void): number {
    const batches = this.#batches;
    for (const [ring, batch] of batches.entries()) {
      batch.compact();
      this.#readers[ring]?.read(batch);
    }
    const until = now - HOLD_BACK_MS;
    let count = 0;
    for (;;) {
      let first = -1;
      let time = until;
      let second = until;
      for (let ring = 0; ring < batches.length; ring++) {
        const its = (batches[ring] as RecordBatch).time;
        if (its < time) {
          second = time;
          time = its;
          first = ring;
        } else if (its < second) {
          second = its;
        }
      }
      if (first < 0) return count;
      const batch = batches[first] as RecordBatch;
      // As a rule several records of one ring follow each other.
      do {
        take(first, batch);
        batch.advance();
        count++;
      } while (batch.time <= second && batch.time < until);
    }
  }
}
