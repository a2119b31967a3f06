import { ACCESS, type Access } from '../exceptions.ts';
import { FIELD } from '../layout.ts';
import { HartPoints, type WatchHit } from './hart-points.ts';
import { type HartPoint, POINT_KIND } from './point-list.ts';

/** Why a hart has left its code for the debugger; it is before the instruction in both cases. */
export type HartStop =
  /** It has come to a point in code. */
  | { readonly kind: 'code' }
  /** The instruction accesses a watched place. */
  | { readonly kind: 'data'; readonly hit: WatchHit };

/**
 * A hart's side of a debugger. Without one, or without points, generated code meets a map of zeros where it
 * looks for translations, and nothing else.
 */
export class HartDebug {
  points = new HartPoints([]);
  /** One instruction is carried out, and no interrupt is taken. */
  stepping = false;
  /** The watched access of the instruction under way: it is not carried out. */
  hit: WatchHit | undefined;
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
    this.#words[FIELD.debugs >> 2] = points.length;
  }

  /**
   * For each access that generated code leaves to TypeScript, once it is certain to raise no exception of translation.
   *
   * @returns whether it must not be carried out, as it is watched
   */
  refuses(access: Access, low: number, high: number, bytes: number, alsoReads = false): boolean {
    const isRead = access === ACCESS.load || alsoReads;
    const kinds = (isRead ? POINT_KIND.read : 0) | (access === ACCESS.store ? POINT_KIND.write : 0);
    this.hit = this.points.find(low, high, bytes, kinds);
    return this.hit !== undefined;
  }

  /** The stop for which the hart has left its code, once. */
  takeStop(): HartStop {
    const { hit } = this;
    this.hit = undefined;
    return hit === undefined ? { kind: 'code' } : { kind: 'data', hit };
  }
}
