import { ACCESS, type Access } from '../exceptions.ts';
import { FIELD } from '../layout.ts';
import { HartPoints, type WatchHit } from './hart-points.ts';
import { type HartPoint, POINT_KIND } from './point-list.ts';

/** Why a hart has left its code for the debugger. */
export type HartStop =
  /** It is before the instruction of a point. */
  | { readonly kind: 'code' }
  /** It is behind the instruction that has accessed what is watched. */
  | { readonly kind: 'data'; readonly hit: WatchHit };

/**
 * What a hart has to do with a debugger. Without one, or without points, generated code meets a map of zeros where it
 * looks for translations, and nothing else.
 */
export class HartDebug {
  points = new HartPoints([]);
  /** One instruction is carried out, and no interrupt is taken. */
  stepping = false;
  /** What the instruction that is being stepped has accessed. */
  hit: WatchHit | undefined;
  /** The access under way is to be carried out by a step, behind which the hart stops. */
  wantsStep = false;
  readonly #words: Int32Array;

  /** @param words the hart block */
  constructor(words: Int32Array) {
    this.#words = words;
    this.use([]);
    words[FIELD.always >> 2] = 1;
  }

  use(points: readonly HartPoint[]): void {
    this.points = new HartPoints(points);
    this.#words.set(this.points.map, FIELD.debugPages >> 2);
  }

  /**
   * For each access that generated code leaves to TypeScript, once it is certain to raise no exception of translation.
   *
   * @returns whether it must not be carried out now, but by a step
   */
  accesses(access: Access, low: number, high: number, bytes: number, alsoReads = false): boolean {
    const isRead = access === ACCESS.load || alsoReads;
    const kinds = (isRead ? POINT_KIND.read : 0) | (access === ACCESS.store ? POINT_KIND.write : 0);
    const hit = this.points.find(low, high, bytes, kinds);
    if (hit === undefined) return false;
    if (this.stepping) {
      this.hit ??= hit;
      return false;
    }
    this.wantsStep = true;
    return true;
  }
}
