import { troubleIn } from './boot-verdict.ts';

/** One of the lines that the soak guest prints from time to time (`guests/soak/main.c`). */
export interface Report {
  /** Seconds since the guest's workers started, by the guest's clock. */
  readonly time: number;
  /** Results that were not what they had to be, until then. */
  readonly wrong: number;
  /** Times that a worker ended no round within its patience, until then. */
  readonly stalls: number;
  /** The guest's `MemFree` and `MemAvailable`, KiB. */
  readonly free: number;
  readonly available: number;
  /** Rounds of each kind of work, until then. */
  readonly rounds: ReadonlyMap<string, number>;
  /** Whether it is the last one, printed when all workers have ended. */
  readonly end: boolean;
}

/** A report, and hartvisor's own memory when it came. */
export interface Sample extends Report {
  /** `VmRSS` of hartvisor's process, KiB. */
  readonly resident: number;
}

/** The findings of a run. */
export interface Soak {
  /** Exit status of the command; undefined when it was killed. */
  readonly status: number | undefined;
  /** Everything that it printed. */
  readonly log: string;
  readonly samples: readonly Sample[];
}

/** The run that was asked for. */
export interface Wanted {
  /** Seconds of work. */
  readonly seconds: number;
  readonly vcpus: number;
}

/** Memory is compared with what it was after this time, seconds: by then everything has happened at least once. */
export const settled = 300;

/** Shorter runs say nothing about leaks. */
const shortestForLeaks = 2 * settled;

/** How much memory may grow from {@link settled} to the end. */
const allowedGrowth = 1.1;

const REPORT =
  /^soak: (report|end) t=(\d+) wrong=(\d+) stalls=(\d+) free=(\d+) available=(\d+) \|((?: \w+=\d+)+)$/;

/** Words that the guest, or its kernel, prints only when something is wrong; beside those that spoil a boot. */
const TROUBLE =
  /soak: (WRONG|CRASH|STALL|ENDED)|blocked for more than|Out of memory|oom-kill|unhandled signal/;

/** Reads a line of the console; undefined if it is no report. */
export function parseReport(line: string): Report | undefined {
  const found = REPORT.exec(line.trim());
  if (found === null) return undefined;
  const [time, wrong, stalls, free, available] = found.slice(2, 7).map(Number);
  const rounds = found[7]
    ?.trim()
    .split(' ')
    .map((pair): [string, number] => {
      const [kind = '', count] = pair.split('=');
      return [kind, Number(count)];
    });
  return {
    time: time ?? 0,
    wrong: wrong ?? 0,
    stalls: stalls ?? 0,
    free: free ?? 0,
    available: available ?? 0,
    rounds: new Map(rounds),
    end: found[1] === 'end',
  };
}

/** Lists what is wrong with a run; a good one has an empty list. */
export function faultsOf({ status, log, samples }: Soak, { seconds, vcpus }: Wanted): string[] {
  const faults: string[] = [];
  if (status !== 0) faults.push(status === undefined ? 'did not end' : `exit status ${status}`);
  const lines = log.split(/\r?\n/);
  const trouble = troubleIn(log) ?? lines.find((line) => TROUBLE.test(line))?.trim();
  if (trouble !== undefined) faults.push(`in the log: ${trouble}`);
  const start = lines.find((line) => line.startsWith('soak: start '));
  if (start === undefined) return [...faults, 'the guest did not start its workers'];
  const cpus = Number(/ cpus=(\d+) /.exec(start)?.[1]);
  if (cpus !== vcpus) faults.push(`${cpus} of ${vcpus} vCPUs were up`);
  const last = samples.at(-1);
  if (last?.end !== true) faults.push('no report of the end');
  return last === undefined ? faults : [...faults, ...faultsOfSamples(samples, last, seconds)];
}

function faultsOfSamples(samples: readonly Sample[], last: Sample, seconds: number): string[] {
  const faults: string[] = [];
  if (last.wrong > 0) faults.push(`${last.wrong} wrong results`);
  if (last.stalls > 0) faults.push(`${last.stalls} stalls`);
  if (last.time < seconds) faults.push(`ended after ${last.time} of ${seconds} s`);
  for (const [kind, rounds] of last.rounds) if (rounds === 0) faults.push(`no round of ${kind}`);
  const leaks = leaksOf(samples);
  return leaks === undefined
    ? faults
    : [...faults, ...leaks.filter((leak) => leak.bad).map(({ text }) => text)];
}

/** How one kind of memory went. */
export interface Leak {
  readonly text: string;
  readonly bad: boolean;
}

/** Compares memory at the end with that after {@link settled}; undefined when the run was too short for it. */
export function leaksOf(samples: readonly Sample[]): Leak[] | undefined {
  // Work has ended at the last report of all, and memory is free again: that one would hide a leak of the guest.
  const working = samples.filter(({ end }) => !end);
  const last = working.at(-1);
  const first = working.find(({ time }) => time >= settled);
  if (first === undefined || last === undefined || last.time < shortestForLeaks - 60) return undefined;
  return [
    compared(
      `hartvisor's memory`,
      first,
      last,
      ({ resident }) => resident,
      (a, b) => b > a * allowedGrowth,
    ),
    compared(
      `the guest's available memory`,
      first,
      last,
      ({ available }) => available,
      (a, b) => b * allowedGrowth < a,
    ),
  ];
}

function compared(
  what: string,
  first: Sample,
  last: Sample,
  value: (sample: Sample) => number,
  isBad: (first: number, last: number) => boolean,
): Leak {
  const [a, b] = [value(first), value(last)];
  const change = `${mebibytes(a)} MiB after ${first.time} s, ${mebibytes(b)} MiB after ${last.time} s`;
  return { text: `${what}: ${change}`, bad: isBad(a, b) };
}

const mebibytes = (kibibytes: number) => (kibibytes / 1024).toFixed(0);

/** `VmRSS` of `/proc/PID/status`, KiB; 0 where there is none. */
export function residentIn(status: string): number {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0);
}

/** The samples as text: about one a minute, and the last. */
export function table(samples: readonly Sample[]): string {
  const kinds = [...(samples[0]?.rounds.keys() ?? [])];
  const long = (samples.at(-1)?.time ?? 0) > settled;
  const shown = samples.filter(({ time, end }, index) => end || !long || newMinute(samples[index - 1], time));
  const lines = shown.map(({ time, wrong, stalls, available, resident, rounds }) =>
    [
      ...[time, wrong, stalls].map(String),
      ...[available, resident].map(mebibytes),
      ...kinds.map((kind) => `${rounds.get(kind) ?? 0}`),
    ].map((cell) => cell.padStart(8)),
  );
  const head = ['s', 'wrong', 'stalls', 'guest M', 'host M', ...kinds].map((cell) => cell.padStart(8));
  return [head, ...lines].map((cells) => cells.join('')).join('\n');
}

function newMinute(previous: Sample | undefined, time: number): boolean {
  return previous === undefined || Math.floor(previous.time / 60) < Math.floor(time / 60);
}
