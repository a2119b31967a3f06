import { InputError } from '../../errors/input-error.ts';
import type { KeptByDevice } from '../thread.ts';

/** Collects the answers of a machine's I/O threads when they are asked for their state. */
export class KeptAnswers {
  #kept: KeptByDevice[] = [];
  #waiting = new Set<number>();
  #done: ((trouble: string | undefined) => void) | undefined;

  /**
   * All that these threads keep; to be called before they are asked.
   *
   * @param ended is fulfilled when none of them answers any more
   * @throws InputError when one of them cannot give its state, or the machine has ended
   */
  async of(lanes: readonly number[], ended: Promise<unknown>): Promise<readonly KeptByDevice[]> {
    if (lanes.length === 0) return [];
    this.#kept = [];
    this.#waiting = new Set(lanes);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#done = resolve;
    void ended.then(() => resolve('It has ended.'));
    const trouble = await promise;
    this.#done = undefined;
    if (trouble !== undefined) throw new InputError(`The machine cannot be saved: ${trouble}`);
    return this.#kept;
  }

  add(kept: KeptByDevice): void {
    this.#kept.push(kept);
  }

  /** A thread has given all. @param trouble why it cannot, for people */
  end(lane: number, trouble: string | undefined): void {
    this.#waiting.delete(lane);
    if (trouble !== undefined || this.#waiting.size === 0) this.#done?.(trouble);
  }
}
