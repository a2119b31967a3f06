import type { Field } from './contenders.ts';
import { median, type Spread } from './statistics.ts';
import { formatRatio, formatSeconds, formatTable } from './table.ts';
import { type Samples, speedsAgainst } from './turns.ts';

/** One kind of work with one number of vCPUs. */
export interface WorkRow {
  readonly vcpus: number;
  readonly about: string;
  /** Seconds. */
  readonly samples: Samples<number>;
  /** Speed relative to the yardstick, of each of the others: above 1 is faster. */
  readonly ratio: Readonly<Record<string, Spread>>;
}

/**
 * A row for each kind of work.
 *
 * @param runs - seconds by the name of the work, of each turn of each contender
 */
export function workRows(
  field: Field,
  vcpus: number,
  work: readonly { readonly name: string; readonly about: string }[],
  runs: Samples<ReadonlyMap<string, number>>,
): WorkRow[] {
  return work.map(({ name, about }) => {
    const of = (seconds: ReadonlyMap<string, number>) => seconds.get(name) ?? Number.NaN;
    const samples = Object.fromEntries(Object.entries(runs).map(([label, own]) => [label, own.map(of)]));
    return { vcpus, about, samples, ratio: speedsAgainst(field, runs, of) };
  });
}

/**
 * The rows for people.
 *
 * @param head - of the column that says what was done
 * @param labels - of the contenders, the yardstick first
 */
export function formatWorkRows(
  head: string,
  [yardstick, ...others]: readonly string[],
  rows: readonly WorkRow[],
): string {
  const cells = rows.map(({ vcpus, about, samples, ratio }) => [
    `${vcpus} vCPU${vcpus > 1 ? 's' : ''}, ${about}`,
    formatSeconds(median(samples[yardstick])),
    ...others.flatMap((label) => [
      formatSeconds(median(samples[label])),
      formatRatio(ratio[label].median),
      `${formatRatio(ratio[label].min)}..${formatRatio(ratio[label].max)}`,
    ]),
  ]);
  const heads = others.flatMap((label) => [`${label} s`, 'speed', 'min..max']);
  return formatTable([[head, `${yardstick} s`, ...heads], ...cells]);
}
