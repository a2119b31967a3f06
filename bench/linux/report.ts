import { type MeasuredRun, type Moment, RunFailure } from '../measured-run.ts';

/** The lines of the guest's report; `guest/report.h` says what they mean. */
export const reportLine = /^(started|begin|bench|part|skip|fail|done)\b/;

/** One benchmark in one run, for one iteration. */
export interface BenchmarkTimes {
  /** Seconds by the guest's clock. */
  readonly guest: number;
  /** Seconds of CPU time on the host; undefined for a part of what a benchmark runs for, and where nobody asks. */
  readonly cpu: number | undefined;
}

/** The report of a guest. */
export interface GuestReport {
  readonly benchmarks: ReadonlyMap<string, BenchmarkTimes>;
  /** The guest's seconds for each second on the wall, from its first line to its last benchmark. */
  readonly clock: number;
}

/** Seconds that a line may take from the guest's console to this process. */
const DELAY = 0.25;
/** Of the time on the wall, by which the guest's clock may be wrong. */
const TOLERANCE = 0.05;

/**
 * Reads a run of the guest.
 *
 * @param what was run, for messages
 * @param asksCpu CPU times are wanted; the last one is not known of a process that has ended when its line is read, as
 *   on a busy host
 * @throws RunFailure when it did not end well, when its clock is wrong, and where CPU times are wanted and not known
 */
export function readReport(
  run: Pick<MeasuredRun, 'lines' | 'output' | 'status' | 'timedOut'>,
  what: string,
  asksCpu = true,
): GuestReport {
  const failure = (reason: string) =>
    new RunFailure(
      `${what} ${reason}; the end of its output: ${run.output.slice(-2000).trim() || 'nothing'}`,
    );
  if (run.timedOut) throw failure('did not end in time');
  const bad = run.lines.find(({ text }) => text.startsWith('fail'));
  if (bad !== undefined) throw failure(`reported "${bad.text}"`);
  if (run.status !== 0 || run.lines.at(-1)?.text !== 'done') throw failure(`ended with status ${run.status}`);
  const benchmarks = new Map<string, BenchmarkTimes>();
  let began: Moment | undefined;
  for (const { text, at } of run.lines) {
    const [kind, name, ...numbers] = text.split(' ');
    if (kind === 'begin') began = at;
    if (kind !== 'bench' && kind !== 'part') continue;
    const [iterations, nanoseconds] = numbers.map(Number);
    if (began === undefined || !(iterations > 0) || !(nanoseconds > 0)) throw failure(`reported "${text}"`);
    const cpu = kind === 'bench' && asksCpu ? cpuBetween(began, at) / iterations : undefined;
    benchmarks.set(name, { guest: nanoseconds / 1e9 / iterations, cpu });
    began = undefined;
  }
  return { benchmarks, clock: checkedClock(run.lines, failure) };
}

function cpuBetween(from: Moment, to: Moment): number {
  const used = ({ user, system }: Moment) => (user ?? Number.NaN) + (system ?? Number.NaN);
  const cpu = used(to) - used(from);
  if (Number.isNaN(cpu)) throw new RunFailure('bench -- linux reads CPU times from /proc, as Linux has it.');
  return cpu;
}

function checkedClock(lines: MeasuredRun['lines'], failure: (reason: string) => RunFailure): number {
  const timed = lines.filter(({ text }) => /^(started|bench|part)\b/.test(text));
  const [first, last] = [timed[0], timed.at(-1)];
  if (first === undefined || last === undefined || first === last) throw failure('reported no benchmark');
  const clockOf = (text: string) => Number(text.split(' ').at(-1)) / 1e9;
  const guest = clockOf(last.text) - clockOf(first.text);
  const wall = last.at.wall - first.at.wall;
  if (!(Math.abs(guest - wall) <= wall * TOLERANCE + DELAY)) {
    throw failure(`has a clock that counted ${guest.toFixed(2)} s in ${wall.toFixed(2)} s on the wall`);
  }
  return guest / wall;
}
