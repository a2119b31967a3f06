/** Which protocols and scenarios a run of the checker is about. */
import { InputError } from '../errors/input-error.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import { DEFAULT_PROTOCOL, PROTOCOLS } from '../interrupts/protocols.ts';
import { type Cell, withSenders } from './crowd/every-number.ts';
import { FIELD_FILES } from './files/kvm-swfile.ts';
import type { Plugin } from './plugin.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

/** The protocols and scenarios that were asked for, by names. */
export interface Wanted {
  /** Names of protocols; empty for the usual ones: those of the person's module, or else all of hartvisor's. */
  readonly protocols: readonly string[];
  /**
   * Names of scenarios and of their groups, in which `*` stands for any text; `NAME+N` for one scenario with another
   * number of senders. Empty for the usual ones: those of the person's module, and with a protocol of that module or
   * without a module the group `default`.
   */
  readonly scenarios: readonly string[];
}

export interface Selection {
  readonly protocols: readonly Protocol[];
  readonly scenarios: readonly Scenario[];
  /**
   * Tried in scenarios with an interrupt file, of which protocols see little: unless somebody asks for others, the one
   * that ships, and those with a way of their own to keep a file.
   */
  readonly fileProtocols: readonly Protocol[];
}

/** The cells of a selection, by scenarios. */
export function cellsOf({ protocols, scenarios, fileProtocols }: Selection): readonly Cell[] {
  return scenarios.flatMap((scenario) => {
    const all = scenario.identities === undefined ? protocols : fileProtocols;
    return all.map((protocol) => ({ protocol, scenario }));
  });
}

/**
 * Finds what was asked for among hartvisor's own and those of a module.
 *
 * @throws InputError naming what there is, when a name fits nothing.
 */
export function select(wanted: Wanted, plugin: Plugin = { protocols: [], scenarios: [] }): Selection {
  const protocols = [...plugin.protocols, ...PROTOCOLS, ...FIELD_FILES];
  const scenarios = [...plugin.scenarios, ...SCENARIOS];
  const asked =
    wanted.protocols.length > 0 ? wanted.protocols.map((name) => named(protocols, name)) : plugin.protocols;
  return {
    protocols: asked.length > 0 ? asked : PROTOCOLS,
    fileProtocols: asked.length > 0 ? asked : [DEFAULT_PROTOCOL, ...FIELD_FILES],
    scenarios: wanted.scenarios.length > 0 ? matching(scenarios, wanted.scenarios) : usualScenarios(plugin),
  };
}

function usualScenarios({ protocols, scenarios }: Plugin): readonly Scenario[] {
  const usual = SCENARIOS.filter(({ group }) => group === 'default');
  return scenarios.length > 0 && protocols.length === 0 ? scenarios : [...scenarios, ...usual];
}

function named(protocols: readonly Protocol[], name: string): Protocol {
  const found = protocols.find((protocol) => protocol.name === name);
  if (found !== undefined) return found;
  const known = protocols.map((protocol) => protocol.name).join(', ');
  throw new InputError(`There is no interrupt protocol "${name}"; the protocols are ${known}.`);
}

/** The most senders that can be asked for: the explorer has room for so many threads. */
const MOST_SENDERS = 8;

/** The scenario `NAME+N`; undefined for a text of another form. */
function counted(scenarios: readonly Scenario[], pattern: string): Scenario | undefined {
  const [, name, digits] = /^([^+*]+)\+(\d+)$/.exec(pattern) ?? [];
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) return undefined;
  const count = Number(digits);
  const made = count >= 1 && count <= MOST_SENDERS ? withSenders(found, count) : undefined;
  if (made !== undefined) return made;
  throw new InputError(
    `No scenario fits "${pattern}". "+N" gives a scenario that has senders from 1 to ${MOST_SENDERS} of them.`,
  );
}

function matching(all: readonly Scenario[], given: readonly string[]): readonly Scenario[] {
  const made = given.map((pattern) => counted(all, pattern));
  const extra = made.filter((scenario) => scenario !== undefined);
  const patterns = given.filter((_, index) => made[index] === undefined);
  return [...(patterns.length === 0 ? [] : fitting(all, patterns)), ...extra];
}

function fitting(scenarios: readonly Scenario[], patterns: readonly string[]): readonly Scenario[] {
  const tests = patterns.map((pattern) => ({ pattern, test: globTest(pattern) }));
  for (const { pattern, test } of tests) {
    if (scenarios.some((scenario) => fits(scenario, test))) continue;
    const known = scenarios.map(({ name }) => name).join(', ');
    const groups = [...new Set(scenarios.map(({ group }) => group))].join(', ');
    throw new InputError(
      `No scenario fits "${pattern}". The scenarios are ${known}; their groups are ${groups}; "*" stands for any text.`,
    );
  }
  return scenarios.filter((scenario) => tests.some(({ test }) => fits(scenario, test)));
}

function fits({ name, group }: Scenario, test: RegExp): boolean {
  return test.test(name) || test.test(group);
}

function globTest(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
