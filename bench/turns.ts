import { type Contender, everyone, type Field } from './contenders.ts';
import { ratioOfTurns, type Spread } from './statistics.ts';

/** The measurements of each contender, by label: one sample for each turn. */
export type Samples<T> = Readonly<Record<string, readonly T[]>>;

/** Lets everyone run once in each turn, so that a slow minute meets all. */
export async function takeTurns<T>(
  field: Field,
  turns: number,
  run: (contender: Contender, turn: number) => Promise<T>,
): Promise<Samples<T>> {
  const samples: Record<string, T[]> = {};
  for (let turn = 0; turn < turns; turn++) {
    for (const contender of everyone(field)) {
      samples[contender.label] ??= [];
      samples[contender.label].push(await run(contender, turn));
    }
  }
  return samples;
}

/** Ratios of everyone but the yardstick, by label: times relative to its time, so below 1 is faster. */
export function timesAgainst<T>(
  { yardstick, others }: Field,
  samples: Samples<T>,
  of: (sample: T) => number,
): Readonly<Record<string, Spread>> {
  const own = samples[yardstick.label].map(of);
  return Object.fromEntries(others.map(({ label }) => [label, ratioOfTurns(samples[label].map(of), own)]));
}

/** The same as speeds: above 1 is faster. */
export function speedsAgainst<T>(
  { yardstick, others }: Field,
  samples: Samples<T>,
  of: (sample: T) => number,
): Readonly<Record<string, Spread>> {
  const own = samples[yardstick.label].map(of);
  return Object.fromEntries(others.map(({ label }) => [label, ratioOfTurns(own, samples[label].map(of))]));
}
