import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { protocolByName } from '../../interrupts/protocols.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { verify } from '../verify.ts';
import { exportPromela } from './promela.ts';

const missing = ['spin', 'cc'].filter((program) => spawnSync(program, ['--version']).error !== undefined);
if (missing.length > 0) {
  console.log(
    `spin.test: skipped, because ${missing.join(' and ')} is not installed (npm run setup installs it)`,
  );
}
const directory = mkdtempSync(join(tmpdir(), 'hartvisor-spin-'));
afterAll(() => rmSync(directory, { recursive: true }));

function scenarioNamed(name: string) {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

/** The answer of SPIN's own exhaustive search on the exported model. */
function spin(model: string): { errors: number; output: string } {
  writeFileSync(join(directory, 'model.pml'), model);
  execFileSync('spin', ['-a', 'model.pml'], { cwd: directory });
  execFileSync('cc', ['-O0', '-w', '-DNOREDUCE', '-o', 'pan', 'pan.c'], { cwd: directory });
  const { stdout } = spawnSync('./pan', ['-m1000000'], { cwd: directory, timeout: 60_000, encoding: 'utf8' });
  const errors = Number(/errors: (\d+)/.exec(stdout)?.[1] ?? Number.NaN);
  expect(stdout).not.toContain('max search depth too small');
  return { errors, output: stdout };
}

const cells: readonly (readonly [protocol: string, scenario: string])[] = [
  ['take-mirror', 'ipi-after-round'],
  ['take-mirror', 'two-ipis'],
  ['take-mirror', 'mail'],
  ['published', 'ipi-after-round'],
  ['published', 'mail'],
  ['published', 'one-ipi'],
  ['xen', 'ipi-after-round'],
  ['minimal-patch', 'two-ipis'],
  ['direct', 'two-ipis'],
];

test.skipIf(missing.length > 0).each(cells)('SPIN agrees about %s in %s', (protocol, name) => {
  const scenario = scenarioNamed(name);
  const ours = verify(protocolByName(protocol), scenario);
  const { errors, output } = spin(exportPromela(protocolByName(protocol), scenario));
  expect(errors, output).toBe(ours.verdict === 'VIOLATED' ? 1 : 0);
  // A violation is a lost interrupt, not a result that our exploration has missed.
  if (errors > 0) expect(output).toContain('assertion violated  !(owed_2)');
});

test.skipIf(missing.length > 0)('SPIN tells when the exploration has missed a result', () => {
  const model = exportPromela(protocolByName('take-mirror'), scenarioNamed('two-ipis'));
  // The guest's flush finds an interrupt: without that branch, its load has a result that nobody expects.
  const branch = /^ {2}:: r == 4 -> .*$/m;
  expect(model).toMatch(branch);
  const { errors, output } = spin(model.replace(branch, ''));
  expect(errors).toBe(1);
  expect(output).toContain('assertion violated 0');
});
