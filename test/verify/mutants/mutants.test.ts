/**
 * Every mutant is killed: a gate for the checker and its scenarios. A survivor means that somebody could make this
 * mistake and be told PROVEN.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import type { Scenario } from '../../../src/verify/scenario.ts';
import { MUTANTS } from './index.ts';
import type { RunStateFunctions, VcpuInterruptsClass, VcpuLoopClass } from './mutant.ts';
import { readAlsoKilled, renderPage } from './page.ts';
import { RIGHT_CHANGES } from './right-changes.ts';
import { COLUMNS, named, verifyBase, verifyMutant } from './trials.ts';

vi.mock('../../../src/interrupts/run-state.ts', async (importOriginal) => {
  const { standInForFunctions } = await import('./stand-ins.ts');
  return { ...standInForFunctions(await importOriginal<RunStateFunctions>()) };
});

vi.mock('../../../src/interrupts/vcpu-interrupts.ts', async (importOriginal) => {
  const { standInForClass } = await import('./stand-ins.ts');
  const real = await importOriginal<{ VcpuInterrupts: VcpuInterruptsClass }>();
  return { ...real, VcpuInterrupts: standInForClass(real.VcpuInterrupts, 'vcpu') };
});

vi.mock('../../../src/interrupts/vcpu-loop.ts', async (importOriginal) => {
  const { standInForClass } = await import('./stand-ins.ts');
  const real = await importOriginal<{ VcpuLoop: VcpuLoopClass }>();
  return { ...real, VcpuLoop: standInForClass(real.VcpuLoop, 'vcpuLoop') };
});

test('there are at least 20 mutants, with names of their own', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
});

describe('each mutant is killed where its base is proven', () => {
  test.each(MUTANTS)('$base.name: $name', (mutant) => {
    const [name, property] = mutant.killedBy;
    const { right, broken } = mutant.loop ?? { right: named(name), broken: named(name) };
    const base = verifyBase(mutant.base, right);
    expect(base, base.reason).toMatchObject({ verdict: 'PROVEN' });
    const result = verifyMutant(mutant, broken);
    expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', counterexample: { property } });
  });
});

/** Scenarios in which no protocol has much to do: remote fences, and interrupt files by themselves. */
const isOfNoProtocol = ({ name, identities }: Scenario) =>
  name.includes('fence') || (identities !== undefined && name !== 'file-and-ipi');

/** The largest tenth of the scenarios takes most of the time, and shows no more. */
const SMALL = { maxStates: 60_000 };

test.each(RIGHT_CHANGES)('$name is no mistake', { timeout: 300_000 }, (change) => {
  const scenarios =
    change.runState === undefined
      ? COLUMNS.filter((scenario) => !isOfNoProtocol(scenario))
      : [...COLUMNS, named('two-pcpus')];
  const wrong = scenarios
    .filter((scenario) => verifyBase(change.base, scenario, SMALL).verdict === 'PROVEN')
    .map((scenario) => verifyMutant(change, scenario, { maxStates: 2 * SMALL.maxStates }))
    .filter(({ verdict }) => verdict !== 'PROVEN')
    .map(({ scenario, verdict, reason }) => `${scenario}: ${verdict}, ${reason}`);
  expect(wrong).toEqual([]);
});

test('the page has every mutant, and no other, as scripts/mutant-list.ts writes it', () => {
  const page = readFileSync(new URL('../../../docs/mutants.md', import.meta.url), 'utf8');
  expect(renderPage(page, readAlsoKilled(page))).toBe(page);
});
