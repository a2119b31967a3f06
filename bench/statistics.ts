/** Middle, smallest and largest of some samples. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle sample, or the mean of the two in the middle. @throws RangeError without samples */
export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError('there is no median of no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The mean for ratios. @throws RangeError without ratios, and for one that is not positive */
export function geometricMean(ratios: readonly number[]): number {
  if (ratios.length === 0) throw new RangeError('there is no mean of no ratios');
  const wrong = ratios.find((ratio) => !(ratio > 0));
  if (wrong !== undefined) throw new RangeError(`${wrong} is not a ratio of two times`);
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

/**
 * How two series compare that were measured in turns.
 *
 * @returns `median`: the ratio of the medians; `min` and `max`: the extremes of the ratios within one turn, in which
 *   load from outside meets both alike
 * @throws RangeError when the series are empty or differ in length
 */
export function ratioOfTurns(numerators: readonly number[], denominators: readonly number[]): Spread {
  if (numerators.length !== denominators.length) {
    throw new RangeError(`${numerators.length} and ${denominators.length} samples are not taken in turns`);
  }
  const ratios = numerators.map((numerator, turn) => numerator / denominators[turn]);
  return {
    median: median(numerators) / median(denominators),
    min: Math.min(...ratios),
    max: Math.max(...ratios),
  };
}
