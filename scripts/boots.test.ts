import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { faultsOf, parseShapes, table } from './boot-verdict.ts';

const scratch = mkdtempSync(join(tmpdir(), 'boots-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const healthy = 'Linux version 6\r\nhartvisor: userspace is up\r\nprocessors up: 4\r\n';
const shape = { vcpus: 4, pcpus: 2 };

describe('faultsOf', () => {
  it('finds nothing wrong with a healthy boot', () => {
    expect(faultsOf({ status: 0, log: healthy, seconds: 1 }, shape)).toEqual([]);
  });

  it.each([
    ['exit status 124', { status: 124 }],
    ['did not end', { status: undefined }],
    ['userspace was not reached', { log: 'Linux version 6' }],
    ['no line "processors up: 4"', { log: healthy.replace('4', '3') }],
  ])('reports "%s"', (fault, change) => {
    expect(faultsOf({ status: 0, log: healthy, seconds: 1, ...change }, shape)).toEqual([fault]);
  });

  it.each([
    'rcu: INFO: rcu_sched self-detected stall on CPU',
    'watchdog: BUG: soft lockup - CPU#0 stuck for 26s!',
    'Oops [#1]',
    'BUG: scheduling while atomic',
    'WARNING: CPU: 0 PID: 1 at kernel/smp.c:1',
    'Kernel panic - not syncing: Attempted to kill init!',
  ])('reports the line "%s"', (line) => {
    const log = `${healthy}[    1.0] ${line}\r\n`;
    expect(faultsOf({ status: 0, log, seconds: 1 }, shape)).toEqual([`in the log: [    1.0] ${line}`]);
  });

  const messages = `[    0.0] riscv-imsic: imsics@28000000: providing IPIs using interrupt 1\r
${healthy} 11:          5          0          0          0  APLIC-MSI-d000000.aplic  10 Level   -fasteoi   ttyS0\r
IPI0:        68         54          0          0  Rescheduling interrupts\r
IPI1:       254          0          1          2  Function call interrupts\r
`;

  it('wants interrupts by messages, where it is told so', () => {
    const faults = (log: string) => faultsOf({ status: 0, log, seconds: 1 }, shape, true);
    expect(faults(messages)).toEqual([]);
    expect(faults(messages.replace('riscv-imsic: imsics@28000000', 'riscv'))).toEqual([
      'the IMSIC does not provide IPIs',
    ]);
    expect(faults(messages.replace('APLIC-MSI', 'SiFive PLIC'))).toEqual([
      'no device interrupts by messages',
    ]);
    expect(faults(messages.replace('54', ' 0'))).toEqual(['IPIs reached 3 of 4 processors']);
  });

  it('is not disturbed by words that only look like trouble', () => {
    const log = `${healthy}rcu: Hierarchical RCU implementation.\nDEBUGFS is on\n`;
    expect(faultsOf({ status: 0, log, seconds: 1 }, shape)).toEqual([]);
  });
});

describe('parseShapes', () => {
  it('reads vCPUs and pCPUs', () => {
    expect(parseShapes('1x1,8x2')).toEqual([
      { vcpus: 1, pcpus: 1 },
      { vcpus: 8, pcpus: 2 },
    ]);
  });

  it.each(['', '0x1', '2', '2x', '1x1,'])('refuses "%s"', (text) => {
    expect(() => parseShapes(text)).toThrow(/not of the form/);
  });
});

describe('table', () => {
  it.each([
    [[3, 1, 2], '2.0'],
    [[4, 1, 2, 3], '2.5'],
    [[7], '7.0'],
  ])('gives the median of %j', (seconds, median) => {
    const [, line] = table([{ ...shape, good: 1, seconds }]).split('\n');
    expect(line?.trim().split(/ {2,}/)).toEqual([
      '4',
      '2',
      `1 of ${seconds.length}`,
      Math.min(...seconds).toFixed(1),
      median,
      Math.max(...seconds).toFixed(1),
    ]);
  });
});

describe('the script', () => {
  /** Stands in for the CLI: a guest that is well unless it has three vCPUs. */
  const cli = join(scratch, 'cli.mjs');
  writeFileSync(
    cli,
    `const [command, ...args] = process.argv.slice(2);
     const value = (name) => args[args.indexOf(name) + 1];
     if (command !== 'run' || value('--protocol') !== 'published' || value('--timeout') !== '9') process.exit(2);
     const run = /^hartvisor\\.run="echo (.*) \\$\\(nproc\\); cat .*"$/.exec(value('--append'))[1];
     console.log('hartvisor: userspace is up\\n' + run + ' ' + value('--smp'));
     if (value('--smp') === '3') console.error('WARNING: three');`,
  );
  const boots = (shapes: string) => {
    const options = ['--cli', cli, '--count', '2', '--timeout', '9', '--logs', join(scratch, shapes)];
    const args = [
      join(import.meta.dirname, 'boots.ts'),
      ...options,
      '--shapes',
      shapes,
      '--',
      '--protocol',
      'published',
    ];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  };

  it('succeeds when every boot is good', () => {
    const { status, stdout } = boots('1x1,2x2');
    expect(stdout).toMatch(/^smp 2 pcpus 2 boot 2 of 2: [\d.]+ s, good$/m);
    expect(stdout).toMatch(/^ +1 +1 +2 of 2 .*\n +2 +2 +2 of 2 .*\n$/m);
    expect(status).toBe(0);
    expect(existsSync(join(scratch, '1x1,2x2'))).toBe(false);
  });

  it('fails when one is bad, and keeps its log', () => {
    const { status, stdout } = boots('3x2');
    expect(stdout).toMatch(/BAD: in the log: WARNING: three/);
    expect(stdout).toMatch(/^ +3 +2 +0 of 2 /m);
    expect(status).toBe(1);
    expect(readdirSync(join(scratch, '3x2'))).toEqual([
      'smp-3-pcpus-2-boot-1-of-2.log',
      'smp-3-pcpus-2-boot-2-of-2.log',
    ]);
  });
});
