import type { FloatFunctions } from '../float/float.ts';
import type { FunctionRef } from '../wasm/index.ts';

/** The functions that a region imports, in the order in which they are first called. */
export class Imports {
  /** By their numbers among all functions. */
  readonly #numbers: number[] = [];

  /** The index of a function in the region's module. */
  indexOf(number: number): number {
    const known = this.#numbers.indexOf(number);
    return known < 0 ? this.#numbers.push(number) - 1 : known;
  }

  get numbers(): readonly number[] {
    return this.#numbers;
  }
}

/** The functions of floating point by their numbers. */
export function functionsByNumber({ f32, f64, ...others }: FloatFunctions): ReadonlyMap<number, FunctionRef> {
  const all: readonly FunctionRef[] = [
    ...Object.values(others),
    ...Object.values(f32),
    ...Object.values(f64),
  ];
  return new Map(all.map((ref) => [ref.index, ref]));
}
