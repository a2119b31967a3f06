import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nameField } from '../contenders.ts';
import { linuxBenchmarks } from './benchmarks.ts';
import { formatLinuxResult } from './format.ts';
import { judge, scalingOf } from './judge.ts';
import { type BenchmarkTimes, readReport, reportLine } from './report.ts';

const field = nameField([{ program: 'q', version: 'QEMU 1' }], [{ program: 'n', version: 'v24' }], []);

/** Lines that came at these seconds, with half of them as CPU time in user mode and a quarter in the kernel. */
type Line = readonly [seconds: number, text: string];
const linesAt = (lines: readonly Line[]) =>
  lines.map(([wall, text]) => ({ text, at: { wall, user: wall / 2, system: wall / 4 } }));
const run = (...lines: Line[]) => ({
  ...{ lines: linesAt(lines), output: 'the output', status: 0, timedOut: false },
});
const good = run(
  [1, 'started 500000000'],
  [2, 'begin fork 1500000000'],
  [4, 'bench fork 1000 1800000000 3500000000'],
  [4, 'skip ipi'],
  [5, 'begin tick 4500000000'],
  [6, 'part tick 100 2000000 5500000000'],
  [6, 'done'],
);

describe('readReport', () => {
  test('gives times of one iteration, by the guest and by the host', () => {
    const { benchmarks, clock } = readReport(good, 'the guest');
    expect([...benchmarks.keys()]).toEqual(['fork', 'tick']);
    expect(benchmarks.get('fork')).toEqual({ guest: 0.0018, cpu: 0.0015 });
    expect(benchmarks.get('tick')).toEqual({ guest: 0.00002, cpu: undefined });
    expect(clock).toBe(1);
  });

  test('takes the last beginning of a benchmark', () => {
    const [started, first, ...rest] = good.lines;
    const earlier = { text: 'begin fork 600000000', at: { wall: 1.1, user: 0.1, system: 0.1 } };
    const { benchmarks } = readReport({ ...good, lines: [started, earlier, first, ...rest] }, 'the guest');
    expect(benchmarks.get('fork')?.cpu).toBe(0.0015);
  });

  test.each([
    [{ ...good, timedOut: true }, 'the guest did not end in time; the end of its output: the output'],
    [{ ...good, status: 5 }, 'ended with status 5'],
    [{ ...good, lines: good.lines.slice(0, -1) }, 'ended with status 0'],
    [run([1, 'started 0'], [2, 'fail wait4 10']), 'reported "fail wait4 10"'],
    [run([1, 'started 0'], [2, 'bench fork 1 1 0'], [3, 'done']), 'reported "bench fork 1 1 0"'],
    [
      run([1, 'started 0'], [1, 'begin fork 0'], [2, 'bench fork 1 0 1000000000'], [2, 'done']),
      'reported "bench fork 1 0',
    ],
    [run([1, 'started 0'], [2, 'done']), 'reported no benchmark'],
  ])('%j is no result', (bad, message) => {
    expect(() => readReport(bad, 'the guest')).toThrow(message);
  });

  test.each([
    [16, true],
    [16.7, true],
    [17.2, false],
    [14.8, false],
  ])('a clock that counts 15 seconds while %d - 1 pass: %s', (wall, right) => {
    const lines = [
      ...[[1, 'started 0'] as const, [2, 'begin fork 0'] as const],
      ...[[wall, 'bench fork 1 9000000000 15000000000'] as const, [wall, 'done'] as const],
    ];
    const read = () => readReport(run(...lines), 'the guest');
    if (right) expect(read).not.toThrow();
    else expect(read).toThrow(/has a clock that counted 15\.00 s in /);
  });

  test('needs CPU times', () => {
    const lines = good.lines.map((line) => ({
      ...line,
      at: { ...line.at, user: undefined, system: undefined },
    }));
    expect(() => readReport({ ...good, lines }, 'the guest')).toThrow('/proc');
    expect(readReport({ ...good, lines }, 'the guest', false).benchmarks.get('fork')?.cpu).toBeUndefined();
  });
});

test('lines of the kernel are no report', () => {
  const lines = ['done', 'begin fork 1', '[    1.0] begin', 'beginning', 'failure', 'skip tick'];
  expect(lines.filter((line) => reportLine.test(line))).toEqual(['done', 'begin fork 1', 'skip tick']);
});

const report = (times: Readonly<Record<string, BenchmarkTimes>>) => ({
  ...{ benchmarks: new Map(Object.entries(times)), clock: 1 },
});
const reports = {
  QEMU: [
    report({ fork: { guest: 2, cpu: 1 }, tick: { guest: 1, cpu: undefined }, ipi: { guest: 1, cpu: 1 } }),
  ],
  hartvisor: [report({ fork: { guest: 1, cpu: 3 }, tick: { guest: 2, cpu: undefined } })],
};

describe('judge', () => {
  test('compares guest time and CPU time', () => {
    const [row] = judge(1, 'fork', field, reports);
    expect(row?.time.hartvisor?.median).toBe(0.5);
    expect(row?.cpuTime.hartvisor?.median).toBe(3);
  });

  test('has no CPU time where it says nothing', () => {
    const [row] = judge(1, 'tick', field, reports);
    expect(row?.time.hartvisor?.median).toBe(2);
    expect(row?.cpuTime).toEqual({});
  });

  test('leaves out who did not measure it', () => {
    const [row] = judge(2, 'ipi', field, reports);
    expect(row?.time).toEqual({});
    expect(judge(1, 'wake', field, reports)).toEqual([]);
  });
});

test('two processes that take as long as one do twice as much', () => {
  const one = { guest: 3, cpu: 3 };
  const scaled = (...two: readonly number[]) => ({
    ...{ QEMU: two.map((guest) => report({ compute: one, 'compute-2': { guest, cpu: 2 * guest } })) },
  });
  expect(scalingOf(2, scaled(3, 4, 6))).toEqual([
    { vcpus: 2, label: 'QEMU', throughput: { median: 1.5, min: 1, max: 2 } },
  ]);
  expect(scalingOf(1, { QEMU: [report({ compute: one })] })).toEqual([]);
});

test('the table shows microseconds, ratios and gaps where there are none', () => {
  const contenders = [field.yardstick, ...field.others];
  const machine = { processor: 'X', processors: 2, load: [0, 0, 0] };
  const text = formatLinuxResult({
    setting: { date: '2026-01-02T03:04:05.000Z', contenders, ...machine },
    turns: 1,
    rows: ['fork', 'tick', 'ipi'].flatMap((name) => judge(2, name, field, reports)),
    scaling: [{ vcpus: 2, label: 'hartvisor', throughput: { median: 1.9, min: 1.8, max: 2 } }],
    clockError: { QEMU: 0.001, hartvisor: 0.02 },
  });
  expect(text).toContain("clock from the wall's: QEMU 0.1 %, hartvisor 2.0 %\n");
  const lines = text.split('\n').map((line) => line.split(/ {2,}/).join('|'));
  expect(lines.slice(-7)).toEqual([
    '2 fork|2000000|1000000|0.50|0.50..0.50|3.00',
    '2 tick|1000000|2000000|2.00|2.00..2.00|-',
    '2 ipi|1000000|-|-|-|-',
    '',
    'Throughput of two processes on two vCPUs, one process: 1',
    '',
    '2 vCPUs, hartvisor: 1.90 (1.80..2.00)',
  ]);
});

test("the guest's program has every benchmark of the table, in its order", () => {
  const guest = new URL('guest/', import.meta.url);
  const sources = readdirSync(guest).filter((name) => name.endsWith('.c'));
  const text = sources.map((name) => readFileSync(new URL(name, guest), 'utf8')).join('\n');
  const defined = new Map(
    [...text.matchAll(/const struct benchmark (\w+) = \{"([\w-]+)"/g)].map((m) => [m[1], m[2]]),
  );
  const main = readFileSync(new URL('main.c', guest), 'utf8');
  const table = /benchmarks\[\] = \{([^}]*)\}/.exec(main)?.[1] ?? '';
  const names = [...table.matchAll(/&(\w+)/g)].map((match) => defined.get(match[1]));
  expect([...names, 'tick']).toEqual(linuxBenchmarks.map(({ name }) => name));
});
