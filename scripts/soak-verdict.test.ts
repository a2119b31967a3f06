import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { faultsOf, leaksOf, parseReport, residentIn, type Sample, type Soak, table } from './soak-verdict.ts';

const line = (
  time: number,
  { what = 'report', wrong = 0, stalls = 0, fork = time, available = 170_000 } = {},
) =>
  `soak: ${what} t=${time} wrong=${wrong} stalls=${stalls} free=171000 available=${available} | fork=${fork} pipe=7`;

function sample(time: number, change: Parameters<typeof line>[1] & { resident?: number } = {}): Sample {
  const report = parseReport(line(time, change));
  if (report === undefined) throw new Error('no report');
  return { ...report, resident: change.resident ?? 500_000 };
}

const start = 'soak: start cpus=4 seed=1 memory=191128';
const samples = [sample(10), sample(20), sample(31, { what: 'end' })];
const healthy: Soak = { status: 0, log: `Linux version 6\r\n${start}\r\n`, samples };
const wanted = { seconds: 30, vcpus: 4 };

describe('parseReport', () => {
  it('reads what the guest prints', () => {
    expect(parseReport(`${line(12, { what: 'end', wrong: 1, stalls: 2, fork: 3 })}\r`)).toEqual({
      ...{ time: 12, wrong: 1, stalls: 2, free: 171000, available: 170000, end: true },
      rounds: new Map([
        ['fork', 3],
        ['pipe', 7],
      ]),
    });
  });

  it.each([start, 'soak: report t=', line(1).replace('fork=1', 'fork='), `[ 1.0] ${line(1)}`])(
    'finds none in "%s"',
    (text) => {
      expect(parseReport(text)).toBeUndefined();
    },
  );
});

describe('faultsOf', () => {
  it('finds nothing wrong with a healthy run', () => {
    expect(faultsOf(healthy, wanted)).toEqual([]);
  });

  it.each<[string, Partial<Soak>]>([
    ['exit status 5', { status: 5 }],
    ['did not end', { status: undefined }],
    ['the guest did not start its workers', { log: 'Linux version 6' }],
    ['3 of 4 vCPUs were up', { log: start.replace('cpus=4', 'cpus=3') }],
    ['no report of the end', { samples: [sample(40)] }],
    ['no report of the end', { samples: [] }],
    ['2 wrong results', { samples: [sample(31, { what: 'end', wrong: 2 })] }],
    ['1 stalls', { samples: [sample(31, { what: 'end', stalls: 1 })] }],
    ['no round of fork', { samples: [sample(31, { what: 'end', fork: 0 })] }],
    ['ended after 29 of 30 s', { samples: [sample(29, { what: 'end' })] }],
  ])('reports "%s"', (fault, change) => {
    expect(faultsOf({ ...healthy, ...change }, wanted)).toEqual([fault]);
  });

  it.each([
    'soak: WRONG in float.1, round 3: 1 / 3 is 0x0 instead of 0x1',
    'soak: CRASH in code.0, round 3: signal 11 at pc 0x0, address 0x0',
    'soak: STALL worker fork.1: no round for 31 s, 5 until then, state S',
    'soak: ENDED worker fork.1 with status b',
    '[  100.0] rcu: INFO: rcu_sched self-detected stall on CPU',
    '[  100.0] INFO: task init:31 blocked for more than 120 seconds.',
    '[  100.0] Out of memory: Killed process 31',
    '[  100.0] Oops [#1]',
  ])('reports the line "%s"', (text) => {
    const log = `${healthy.log}${text}\r\n`;
    expect(faultsOf({ ...healthy, log }, wanted)).toEqual([`in the log: ${text}`]);
  });
});

describe('leaks', () => {
  const run = (first: { resident?: number; available?: number }, last: typeof first) => [
    sample(60, { resident: 1, available: 900_000 }),
    sample(300, first),
    sample(1200),
    sample(1800, last),
    sample(1802, { what: 'end', resident: 1, available: 900_000 }),
  ];

  it('are not judged in a short run', () => {
    expect(leaksOf(samples)).toBeUndefined();
    expect(leaksOf([sample(300), sample(500), sample(501, { what: 'end' })])).toBeUndefined();
  });

  it('are not seen in memory that stays within a tenth, or shrinks', () => {
    const leaks = leaksOf(
      run({ resident: 100_000, available: 110_000 }, { resident: 109_000, available: 101_000 }),
    );
    expect(leaks?.map(({ bad }) => bad)).toEqual([false, false]);
    const fewer = leaksOf(
      run({ resident: 100_000, available: 100_000 }, { resident: 50_000, available: 200_000 }),
    );
    expect(fewer?.map(({ bad }) => bad)).toEqual([false, false]);
  });

  it.each([
    [`hartvisor's memory: 98 MiB after 300 s, 108 MiB after 1800 s`, { resident: 111_000 }],
    [`the guest's available memory: 98 MiB after 300 s, 88 MiB after 1800 s`, { available: 90_000 }],
  ])('are faults: %s', (fault, change) => {
    const memory = { resident: 100_000, available: 100_000 };
    const soak = { ...healthy, samples: run(memory, { ...memory, ...change }) };
    expect(faultsOf(soak, { ...wanted, seconds: 1800 })).toEqual([fault]);
  });
});

describe('residentIn', () => {
  it('finds the resident memory', () => {
    expect(residentIn('VmHWM:\t  900 kB\nVmRSS:\t  523452 kB\nRssAnon:\t  1 kB\n')).toBe(523452);
    expect(residentIn('State: Z (zombie)\n')).toBe(0);
  });
});

describe('table', () => {
  it('shows all samples of a short run', () => {
    const lines = table(samples).split('\n');
    expect(lines[0]?.trim().split(/ +/)).toEqual('s wrong stalls guest M host M fork pipe'.split(' '));
    expect(lines).toHaveLength(4);
    expect(lines[3]?.trim().split(/ +/)).toEqual('31 0 0 166 488 31 7'.split(' '));
  });

  it('shows one a minute of a long one, and the end', () => {
    const times = Array.from({ length: 37 }, (_, index) => 10 + 10 * index);
    const lines = table([...times.map((time) => sample(time)), sample(371, { what: 'end' })]).split('\n');
    expect(lines.slice(1).map((text) => text.trim().split(/ +/)[0])).toEqual(
      '10 60 120 180 240 300 360 371'.split(' '),
    );
  });
});

describe('the script', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'soak-'));
  afterAll(() => rmSync(scratch, { recursive: true }));
  /** Stands in for the CLI: a guest that makes as many mistakes as its seed says beyond 1. */
  const cli = join(scratch, 'cli.mjs');
  writeFileSync(
    cli,
    `const [command, ...args] = process.argv.slice(2);
     const value = (name) => args[args.indexOf(name) + 1];
     if (command !== 'run' || value('--engine') !== 'jit' || value('--kernel') !== 'vmlinux' || value('--initrd') !== 'initrd') process.exit(2);
     const [seconds, seed] = value('--append').split(' -- ')[1].split(' ').map(Number);
     console.log('soak: start cpus=' + value('--smp') + ' seed=' + seed + ' memory=1');
     console.log('soak: end t=' + seconds + ' wrong=' + (seed - 1) + ' stalls=0 free=1 available=1 | fork=1');`,
  );
  const soak = (seed: string) => {
    const options = [
      '--cli',
      cli,
      '--seconds',
      '5',
      '--smp',
      '3',
      '--seed',
      seed,
      '--kernel',
      'vmlinux',
      '--initrd',
      'initrd',
    ];
    const args = [
      join(import.meta.dirname, 'soak.ts'),
      ...options,
      '--logs',
      scratch,
      '--',
      '--engine',
      'jit',
    ];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  };

  it('succeeds when the run is good', () => {
    const { status, stdout, stderr } = soak('1');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^memory: not judged/m);
    expect(stdout).toMatch(/^good$/m);
    expect(status).toBe(0);
  });

  it('fails when it is not', () => {
    const { status, stdout } = soak('3');
    expect(stdout).toMatch(/^BAD: 2 wrong results$/m);
    expect(status).toBe(1);
  });

  it('refuses options that make no sense', () => {
    const { status, stderr } = soak('x');
    expect(stderr).toBe('soak: --seed x is not a whole number from 1 on\n');
    expect(status).toBe(2);
  });
});
