/**
 * The explorer against a search that shares none of its machinery: states are whole, compared as text, every access is
 * a step, and the code runs again from the start of its schedule for each state.
 */
import { describe, expect, test } from 'vitest';
import type { Protocol } from '../interrupts/protocol.ts';
import { PROTOCOLS } from '../interrupts/protocols.ts';
import { FIELD_FILES } from './files/kvm-swfile.ts';
import { Kind } from './operations.ts';
import { Replay } from './replay.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import type { Move } from './schedule.ts';
import { verify } from './verify.ts';

interface Naive {
  readonly states: number;
  readonly rest: readonly string[];
  readonly violations: readonly string[];
}

function movesOf(run: Replay): Move[] {
  return run.names.flatMap((_, thread) => {
    if (!run.canMove(thread)) return [];
    const operation = run.pending(thread);
    const ways = operation?.kind === Kind.CHOOSE ? operation.a : 1;
    return Array.from({ length: ways }, (_way, choice) => ({ thread, choice }));
  });
}

function searchNaively(protocol: Protocol, scenario: Scenario): Naive {
  const at = (moves: readonly Move[]) => {
    const run = new Replay(protocol, scenario);
    for (const move of moves) run.move(move);
    return run;
  };
  const seen = new Set<string>();
  const rest = new Set<string>();
  const violations = new Set<string>();
  const queue: Move[][] = [[]];
  for (let moves = queue.shift(); moves !== undefined; moves = queue.shift()) {
    const run = at(moves);
    const key = run.fingerprint();
    if (seen.has(key)) continue;
    seen.add(key);
    const violation = run.judge();
    const next = movesOf(run);
    if (violation !== undefined) violations.add(`${violation.property}: ${violation.message}`);
    else if (next.length === 0) rest.add(key);
    else queue.push(...next.map((move) => [...(moves ?? []), move]));
  }
  return { states: seen.size, rest: [...rest], violations: [...violations] };
}

function named(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

describe('the explorer and a search without its machinery agree', () => {
  test.each([
    ['take-mirror', 'ipi-after-round'],
    ['take-mirror', 'one-ipi'],
    ['take-mirror', 'line-busy'],
    ['minimal-patch', 'ipi-after-round'],
    ['published', 'one-ipi'],
    ['published', 'unset-as-written'],
    ['xen', 'ipi-after-round'],
    ['direct', 'one-ipi'],
    ['xchg', 'line-busy'],
    ['take-mirror', 'file-one-message'],
    ['take-mirror', 'file-enable'],
    ['kvm-swfile-unlocked', 'file-one-message'],
  ])('%s in %s', (name, scenarioName) => {
    const protocol = [...PROTOCOLS, ...FIELD_FILES].find((each) => each.name === name);
    if (protocol === undefined) throw new Error(`no protocol ${name}`);
    const scenario = named(scenarioName);
    const naive = searchNaively(protocol, scenario);
    const explored = verify(protocol, scenario);
    // The explorer takes accesses to a thread's own words, and choices, in one go.
    expect(naive.states).toBeGreaterThanOrEqual(explored.states);
    expect(explored.verdict).toBe(naive.violations.length === 0 ? 'PROVEN' : 'VIOLATED');
    if (explored.verdict === 'PROVEN') expect(explored.restStates).toBe(naive.rest.length);
    else expect(naive.violations).toContain(explored.reason);
  });
});
