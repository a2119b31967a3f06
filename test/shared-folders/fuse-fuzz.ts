/** A guest of a shared folder that sends requests which no driver sends, and looks at the answers. */
import { OUT_HEADER } from '../../src/shared-folders/fuse/facts.ts';
import type { FuseServer } from '../../src/shared-folders/server.ts';
import { Chance, HostileRequests } from './hostile-requests.ts';

/** A hostile guest of a shared folder. */
export class HostileGuest {
  readonly #server: FuseServer;
  readonly #chance: Chance;
  readonly #answer = new Uint8Array(8192);
  readonly #requests: HostileRequests;
  /** Requests that were carried out, and those that were no requests. */
  readonly counts = { done: 0, refused: 0, none: 0 };

  constructor(server: FuseServer, seed: number) {
    this.#server = server;
    this.#chance = new Chance(seed);
    this.#requests = new HostileRequests(this.#chance);
  }

  /** Sends one request. @throws Error if its answer is none */
  step(): void {
    const chance = this.#chance;
    const bytes = this.#requests.next();
    // It ends anywhere, and its parts do.
    const cut = chance.below(8) === 0 ? chance.below(bytes.length + 1) : bytes.length;
    const middle = chance.below(cut + 1);
    const room = chance.below(4) === 0 ? chance.below(200) : this.#answer.length;
    const answer = this.#answer.subarray(0, room);
    const split = chance.below(room + 1);
    const written = this.#server.serve(
      [bytes.subarray(0, middle), bytes.subarray(middle, cut)],
      [answer.subarray(0, split), answer.subarray(split)],
    );
    if (written === undefined) {
      this.counts.none++;
      return;
    }
    if (written > room) throw new Error(`${written} bytes of an answer, and room for ${room}`);
    if (written === 0) return;
    const view = new DataView(answer.buffer, answer.byteOffset);
    const error = view.getInt32(OUT_HEADER.ERROR, true);
    if (
      view.getUint32(OUT_HEADER.LEN, true) !== written ||
      view.getUint32(OUT_HEADER.UNIQUE, true) !== this.#requests.unique
    )
      throw new Error('an answer to something else');
    if (error > 0 || error < -4095) throw new Error(`error ${error}`);
    if (error === 0) this.counts.done++;
    else this.counts.refused++;
    if (error === 0) this.#requests.learn(view, written);
  }
}
