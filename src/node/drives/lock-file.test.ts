import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { checkQemu, checkUnlocked, LOCK_ENDING, lockFile } from './lock-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'hartvisor-locks-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.alloc(4096));
  return path;
}

const module = new URL('./lock-file.ts', import.meta.url).href;

/** A process that says how its try to lock a file went, and stays. */
async function locker(path: string): Promise<{ child: ChildProcess; said: string }> {
  const code = `
    import { lockFile } from ${JSON.stringify(module)};
    try { lockFile('The drive', ${JSON.stringify(path)}); console.log('locked'); }
    catch (error) { console.log(error.message); }
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [data] = await once(child.stdout ?? child, 'data');
  return { child, said: String(data).trim() };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await once(child, 'exit');
}

test('one process at a time, by whatever name', async () => {
  const path = file('one.img');
  const other = join(folder, 'other.img');
  symlinkSync(path, other);
  const { child, said } = await locker(path);
  expect(said).toBe('locked');
  for (const name of [path, other]) {
    expect(() => lockFile('The drive', name)).toThrow(InputError);
    expect(() => lockFile('The drive', name)).toThrow(`in use by process ${child.pid}`);
    expect(() => checkUnlocked('The drive', name)).toThrow(`process ${child.pid}`);
  }
  // Killed, it leaves its lock behind.
  await end(child, 'SIGKILL');
  expect(existsSync(path + LOCK_ENDING)).toBe(true);
  checkUnlocked('The drive', path);
  const lock = lockFile('The drive', other);
  expect(JSON.parse(readFileSync(path + LOCK_ENDING, 'utf8')).pid).toBe(process.pid);
  lock.release();
  expect(readdirSync(folder).filter((name) => name.includes(LOCK_ENDING))).toEqual([]);
});

test('of many that find a lock that was left behind, one gets it', async () => {
  const path = file('many.img');
  const first = await locker(path);
  await end(first.child, 'SIGKILL');
  const all = await Promise.all(Array.from({ length: 4 }, () => locker(path)));
  expect(all.filter(({ said }) => said === 'locked')).toHaveLength(1);
  await Promise.all(all.map(({ child }) => end(child, 'SIGKILL')));
});

test('a process of the same number that began later is another one', () => {
  const path = file('later.img');
  const lock = lockFile('The drive', path);
  const owner = JSON.parse(readFileSync(path + LOCK_ENDING, 'utf8'));
  lock.release();
  const say = (changed: object) =>
    writeFileSync(path + LOCK_ENDING, JSON.stringify({ ...owner, ...changed }));
  say({ began: '1' });
  lockFile('The drive', path).release();
  // Whether these are there cannot be known.
  for (const changed of [{ host: 'elsewhere' }, { place: `${owner.place.split(' ')[0]} pid:[1]` }]) {
    say(changed);
    expect(() => lockFile('The drive', path)).toThrow(`remove ${path}${LOCK_ENDING}`);
  }
  // The host was started anew.
  say({ place: 'before pid:[1]' });
  lockFile('The drive', path).release();
  writeFileSync(path + LOCK_ENDING, 'something else');
  expect(() => lockFile('The drive', path)).toThrow('somebody else');
});

test.skipIf(process.getuid?.() === 0)('a folder that cannot be written leaves it without', () => {
  const path = file('sealed.img');
  chmodSync(folder, 0o500);
  try {
    lockFile('The drive', path).release();
  } finally {
    chmodSync(folder, 0o700);
  }
});

test.skipIf(spawnSync('qemu-io', ['--version']).status !== 0 || !existsSync('/proc/locks'))(
  'QEMU has files, too',
  async () => {
    const path = file('qemu.img');
    const descriptor = openSync(path, 'r');
    checkQemu('The drive', descriptor, true);
    const child = spawn('qemu-io', ['-f', 'raw', path], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.write('read 0 512\n');
    await once(child.stdout, 'data');
    expect(() => checkQemu('The drive', descriptor, true)).toThrow('in use by QEMU');
    expect(() => checkQemu('The drive', descriptor, false)).toThrow('in use by QEMU');
    await end(child, 'SIGKILL');
    checkQemu('The drive', descriptor, true);
  },
);
