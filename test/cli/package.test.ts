import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, test as base, beforeAll, describe, expect } from 'vitest';
import { runNode } from './command.ts';
import { NODES } from './nodes.ts';
import { finisher, writeProgram } from './programs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
// Within the checkout, so that dependencies are found.
mkdirSync(join(root, 'build'), { recursive: true });
const directory = mkdtempSync(join(root, 'build', 'package-'));
const main = join(directory, 'dist', 'cli', 'main.js');

beforeAll(async () => {
  const built = await runNode([join(root, 'scripts', 'bundle.ts'), join(directory, 'dist')]);
  expect(built).toMatchObject({ status: 0, stderr: '' });
  const guests = ['tick', 'agent'].flatMap((name) =>
    [`${name}.elf`, `${name}-rv32.elf`].map((file) => join('guests', name, file)),
  );
  for (const name of ['package.json', 'README.md', join('c', 'vcpu_irqs.h'), ...guests]) {
    cpSync(join(root, name), join(directory, name));
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the package', () => {
  const test = base;

  test('holds what is loaded by its name, and neither sources nor tests', () => {
    // Scripts of the package would build the checkout.
    const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ files }]: [{ files: { path: string }[] }] = JSON.parse(listing);
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'README.md',
        'package.json',
        'c/vcpu_irqs.h',
        'guests/agent/agent.elf',
        'guests/agent/agent-rv32.elf',
        'guests/tick/tick.elf',
        'guests/tick/tick-rv32.elf',
        'dist/cli/main.js',
        'dist/node/worker-entry.js',
        'dist/node/verify-entry.js',
        'dist/node/stress-entry.js',
        'dist/node/interpreter-rv32.wasm',
        'dist/node/interpreter-rv64.wasm',
        'dist/web/index.js',
        'dist/web/thread.js',
        'dist/web/pcpu-thread.js',
        'dist/web/codec-thread.js',
        'dist/web/trace-thread.js',
        'dist/web/snapshot-thread.js',
        'dist/web/interpreter-rv64.wasm',
        'dist/verify/public.js',
      ]),
    );
    expect(paths.filter((path) => /(?<!\.d)\.ts$|\.map$/.test(path) || path.includes('.test.'))).toEqual([]);
  });

  test('begins with a module that every Node can read as far as its message', () => {
    expect(readFileSync(main, 'utf8')).not.toMatch(/^\s*import\s*[^(\s]/m);
  });

  test('knows its version', async () => {
    const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(await runNode([main, '--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test.each([32, 64] as const)('brings the interpreter of its harts of RV%i', async (xlen) => {
    const { interpreterBytes } = await import('../../src/node/interpreter-module.ts');
    const shipped = readFileSync(join(directory, 'dist', 'node', `interpreter-rv${xlen}.wasm`));
    expect(shipped.equals(await interpreterBytes(xlen))).toBe(true);
  });
});

describe.each(NODES)('the command of the package on $name', ({ node, here }) => {
  const test = base.skipIf(!here);
  const hartvisor = (...args: readonly string[]) => runNode([main, ...args], node);

  test('runs a program', async () => {
    const program = writeProgram(join(directory, 'exit.elf'), finisher(0x7_3333));
    expect(await hartvisor('machine', program)).toMatchObject({ status: 7 });
  });

  test('runs a program also without the interpreter that it brings', async () => {
    const program = writeProgram(join(directory, 'exit.elf'), finisher(0x5555));
    const shipped = join(directory, 'dist', 'node', 'interpreter-rv64.wasm');
    renameSync(shipped, `${shipped}.away`);
    expect(await hartvisor('machine', program)).toMatchObject({ status: 0, stderr: '' });
    renameSync(`${shipped}.away`, shipped);
  });

  test('runs the guest that it brings', async () => {
    const { status, stdout } = await hartvisor('run', '--guest', 'tick', '--append', 'rounds=8');
    expect(stdout).toMatch(/tick: PASS\r?\n$/);
    expect(status).toBe(0);
  });

  test('proves and refutes', async () => {
    const args = ['--protocol', 'take-mirror', 'published', '--scenario', 'ipi-after-round'];
    const { status, stdout } = await hartvisor('verify', ...args);
    expect(stdout).toMatch(/ipi-after-round +proven\* +P1/);
    expect(status).toBe(10);
  });

  test('replays a counterexample on threads', async () => {
    expect(await hartvisor('verify', 'replay', 'published/ipi-after-round')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('real threads'),
    });
  });

  test('finds what modules of people import', async () => {
    const file = join(directory, 'mine.mjs');
    const text = `import { protocolByName } from 'hartvisor/verify';
      export const mine = { ...protocolByName('take-mirror'), name: 'mine' };`;
    writeFileSync(file, text);
    const { status, stdout } = await hartvisor('verify', '--file', file, '--scenario', 'ipi-after-round');
    expect(stdout).toMatch(/ipi-after-round +PROVEN/);
    expect(status).toBe(0);
  });

  test('stresses protocols between threads', async () => {
    const { status, stdout } = await hartvisor('stress', '--protocol', 'take-mirror', '--seconds', '0.2');
    expect(stdout).toContain('take-mirror');
    expect(status).toBe(0);
  });
});
