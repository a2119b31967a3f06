/** Any number of senders, counted as none, one or many, against numbers of them. */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { explore } from '../../src/verify/explorer.ts';
import { ChangedSources, type Mistake } from './changed-source.ts';
import {
  type Explore,
  FORGOTTEN_UNLOCK,
  LOCKED,
  type Machine,
  machines,
  SUBTLE,
  trial,
} from './crowd-machines.ts';

test('whatever can go wrong with one to four senders is found', () => {
  const verdicts = { wrong: 0, right: 0 };
  fc.assert(
    fc.property(machines, fc.integer({ min: 1, max: 4 }), (machine, senders) => {
      const any = trial(explore, machine, 'any');
      verdicts[any === undefined ? 'right' : 'wrong']++;
      if (any === undefined) expect([undefined, 'open']).toContain(trial(explore, machine, senders));
    }),
    { numRuns: 120 },
  );
  expect(verdicts.wrong).toBeGreaterThan(10);
  expect(verdicts.right).toBeGreaterThan(10);
});

test('a lock is none to a crowd, unless nobody gives it back', () => {
  expect(trial(explore, LOCKED, 'any')).toBeUndefined();
  expect(trial(explore, LOCKED, 2)).toBeUndefined();
  expect(trial(explore, FORGOTTEN_UNLOCK, 'any')).toBe('P5');
  expect(trial(explore, FORGOTTEN_UNLOCK, 2)).toBe('P5');
});

const changed = new ChangedSources();
afterAll(() => changed.remove());

const FILES = ['explorer', 'crowd/crowd', 'crowd/seen', 'state-vector'].map((name) => `verify/${name}.ts`);

const MISTAKES: readonly (Mistake & { readonly name: string })[] = (
  [
    [
      'explorer',
      'many-is-two',
      'if (count === MANY) this.#goOn(state, crowd, place, MANY);',
      'if (count === MANY) this.#goOn(state, crowd, place, 0);',
    ],
    ['explorer', 'nobody-leaves', 'if (left !== undefined) this.#setCount(crowd, place, left);', ''],
    ['explorer', 'two-are-one', 'place, before === 0 && crowd.isCounted(place) ? 1 : MANY)', 'place, 1)'],
    ['explorer', 'nobody-arrives', 'if (target >= crowd.homes) this.#arrive(crowd, target);', ''],
    ['explorer', 'one-place-moves', 'isQuiet = false;\n', 'if (!isQuiet) break;\n      isQuiet = false;\n'],
    ['explorer', 'homes-are-left-out', 'this.#goOn(state, crowd, place);\n        continue;', 'continue;'],
    [
      'explorer',
      'nothing-is-told',
      'events === 0 || this.#vector.tell(events), state, CROWD_STEP',
      'true, state, CROWD_STEP',
    ],
    ['explorer', 'new-calls-lead-to-rest', 'if (!isQuiet && completes)', 'if (completes || state >= 0)'],
    [
      'explorer',
      'spinning-is-a-rest',
      'every((_, home) => this.#completesAlone(crowd, home))',
      'every(() => true)',
    ],
    ['explorer', 'calls-always-end', 'crowd.alwaysEnds || this.#completesAlone(crowd, place)', 'true'],
    [
      'crowd/crowd',
      'any-access-is-alike',
      '[kind.at(node), slot.at(node), a.at(node), b.at(node), failure]',
      '[kind.at(node), slot.at(node), failure]',
    ],
    [
      'crowd/crowd',
      'any-word-is-alike',
      '[kind.at(node), slot.at(node), a.at(node), b.at(node), failure]',
      '[kind.at(node), a.at(node), b.at(node), failure]',
    ],
    [
      'crowd/crowd',
      'ways-are-alike',
      'if (Math.max(...finer) === Math.max(...blocks)) return blocks;',
      'return blocks;',
    ],
    [
      'crowd/crowd',
      'waiting-is-an-end',
      'starts.includes(index) ? END',
      'order.indexOf(blocks[index]) < homes.length ? END',
    ],
    [
      'crowd/crowd',
      'calls-end-early',
      'starts.includes(index) ? END',
      'order.indexOf(blocks[index]) <= homes.length ? END',
    ],
    [
      'crowd/crowd',
      'counters-overlap',
      '% COUNTERS_IN_COMPONENT) * BITS',
      '% COUNTERS_IN_COMPONENT) * (BITS - 1)',
    ],
  ] as const
).map(([file, name, piece, by]) => ({ file: `verify/${file}.ts`, name, piece, by }));

describe('a mistake in the code for crowds is noticed', () => {
  const all = [...SUBTLE, LOCKED, FORGOTTEN_UNLOCK, ...fc.sample(machines, { seed: 12, numRuns: 40 })];
  const right = new Map<Machine, string | undefined>();
  const rightFor = (machine: Machine) => {
    if (!right.has(machine)) right.set(machine, trial(explore, machine, 'any'));
    return right.get(machine);
  };

  test.each([...SUBTLE.keys()])('with two senders as with any number, machine %i', (index) => {
    expect(rightFor(SUBTLE[index])).toBe(trial(explore, SUBTLE[index], 2));
  });

  test.each(MISTAKES)('$name', async (mistake) => {
    const module = (await changed.import(FILES, mistake)) as { explore: Explore };
    expect(all.some((machine) => trial(module.explore, machine, 'any') !== rightFor(machine))).toBe(true);
  });
});
