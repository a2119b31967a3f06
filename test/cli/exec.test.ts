/** `hartvisor exec`: streams, statuses and signals of a command in a guest. */
import { describe, expect, test } from 'vitest';
import { defaultCacheDir } from '../../src/node/cache-dir.ts';
import { debianGuest } from '../machine/debian-guest.ts';
import { runCli, startCli } from './command.ts';

const guest = await debianGuest();

/** With the cache that the guest is in. */
const start = (...args: string[]) =>
  startCli(['exec', '--memory', '128M', ...args], { env: { HARTVISOR_CACHE: defaultCacheDir() } });

describe.skipIf(guest === undefined)('a command', { timeout: 60_000 }, () => {
  test('has the streams and the status of hartvisor, and nothing else is there', async () => {
    const script = 'cat; pwd; echo "$A" >&2; exit 42';
    const { child, ended } = start('--cwd', '/tmp', '--env', 'A=b c', '--', 'sh', '-c', script);
    child.stdin.end('in\nput');
    expect(await ended).toEqual({ status: 42, stdout: 'in\nput/tmp\n', stderr: 'b c\n' });
  });

  test('gets signals, and what it makes of them counts', async () => {
    const script = 'trap "echo caught" INT; trap "kill -9 $$" TERM; echo ready; while :; do sleep 0.1; done';
    const { child, printed, ended } = start('--', 'sh', '-c', script);
    await printed('ready');
    child.kill('SIGINT');
    await printed('caught');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ status: 128 + 9, stdout: 'ready\ncaught\n' });
  });
});

test.each([
  [['--smp', '0', '--', 'true'], '--smp 0 is not possible'],
  [['--no-such-option', '--', 'true'], 'unknown option'],
  [['--env', '=', '--', 'true'], '--env =: give NAME=VALUE'],
  [[], 'missing required argument'],
])('the mistakes of exec %j do not look like those of its command', async (args, message) => {
  const { status, stdout, stderr } = await runCli(['exec', ...args]);
  expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  expect(stderr).toContain(message);
});
