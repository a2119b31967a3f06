/** `hartvisor exec`: streams, statuses and signals of a command in a guest. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { defaultCacheDir } from '../../src/node/cache-dir.ts';
import { debianGuest } from '../machine/debian-guest.ts';
import { runCli, startCli } from './command.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const guest = await debianGuest();
/** A cache of its own, which has what the guest is made of. */
const cache = mkdtempSync(join(tmpdir(), 'hartvisor-exec-'));
const filled = defaultCacheDir();
for (const name of filled === undefined ? [] : readdirSync(filled)) {
  if (name !== 'warm') symlinkSync(join(filled ?? '', name), join(cache, name));
}
afterAll(() => rmSync(cache, { recursive: true }));

const start = (...args: string[]) =>
  startCli(['exec', '--memory', '128M', ...args], { env: { HARTVISOR_CACHE: cache } });

test('a folder as input is refused', () => {
  const folder = openSync(cache, 'r');
  const { status, stderr } = spawnSync(process.execPath, [main, 'exec', '--', 'cat'], {
    ...{ stdio: [folder, 'pipe', 'pipe'], encoding: 'utf8' },
    env: { ...process.env, HARTVISOR_CACHE: cache },
  });
  closeSync(folder);
  expect([status, stderr]).toEqual([125, expect.stringContaining('Standard input is a folder')]);
});

describe.skipIf(guest === undefined)('a command', () => {
  /** The images of boots, and when they were used. */
  const images = () =>
    readdirSync(join(cache, 'warm')).map((name) => {
      const { ino, mtimeMs } = statSync(join(cache, 'warm', name));
      return { ino, mtimeMs };
    });

  test('has the streams and the status of hartvisor, and nothing else is there', async () => {
    const script = 'cat; pwd; echo "$A" >&2; touch /tmp/mine; exit 42';
    const { child, ended } = start('--cwd', '/tmp', '--env', 'A=b c', '--', 'sh', '-c', script);
    child.stdin.end('in\nput');
    expect(await ended).toEqual({ status: 42, stdout: 'in\nput/tmp\n', stderr: 'b c\n' });
    expect(images()).toHaveLength(1);
  });

  test('goes on from the image of an earlier boot, and has nothing of the command before', async () => {
    const [before] = images();
    const { child, ended } = start('--', 'sh', '-c', 'date +%s; ls /tmp/mine 2> /dev/null');
    child.stdin.end();
    const { status, stdout } = await ended;
    expect(status).toBe(1);
    expect(Math.abs(Number(stdout) - Date.now() / 1000)).toBeLessThan(60);
    const [after] = images();
    expect(after.ino).toBe(before.ino);
    expect(after.mtimeMs).toBeGreaterThan(before.mtimeMs);
  });

  test('gets signals, and what it makes of them counts, in a guest that boots anew', async () => {
    const before = images();
    const script = 'trap "echo caught" INT; trap "kill -9 $$" TERM; echo ready; while :; do sleep 0.1; done';
    const { child, printed, ended } = start('--cold', '--', 'sh', '-c', script);
    await printed('ready');
    child.kill('SIGINT');
    await printed('caught');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ status: 128 + 9, stdout: 'ready\ncaught\n' });
    expect(images()).toEqual(before);
  });

  test('is over when its output is, also that of its processes in the background', async () => {
    const script =
      'sh -c "until [ -e /tmp/go ]; do sleep 0.01; done; echo late" & echo early; touch /tmp/go; exit 3';
    const { child, ended } = start('--', 'sh', '-c', script);
    child.stdin.end();
    expect(await ended).toEqual({ status: 3, stdout: 'early\nlate\n', stderr: '' });
  });

  test('does not wait for processes in the background that have no part in its output', async () => {
    const { child, ended } = start('--', 'sh', '-c', 'sleep 10000 > /dev/null 2>&1 & exit 3');
    child.stdin.end();
    expect(await ended).toEqual({ status: 3, stdout: '', stderr: '' });
  });

  test('has ended for a signal, though a process in the background does not hear it', async () => {
    // A shell has such processes ignore SIGINT.
    const script =
      'sh -c "while kill -0 $$ 2> /dev/null; do sleep 0.01; done; echo alone; sleep 10000" & exit 3';
    const { child, printed, ended } = start('--', 'sh', '-c', script);
    child.stdin.end();
    await printed('alone');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 128 + 2, stdout: 'alone\n' });
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
