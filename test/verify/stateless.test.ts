/** The explorer against a search through executions, with and without partial-order reduction. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Protocol } from '../../src/interrupts/protocol.ts';
import { protocolByName } from '../../src/interrupts/protocols.ts';
import { takeMirror } from '../../src/interrupts/take-mirror.ts';
import { installAtomics, uninstallAtomics } from '../../src/verify/atomics.ts';
import { explore, type RestView } from '../../src/verify/explorer.ts';
import { populate, type Scenario, scenario, type ThreadMaker } from '../../src/verify/scenario.ts';
import { SCENARIOS } from '../../src/verify/scenarios/index.ts';
import type { Env } from '../../src/verify/thread.ts';
import { ThreadPrograms } from '../../src/verify/thread-programs.ts';
import { device, sender } from '../../src/verify/world/producers.ts';
import { vcpu } from '../../src/verify/world/vcpu.ts';
import { type Reduction, type StatelessResult, searchExecutions } from './stateless.ts';

const MOST_STEPS = 400_000;

function named(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

function small(name: string, threads: Scenario['threads']): Scenario {
  return scenario({ name, title: name, about: name, group: 'default', threads });
}

interface Compared {
  /** Final states that the breadth-first explorer reached, good and bad, as text. */
  readonly explored: readonly string[];
  readonly objection: string | undefined;
  /** How many of them the scenario judges as a lost interrupt. */
  readonly lost: number;
  readonly searched: readonly StatelessResult[];
}

/** Both searches on one world, so that their numbers for states of the specification are the same. */
function compare(
  protocol: Protocol,
  of: Scenario,
  reductions: readonly Reduction[],
  mostSteps = MOST_STEPS,
): Compared {
  installAtomics();
  try {
    const world = populate(protocol, of);
    const searched = reductions.map((reduction) => searchExecutions(world, reduction, mostSteps));
    const views: RestView[] = [];
    const problem = {
      programs: new ThreadPrograms(world.threads, world.memory, { sleepers: true }),
      monitor: world.monitor,
      mustRest: false,
      atRest: (view: RestView) => {
        // Where a limit of time leads on, the other search does not stop.
        if (view.hasLimit !== true) views.push(view);
        return undefined;
      },
    };
    const bounds = { maxStates: 1e6, maxTime: 30_000, maxBytes: 2 ** 30 };
    const { found, bounded } = explore(
      problem,
      bounds,
      () => undefined,
      () => 0,
    );
    if (bounded !== undefined) throw new Error(bounded);
    const objection = found === undefined ? undefined : `${found.property}: ${found.message}`;
    const lost = views.filter((view) => world.atRest(view)?.property === 'P1').length;
    return { explored: finals(views), objection, lost, searched };
  } finally {
    uninstallAtomics();
  }
}

function finals(views: readonly RestView[]): string[] {
  const texts = views.map(({ states, spec, contents, asleep }) =>
    JSON.stringify({ states, spec, contents, asleep }),
  );
  // The explorer begins anew when it finds that a word is shared, and comes by some states twice.
  return [...new Set(texts)].sort();
}

const oneBusy = small('one-ipi-busy', [vcpu({ idle: 'busy' }), sender()]);
const roundBusy = small('round-busy', [vcpu({ idle: 'busy', start: 'after a round' }), sender()]);
/** The line's kick makes the guest leave while the IPI is under way. */
const roundAndLine = small('round-and-line', [
  vcpu({ idle: 'busy', start: 'after a round' }),
  sender(),
  device({ script: '+' }),
]);
const lineBusy = small('line-up-and-down', [vcpu({ idle: 'busy' }), device({ script: '+-' })]);
const twoBusy = small('two-busy', [vcpu({ idle: 'busy' }), sender({ name: 'S1' }), sender({ name: 'S2' })]);

const ACYCLIC: readonly (readonly [protocol: string, scenario: Scenario])[] = [
  ['take-mirror', named('ipi-after-round')],
  ['take-mirror', named('one-ipi')],
  ['take-mirror', named('two-ipis')],
  ['take-mirror', named('self-ipi')],
  ['take-mirror', named('restored')],
  ['take-mirror', named('sleeper-line')],
  ['take-mirror', oneBusy],
  ['take-mirror', lineBusy],
  ['take-mirror', twoBusy],
  ['minimal-patch', oneBusy],
  ['minimal-patch', roundBusy],
  ['minimal-patch', lineBusy],
  ['xen-minimal-patch', roundBusy],
  ['published', oneBusy],
  ['published', roundBusy],
  ['published', lineBusy],
  ['xen', roundBusy],
];

describe('the explorer and a search through executions reach the same final states', () => {
  test.each(ACYCLIC.map(([name, of]) => ({ name, title: of.name, of })))(
    '$name in $title',
    ({ name, of }) => {
      const { explored, objection, searched } = compare(protocolByName(name), of, ['sleep sets', 'dpor']);
      expect(objection).toBeUndefined();
      expect(explored.length).toBeGreaterThan(0);
      for (const { gaveUp, violations, rests } of searched) {
        expect({ gaveUp, violations }).toEqual({ gaveUp: undefined, violations: [] });
        expect(finals(rests)).toEqual(explored);
      }
    },
  );

  test.each(['published', 'xen'])('%s loses the interrupt in both', (name) => {
    const { explored, lost, objection, searched } = compare(protocolByName(name), roundAndLine, ['dpor']);
    expect(lost).toBe(1);
    // The explorer stops where the specification objects: an IPI comes twice. The other search goes on.
    expect(searched[0].violations).toEqual([objection]);
    expect(finals(searched[0].rests)).toEqual(expect.arrayContaining([...explored]));
  });

  test('what the specification objects to is found by both', () => {
    const forgetful: Protocol = {
      ...takeMirror,
      name: 'forgetful',
      sync: () => undefined,
    };
    const { objection, searched } = compare(forgetful, named('one-ipi'), ['dpor']);
    expect(objection).toMatch(/^P2: /);
    expect(searched[0].violations).toEqual([objection]);
  });

  test('a loop ends the search with a reason, not with a result', () => {
    const { searched } = compare(protocolByName('published'), named('one-ipi'), ['dpor']);
    expect(searched[0].gaveUp).toContain('comes back to a state where it has been');
  });

  test('so does the limit of steps', () => {
    const { searched } = compare(takeMirror, twoBusy, ['dpor'], 100);
    expect(searched[0].gaveUp).toBe('more than 100 steps');
  });
});

/** One access of a made-up thread to one of its words. */
type Access = readonly [kind: string, word: number, value: number];

const access: fc.Arbitrary<Access> = fc.tuple(
  fc.constantFrom('load', 'store', 'or', 'add', 'await', 'choose'),
  fc.nat(2),
  fc.nat(2),
);

/** Beside the words there is a count, which threads remember and compare. */
const sleeperAccess: fc.Arbitrary<Access> = fc.tuple(
  fc.constantFrom(
    'store',
    'sleep',
    'sleep',
    'doze',
    'wake',
    'wake',
    'count',
    'look',
    'same',
    'sleep on',
    'wake up',
  ),
  fc.nat(1),
  fc.nat(2),
);

/** A thread that makes these accesses and writes what it saw into a word of its own. */
function madeUp(name: string, accesses: readonly Access[]): ThreadMaker {
  return (world) => {
    const words = [0, 1, 2, 3].map((index) => world.word(`word_${index}`));
    world.watchCount(words[3], 0);
    const saw = world.word(`saw_${name}`);
    return {
      name,
      initial: {},
      step: (_state, env) => {
        let seen = 1;
        const count = { word: words[3], last: -1 };
        for (const [kind, word, value] of accesses) {
          seen = seen * 5 + (performOnCount(count, kind) ?? perform(env, words[word], kind, value));
        }
        Atomics.store(saw, 0, seen);
        return null;
      },
    };
  };
}

function perform(env: Env, word: Int32Array<ArrayBufferLike>, kind: string, value: number): number {
  switch (kind) {
    case 'load':
      return Atomics.load(word, 0);
    case 'store':
      return Atomics.store(word, 0, value);
    case 'or':
      return Atomics.or(word, 0, value);
    case 'add':
      return Atomics.add(word, 0, value);
    case 'await':
      return env.awaitWord(word, 0, 'different', value);
    case 'choose':
      return env.choose(value + 1);
    case 'sleep':
      return ANSWERS.indexOf(Atomics.wait(word, 0, value));
    case 'doze':
      return ANSWERS.indexOf(Atomics.wait(word, 0, value, 1));
    default:
      return Atomics.notify(word, 0, value === 0 ? undefined : value);
  }
}

const ANSWERS = ['ok', 'not-equal', 'timed-out'];

interface Count {
  readonly word: Int32Array<ArrayBufferLike>;
  /** The value that the thread has read last. */
  last: number;
}

function performOnCount(count: Count, kind: string): number | undefined {
  switch (kind) {
    case 'count':
      Atomics.add(count.word, 0, 1);
      return 0;
    case 'look':
      count.last = Atomics.load(count.word, 0);
      return 0;
    case 'same':
      return Atomics.load(count.word, 0) === count.last ? 1 : 0;
    case 'sleep on':
      if (count.last === -1) count.last = Atomics.load(count.word, 0);
      return ANSWERS.indexOf(Atomics.wait(count.word, 0, count.last));
    case 'wake up':
      return Atomics.notify(count.word, 0, 1);
    default:
      return undefined;
  }
}

describe('made-up threads', () => {
  test('reduced or not, and breadth first, the final states are the same', () => {
    let reduced = 0;
    let all = 0;
    let tooMany = 0;
    const program = fc.array(access, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(program, program, fc.array(access, { maxLength: 2 }), (one, two, three) => {
        const threads = [madeUp('A', one), madeUp('B', two), madeUp('C', three)];
        const { explored, searched } = compare(protocolByName('take-mirror'), small('made-up', threads), [
          'none',
          'sleep sets',
          'dpor',
        ]);
        for (const { rests, gaveUp } of searched.slice(1)) {
          expect(gaveUp).toBeUndefined();
          expect(finals(rests)).toEqual(explored);
        }
        // Without a reduction there can be too many executions to follow.
        if (searched[0].gaveUp === undefined) expect(finals(searched[0].rests)).toEqual(explored);
        else tooMany++;
        all += searched[0].executions;
        reduced += searched[2].executions;
      }),
      {
        numRuns: 150,
        examples: [
          // 623,700 executions without a reduction.
          [
            [
              ['choose', 0, 2],
              ['load', 0, 0],
              ['load', 0, 0],
            ],
            [
              ['choose', 0, 1],
              ['load', 0, 0],
              ['load', 0, 0],
            ],
            [
              ['choose', 0, 2],
              ['choose', 0, 2],
            ],
          ],
        ],
      },
    );
    expect(tooMany).toBeLessThan(15);
    expect(reduced * 10).toBeLessThan(all);
  });

  test('threads that sleep and wake each other come to the same ends, with counts as numbers and as names', () => {
    const program = fc.array(sleeperAccess, { minLength: 1, maxLength: 2 });
    let asleep = 0;
    fc.assert(
      fc.property(program, program, fc.array(sleeperAccess, { maxLength: 3 }), (one, two, three) => {
        const threads = [madeUp('A', one), madeUp('B', two), madeUp('C', three)];
        const { explored, searched } = compare(protocolByName('take-mirror'), small('made-up', threads), [
          'sleep sets',
          'dpor',
        ]);
        for (const { rests } of searched) expect(finals(rests)).toEqual(explored);
        asleep += explored.filter((text) => /"asleep":\[.*true/.test(text)).length;
      }),
      { numRuns: 100 },
    );
    expect(asleep).toBeGreaterThan(0);
  });

  test('threads that share nothing have one execution', () => {
    const threads = ['A', 'B', 'C'].map((name, word) =>
      madeUp(name, [
        ['add', word, 1],
        ['add', word, 1],
      ]),
    );
    const { searched } = compare(protocolByName('take-mirror'), small('apart', threads), ['none', 'dpor']);
    expect(searched.map(({ executions }) => executions)).toEqual([1680, 1]);
  });
});
