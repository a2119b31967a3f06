import { cpus, loadavg } from 'node:os';
import { type Contender, everyone, type Field } from './contenders.ts';

/** The facts of a whole measurement. */
export interface Setting {
  /** Date in ISO 8601, UTC. */
  readonly date: string;
  readonly contenders: readonly Pick<Contender, 'label' | 'version'>[];
  readonly processor: string;
  readonly processors: number;
  /** Load averages over 1, 5 and 15 minutes before the first run. */
  readonly load: readonly number[];
}

/** Looks at the machine, and notes who takes part. */
export function readSetting(field: Field): Setting {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    contenders: everyone(field).map(({ label, version }) => ({ label, version })),
    processor: processors[0]?.model.trim() ?? 'unknown',
    processors: processors.length,
    load: loadavg().map((load) => Number(load.toFixed(2))),
  };
}

/** The setting for people. */
export function describeSetting({ date, contenders, processor, processors, load }: Setting): string {
  return [
    `${date.slice(0, 10)}; ${processors} processors (${processor}), load at the start ${load.join(' ')}`,
    ...contenders.map(({ label, version }) => `${label}: ${version}`),
  ].join('\n');
}
