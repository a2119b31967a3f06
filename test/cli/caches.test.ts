import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ran, startCli } from './command.ts';

let scratch = '';
let home = '';
let temporary = '';

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hartvisor-caches-'));
  home = join(scratch, 'home');
  temporary = join(scratch, 'tmp');
  for (const path of [home, temporary]) mkdirSync(path, { mode: 0o700 });
});
afterEach(() => rmSync(scratch, { recursive: true }));

/** Runs the command line with nothing of this process's environment that says where to keep things. */
async function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  const unset = { HARTVISOR_CACHE: undefined, XDG_CACHE_HOME: undefined, NODE_COMPILE_CACHE: undefined };
  const { child, ended } = startCli(args, { env: { ...unset, TMPDIR: temporary, ...env } });
  child.stdin.end();
  return ended;
}

const cache = () => join(home, '.cache', 'hartvisor');

test('what is compiled is kept where only this user can put something, and nowhere else', async () => {
  const tick = ['run', '--guest', 'tick', '--append', 'seconds=0', '--smp', '1'];
  expect(await run(tick, { HOME: home })).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(temporary)).toEqual([]);
  expect(readdirSync(cache())).toEqual(expect.arrayContaining(['compiled']));
  expect(statSync(join(cache(), 'compiled')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(cache(), 'compiled'))).toHaveLength(1);
});

test('a cache that others can write to is left alone, and refused where it is needed', async () => {
  const open = join(scratch, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  const { status, stderr } = await run(['run'], { HARTVISOR_CACHE: open });
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^hartvisor: Debian's kernel cannot be fetched: the cache directory .*open cannot be used because others may write to it \(mode 777\): chmod go-w .*open\. .*--guest tick\.\n$/,
  );
  expect([readdirSync(open), readdirSync(temporary)]).toEqual([[], []]);
});

test.each(['/proc/nobody', '/proc/self/nothing/below'])(
  'a cache in %s is an answer, and comes at once',
  async (path) => {
    const { status, stderr } = await run(['run'], { HARTVISOR_CACHE: path });
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/the cache directory \/proc\/.* cannot be used \(E/),
    ]);
  },
);
