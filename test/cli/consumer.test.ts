/** The package as a project of somebody else has it: packed, unpacked, type-checked and run. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runNode } from './command.ts';
import { NODES } from './nodes.ts';
import { finisher, writeProgram } from './programs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'hartvisor-consumer-'));
const project = join(directory, 'project');
const installed = join(project, 'node_modules', 'hartvisor');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

beforeAll(async () => {
  const packed = join(directory, 'packed');
  mkdirSync(packed);
  for (const name of ['package.json', 'README.md', 'guests/tick/tick.elf'])
    cpSync(join(root, name), join(packed, name));
  const bundle = await runNode([join(root, 'scripts', 'bundle.ts'), join(packed, 'dist')]);
  expect(bundle).toMatchObject({ status: 0, stderr: '' });
  const types = await runNode([
    tsc,
    '-p',
    join(root, 'tsconfig.build.json'),
    '--emitDeclarationOnly',
    '--outDir',
    join(packed, 'dist'),
  ]);
  expect(types).toMatchObject({ status: 0, stdout: '' });
  const [{ filename }]: [{ filename: string }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts'], {
      cwd: packed,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(packed, filename), '-C', installed, '--strip-components=1']);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  // Packages that every project with TypeScript on Node has.
  mkdirSync(join(project, 'node_modules', '@types'));
  symlinkSync(join(root, 'node_modules', '@types', 'node'), join(project, 'node_modules', '@types', 'node'));
  symlinkSync(join(root, 'node_modules', 'undici-types'), join(project, 'node_modules', 'undici-types'));
  cpSync(join(root, 'examples', 'interrupts.ts'), join(project, 'interrupts.ts'));
  writeFileSync(join(project, 'machine.ts'), MACHINE);
  writeFileSync(join(project, 'protocol.ts'), PROTOCOL);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Nothing, or the warning of an older Node that it takes types off. */
const QUIET = /^(.*ExperimentalWarning: Type Stripping.*\n.*--trace-warnings.*\n)?$/;

const MACHINE = `
import { readFileSync } from 'node:fs';
import { boot, InputError, Machine, type MachineConfig, type MachineEnd, NodeHost, readElf, type Vm } from 'hartvisor';

const source = process.argv[2] ?? '';
const config: MachineConfig = {
  kind: 'bare',
  harts: 1,
  memoryBytes: 64 * 1024 * 1024,
  program: { kind: 'program', image: { kind: 'elf', elf: readElf(readFileSync(source), source), source } },
};
const machine = new Machine(config, new NodeHost(), { console: { output: () => undefined } });
machine.start();
const end: MachineEnd = await machine.ended;
console.log(JSON.stringify(end), new InputError('x') instanceof Error);

const vm: Vm = await boot({ guest: 'tick', append: 'rounds=1', memory: '32M' });
const [shown]: string[] = await vm.console.waitFor(/tick: PASS/);
console.log(shown, (await vm.ended).reason);
`;

const PROTOCOL = `
import { type Protocol, protocolByName, scenario, sender, vcpu } from 'hartvisor/verify';

export const mine: Protocol = { ...protocolByName('take-mirror'), name: 'mine' };
export const two = scenario({
  name: 'two-senders',
  title: 'two senders',
  about: 'shows that the types of scenarios can be used',
  group: 'default',
  threads: [vcpu(), sender({ name: 'A' }), sender({ name: 'B' })],
});
`;

const strict = [
  '--noEmit',
  '--strict',
  '--target',
  'es2024',
  '--types',
  'node',
  '--allowImportingTsExtensions',
];

describe('a project that has installed the package', () => {
  test.each([
    ['nodenext', 'nodenext', ['--lib', 'es2024,dom']],
    ['preserve', 'bundler', ['--lib', 'es2024,webworker']],
    // As a project for Node has it: the types of WebAssembly are in the libraries for browsers.
    ['nodenext', 'nodenext', ['--lib', 'es2024']],
    ['nodenext', 'nodenext', ['--lib', 'es2024', '--skipLibCheck']],
  ])('type-checks against it: --module %s --moduleResolution %s %j', (module, resolution, libraries) => {
    const files = ['interrupts.ts', 'machine.ts', 'protocol.ts'].map((file) => join(project, file));
    const args = [
      tsc,
      ...strict,
      ...libraries,
      '--module',
      module,
      '--moduleResolution',
      resolution,
      ...files,
    ];
    const { stdout, status } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  });

  test('is told a mistake in a configuration by its editor', () => {
    const file = join(project, 'mistake.ts');
    writeFileSync(
      file,
      `import type { MachineConfig } from 'hartvisor';\nexport const config: MachineConfig = { kind: 'bare' };\n`,
    );
    const args = [tsc, ...strict, '--module', 'nodenext', file];
    const { stdout, status } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stdout).toMatch(/mistake\.ts\(2,14\): error TS2/);
  });

  describe.each(NODES)('on $name', ({ node, here }) => {
    test.skipIf(!here)('runs machines', async () => {
      const program = writeProgram(join(directory, 'exit.elf'), finisher(0x7_3333));
      const { status, stdout, stderr } = await runNode([join(project, 'machine.ts'), program], node);
      expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(QUIET) });
      expect(stdout).toBe('{"reason":"failure","code":7} true\ntick: PASS poweroff\n');
    });
  });

  test('can be bundled, if the bundler leaves the package alone, and is told so otherwise', async () => {
    const program = writeProgram(join(directory, 'exit.elf'), finisher(0x7_3333));
    const [alone, taken] = await Promise.all(
      [true, false].map(async (external) => {
        const file = join(project, `bundle-${external}.mjs`);
        await build({
          input: join(project, 'machine.ts'),
          platform: 'node',
          external: external ? ['hartvisor'] : [],
          output: { file, codeSplitting: false },
          logLevel: 'silent',
        });
        return runNode([file, program]);
      }),
    );
    expect(alone).toMatchObject({ status: 0, stderr: '' });
    expect(taken.stderr).toContain('InputError: hartvisor does not find the module of its threads');
    expect(taken.status).toBe(1);
  });

  test('runs the example of the mechanism by itself', async () => {
    const { status, stdout, stderr } = await runNode([join(project, 'interrupts.ts')]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^sender 0: (\d+) letters sent, all of them read$/m);
    expect(stdout).toMatch(/^vCPU: \d+ letters read/m);
  });

  test('sees nothing of the package but its exports', async () => {
    const { exports }: { exports: Record<string, unknown> } = JSON.parse(
      readFileSync(join(installed, 'package.json'), 'utf8'),
    );
    expect(Object.keys(exports)).toEqual([
      '.',
      './web',
      './terminal',
      './interrupts',
      './verify',
      './package.json',
    ]);
    const file = join(project, 'inside.mjs');
    writeFileSync(file, "await import('hartvisor/dist/node/worker-entry.js');");
    const { status, stderr } = await runNode([file]);
    expect(status).toBe(1);
    expect(stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe('the example of the mechanism', () => {
  test('runs on the sources of a checkout', async () => {
    const { status, stdout } = await runNode([
      '--conditions=hartvisor-sources',
      join(root, 'scripts', 'example.ts'),
      'interrupts',
    ]);
    expect(stdout).toMatch(/^vCPU: \d+ letters read/m);
    expect(status).toBe(0);
  });
});
