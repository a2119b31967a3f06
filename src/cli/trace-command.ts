import { open } from 'node:fs/promises';
import { InputError } from '../errors/input-error.ts';
import { printable } from '../node/printable.ts';
import { TraceSummarizer, type TraceSummary } from '../trace/summary/summary.ts';
import { alignTable, grouped } from './statistics.ts';

/** Bytes that are read at a time. */
const PIECE = 1 << 20;

/** Options of `hartvisor trace summary` as the parser gives them. */
export interface TraceSummaryOptions {
  readonly top?: string | undefined;
  readonly json?: true | undefined;
}

/**
 * `hartvisor trace summary`: the numbers of a trace, without Perfetto.
 *
 * @throws InputError for a file that cannot be read, or is no trace
 */
export async function traceSummaryCommand(
  file: string,
  { top = '8', json }: TraceSummaryOptions,
): Promise<void> {
  if (!/^[1-9]\d{0,5}$/.test(top)) throw new InputError(`--top ${top}: give a number of lines from 1 on.`);
  const summary = await summarize(file);
  process.stdout.write(
    json === true ? `${JSON.stringify(summary, undefined, 2)}\n` : describe(file, summary, Number(top)),
  );
}

async function summarize(file: string): Promise<TraceSummary> {
  const summarizer = new TraceSummarizer();
  try {
    const handle = await open(file, 'r');
    try {
      for (const buffer = new Uint8Array(PIECE); ; ) {
        const { bytesRead } = await handle.read(buffer, 0, PIECE);
        if (bytesRead === 0) return summarizer.end();
        summarizer.take(buffer.subarray(0, bytesRead));
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new InputError(`The trace ${file} cannot be read: ${(error as Error).message}.`);
  }
}

function describe(file: string, { events, nanoseconds, tracks, ways }: TraceSummary, top: number): string {
  const parts = [`${file}: ${grouped(events)} events in ${milliseconds(nanoseconds)} ms`];
  for (const { name, states, marks } of tracks) {
    const rest = states.slice(top);
    const shown = [
      ...states.slice(0, top),
      ...(rest.length === 0
        ? []
        : [
            {
              name: `${rest.length} others`,
              times: rest.reduce((sum, { times }) => sum + times, 0),
              nanoseconds: rest.reduce((sum, each) => sum + each.nanoseconds, 0),
            },
          ]),
    ];
    const rows = shown.map((state) => [
      `  ${printable(state.name)}`,
      grouped(state.times),
      milliseconds(state.nanoseconds),
      `${((100 * state.nanoseconds) / Math.max(nanoseconds, 1)).toFixed(1)} %`,
    ]);
    const marked = marks
      .slice(0, top)
      .map((mark) => [`  ${printable(mark.name)}`, grouped(mark.times), '', '']);
    parts.push(alignTable([[printable(name), 'times', 'ms', 'share'], ...rows, ...marked]));
  }
  if (ways.length > 0) parts.push(wayTable(ways));
  return `${parts.join('\n\n')}\n`;
}

function wayTable(ways: TraceSummary['ways']): string {
  const rows = ways.map(({ from, to, times, median, p99, longest }) => [
    `  ${printable(from)} → ${printable(to)}`,
    ...[grouped(times), ...[median, p99, longest].map((each) => (each / 1000).toFixed(1))],
  ]);
  return alignTable([['on the way, in microseconds', 'times', 'median', '99 %', 'longest'], ...rows]);
}

function milliseconds(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(1);
}
