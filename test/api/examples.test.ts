/** The examples, each as a person starts it. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { defaultCacheDir } from '../../src/node/cache-dir.ts';
import { runNode } from '../cli/command.ts';
import { debianGuest } from '../machine/debian-guest.ts';

const script = fileURLToPath(new URL('../../scripts/example.ts', import.meta.url));
const run = (...words: string[]) =>
  runNode(['--conditions=hartvisor-sources', script, ...words], process.execPath, {
    HARTVISOR_CACHE: defaultCacheDir(),
  });
const hasLinux = (await debianGuest()) !== undefined;

test('a histogram of latencies', async () => {
  const { status, stdout, stderr } = await run('latency');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^\d+ taken|\d+ set/m);
  const counted = [...stdout.matchAll(/^ *< \d+ +(\d+)/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
  expect(counted).toBeGreaterThan(100);
  expect(stdout).toContain(`${counted} interrupts`);
});

test('a protocol that forgets', async () => {
  const { status, stdout } = await run('protocol');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^take-mirror: PASS$/m);
  expect(stdout).toMatch(/^forgetful: FAIL/m);
});

describe.skipIf(!hasLinux)('with a Linux', () => {
  test('the tests of a project', async () => {
    const { status, stdout, stderr } = await run('ci');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.match(/^ok \d/gm)).toHaveLength(5);
  });

  test('a sandbox', async () => {
    const { status, stdout } = await run(
      'sandbox',
      'echo $((6 * 7)); exit 5',
      'poweroff -f; sleep 9',
      'ls /tmp | wc -l',
    );
    expect(stdout.split('\n').slice(0, 6)).toEqual([
      'echo $((6 * 7)); exit 5',
      '    status 5, stdout: 42',
      'poweroff -f; sleep 9',
      '    MachineEndedError: The machine has ended.',
      'ls /tmp | wc -l',
      '    status 0, stdout: 0',
    ]);
    expect(status).toBe(0);
  });

  test('a bisection of kernels by snapshots', async () => {
    const { status, stdout, stderr } = await run('bisect');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^The first wrong one: .*maxcpus=1$/m);
    expect(stdout).toMatch(/^.*nohz=off: processors 0-1, /m);
    expect(stdout).toMatch(/^.*maxcpus=1: processors 0, /m);
  });
});
