/**
 * Every mutant is killed: a gate for the checker and its scenarios. A survivor means that somebody could make this
 * mistake and be told PROVEN.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Protocol } from '../../../src/interrupts/protocol.ts';
import type { Scenario } from '../../../src/verify/scenario.ts';
import { SCENARIOS } from '../../../src/verify/scenarios/index.ts';
import { type VerifyResult, verify } from '../../../src/verify/verify.ts';
import { MUTANTS } from './index.ts';
import type { Mutant, RunStateFunctions, VcpuInterruptsClass, VcpuLoopClass } from './mutant.ts';
import { mutatedProtocol } from './mutant.ts';
import { RIGHT_CHANGES } from './right-changes.ts';
import { MUTANT_SCENARIOS } from './scenarios.ts';

/** What is replaced at the moment; the modules below ask at each call. */
const replaced = vi.hoisted(() => ({
  runState: {} as Readonly<Record<string, unknown>>,
  vcpu: undefined as ((Real: unknown) => unknown) | undefined,
  vcpuLoop: undefined as ((Real: unknown) => unknown) | undefined,
}));

const originals = vi.hoisted(() => ({ runState: undefined as unknown }));

vi.mock('../../../src/interrupts/run-state.ts', async (importOriginal) => {
  const real = await importOriginal<Readonly<Record<string, (...args: unknown[]) => unknown>>>();
  originals.runState = real;
  const ask =
    (name: string, value: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) =>
      ((replaced.runState[name] as typeof value | undefined) ?? value)(...args);
  return Object.fromEntries(Object.entries(real).map(([name, value]) => [name, ask(name, value)]));
});

/** Stands in for a class: each object is made by the class of the mutant that is tried, if it has one. */
const standIn = vi.hoisted(() => (Real: object, current: () => ((real: unknown) => unknown) | undefined) => {
  const made = new Map<unknown, unknown>();
  const stand: object = new Proxy(Real, {
    construct: (_real, args, target) => {
      const make = current();
      const known = make === undefined ? Real : (made.get(make) ?? make(Real));
      if (make !== undefined) made.set(make, known);
      const chosen = known as new () => object;
      // A class that extends this one keeps what it overrides.
      return target === stand ? Reflect.construct(chosen, args) : Reflect.construct(chosen, args, target);
    },
  });
  return stand;
});

vi.mock('../../../src/interrupts/vcpu-interrupts.ts', async (importOriginal) => {
  const real = await importOriginal<{ VcpuInterrupts: VcpuInterruptsClass }>();
  return { ...real, VcpuInterrupts: standIn(real.VcpuInterrupts, () => replaced.vcpu) };
});

vi.mock('../../../src/interrupts/vcpu-loop.ts', async (importOriginal) => {
  const real = await importOriginal<{ VcpuLoop: VcpuLoopClass }>();
  return { ...real, VcpuLoop: standIn(real.VcpuLoop, () => replaced.vcpuLoop) };
});

const ALL: readonly Scenario[] = [...SCENARIOS.filter(({ group }) => group !== 'deep'), ...MUTANT_SCENARIOS];

function named(name: string): Scenario {
  const found = ALL.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

afterEach(() => {
  replaced.runState = {};
  replaced.vcpu = undefined;
});

function verifyMutant(mutant: Omit<Mutant, 'killedBy'>, scenario: Scenario, maxTime = 30_000): VerifyResult {
  replaced.runState = mutant.runState?.(originals.runState as RunStateFunctions) ?? {};
  replaced.vcpu = mutant.vcpu as typeof replaced.vcpu;
  replaced.vcpuLoop = mutant.vcpuLoop as typeof replaced.vcpuLoop;
  try {
    return verify(mutatedProtocol(mutant), scenario, { maxTime });
  } finally {
    replaced.runState = {};
    replaced.vcpu = undefined;
    replaced.vcpuLoop = undefined;
  }
}

const baseVerdicts = new Map<string, VerifyResult>();

function verifyBase(base: Protocol, scenario: Scenario): VerifyResult {
  const key = `${base.name} ${scenario.name}`;
  const known = baseVerdicts.get(key) ?? verify(base, scenario, { maxTime: 30_000 });
  baseVerdicts.set(key, known);
  return known;
}

test('there are at least 20 mutants, with names of their own', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
});

/** Scenarios of the list: those in which the bases are proven, without the largest. */
const COLUMNS = ALL.filter(
  ({ name, group }) =>
    (group !== 'rules' || name === 'unset-as-written') &&
    !['three-senders', 'second-word-edge', 'two-pcpus'].includes(name),
);

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

/** Scenarios in which no protocol has much to do. */
const isAboutFences = ({ name }: Scenario) => name.includes('fence');

test.each(RIGHT_CHANGES)('$name is no mistake', { timeout: 300_000 }, (change) => {
  const scenarios =
    change.runState === undefined
      ? COLUMNS.filter((scenario) => !isAboutFences(scenario))
      : [...COLUMNS, named('two-pcpus')];
  const wrong = scenarios
    .filter((scenario) => verifyBase(change.base, scenario).verdict === 'PROVEN')
    .map((scenario) => verifyMutant(change, scenario))
    .filter(({ verdict }) => verdict !== 'PROVEN')
    .map(({ scenario, verdict, reason }) => `${scenario}: ${verdict}, ${reason}`);
  expect(wrong).toEqual([]);
});

/** The list's file; it is the last section. */
const LIST = new URL('../../../docs/mutants.md', import.meta.url);
const ROWS = /(?<=\n## The list\n\n)[\s\S]*$/;

function rowStart(mutant: Mutant): string {
  const [killer, property] = mutant.killedBy;
  return `- \`${mutant.base.name}\`, \`${mutant.name}\`: ${mutant.about}. ${property} in **${killer}**`;
}

/** One item of the list: which scenarios kill a mutant. */
function rowOf(mutant: Mutant): string {
  const also =
    mutant.loop === undefined
      ? COLUMNS.filter(
          (scenario) =>
            scenario.name !== mutant.killedBy[0] &&
            verifyMutant(mutant, scenario, 1000).verdict === 'VIOLATED' &&
            verifyBase(mutant.base, scenario).verdict === 'PROVEN',
        )
      : [];
  return `${rowStart(mutant)}${also.length > 0 ? `; also ${also.map(({ name }) => name).join(', ')}` : ''}.`;
}

test.runIf(process.env.MUTANT_LIST === 'write')(
  'write the list',
  () => {
    const rows = `${MUTANTS.map(rowOf).join('\n')}\n`;
    writeFileSync(LIST, readFileSync(LIST, 'utf8').replace(ROWS, rows));
  },
  1_800_000,
);

test('the list of the docs has every mutant, and no other', () => {
  const rows = ROWS.exec(readFileSync(LIST, 'utf8'))?.[0].trimEnd().split('\n') ?? [];
  expect(rows).toHaveLength(MUTANTS.length);
  for (const mutant of MUTANTS)
    expect(rows.filter((row) => row.startsWith(rowStart(mutant)))).toHaveLength(1);
});
