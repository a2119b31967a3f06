import { describe, expect, test } from 'vitest';
import { protocolByName } from '../../interrupts/protocols.ts';
import { underStandIn } from '../atomics.ts';
import { populate, scenario } from '../scenario.ts';
import { SharedMemory } from '../shared-memory.ts';
import type { Env, Thread } from '../thread.ts';
import { ThreadPrograms } from '../thread-programs.ts';
import { manySenders } from '../world/producers.ts';
import { Crowd, END, MANY } from './crowd.ts';
import { Seen } from './seen.ts';

type Words = Int32Array<ArrayBufferLike>;

/** The crowd of threads whose step this is, on words that have held 0 and 1. */
function crowdOf(body: (words: Words, env: Env) => void): Crowd {
  return underStandIn(() => {
    const memory = new SharedMemory();
    const words = memory.add([
      { name: 'a' },
      { name: 'b' },
      { name: 'seen', unread: true },
      { name: 'count', isCount: true },
    ]);
    const step = (state: object, env: Env) => {
      body(words, env);
      return state;
    };
    const thread: Thread = { name: 'T', initial: {}, step };
    const programs = new ThreadPrograms([thread], memory, { crowds: 1, sleepers: true });
    const seen = new Seen(memory);
    for (const name of ['a', 'b']) seen.addResult(0, name, 1);
    return new Crowd(programs, [0], seen);
  });
}

describe('the places of a crowd', () => {
  test('are the accesses of its program, whatever was read that does not matter', () => {
    const crowd = crowdOf((words) => {
      Atomics.or(words, 0, 1);
      Atomics.or(words, 0, 1);
      Atomics.load(words, 1);
    });
    expect([crowd.homes, crowd.places, crowd.alwaysEnds]).toEqual([1, 3, true]);
    const way = crowd.wayWith(0, 1);
    expect(crowd.targetOf(0, way)).toBeGreaterThan(0);
    expect(crowd.wayWith(0, 7)).toBe(-1);
  });

  test('differ where threads go on differently, or tell something else', () => {
    const otherWord = crowdOf((words) => Atomics.store(words, Atomics.load(words, 0), 1));
    const otherEvent = crowdOf((words, env) => {
      const tells = Atomics.load(words, 0) === 1;
      Atomics.store(words, 1, 1);
      if (tells) env.after({ is: 'effect', irq: 2, high: true });
    });
    expect([otherWord.places, otherEvent.places]).toEqual([3, 3]);
  });

  test('of a thread that waits for a lock is where it was', () => {
    const crowd = crowdOf((words) => {
      while (Atomics.compareExchange(words, 0, 0, 1) !== 0);
      Atomics.store(words, 0, 0);
    });
    expect([crowd.places, crowd.targetOf(0, crowd.wayWith(0, 1))]).toEqual([2, 0]);
    expect(crowd.targetOf(1, crowd.wayWith(1, 0))).toBe(END);
    expect(crowd.alwaysEnds).toBe(true);
  });

  test('leave out accesses to words that nobody reads', () => {
    const crowd = crowdOf((words) => {
      Atomics.load(words, 0);
      Atomics.add(words, 2, 1);
      Atomics.add(words, 2, 1);
    });
    expect(crowd.places).toBe(1);
  });

  test('may be such that no thread comes to the end', () => {
    const crowd = crowdOf((words) => {
      Atomics.load(words, 1);
      while (Atomics.compareExchange(words, 0, 0, 1) !== 0);
    });
    expect(crowd.alwaysEnds).toBe(false);
  });

  test.each([
    ['take-mirror', 5],
    ['minimal-patch', 6],
    ['xen-minimal-patch', 8],
  ])('of %s are few', (name, most) => {
    underStandIn(() => {
      const about = { name: 'few', title: '', about: '', group: 'default' as const, threads: [() => idle] };
      const world = populate(protocolByName(name), scenario(about));
      const programs = new ThreadPrograms([idle, manySenders(undefined)(world)], world.memory, { crowds: 1 });
      const seen = new Seen(world.memory);
      for (const value of [0, 1, 2, 3, 4]) {
        for (const word of world.memory.words) seen.addResult(0, word.name, value);
      }
      expect(new Crowd(programs, [1], seen).places).toBeLessThanOrEqual(most);
    });
  });
});

const idle: Thread = { name: 'idle', initial: {}, step: () => null };

describe('a crowd has a limit', () => {
  test.each<[string, (words: Words, env: Env) => void]>([
    ['a sender sleeps until a changes', (words) => Atomics.wait(words, 0, 0)],
    ['a sender sleeps until a changes', (words, env) => env.awaitWord(words, 0, 'equal', 1)],
    ['a sender remembers count', (words) => Atomics.load(words, 3)],
    ['a sender chooses', (words, env) => Atomics.load(words, env.choose(2))],
  ])('%s', (message, body) => {
    expect(() => crowdOf(body)).toThrow(message);
  });

  test('a sender that ends', () => {
    const memory = new SharedMemory();
    const words = memory.add([{ name: 'a' }]);
    const step = () => {
      Atomics.load(words, 0);
      return null;
    };
    underStandIn(() => {
      const programs = new ThreadPrograms([{ name: 'T', initial: {}, step }], memory, { crowds: 1 });
      expect(() => new Crowd(programs, [0], new Seen(memory))).toThrow('a sender ends');
    });
  });
});

test('counters of many places do not touch each other', () => {
  const crowd = crowdOf((words) => {
    for (let access = 0; access < 40; access++) Atomics.store(words, 0, access);
  });
  expect(crowd.components).toBe(3);
  const components = [0, 0, 0];
  for (let place = 1; place < crowd.places; place++) {
    const at = crowd.componentOf(place);
    components[at] = crowd.withCount(components[at], place, place % 3);
  }
  for (let place = 1; place < crowd.places; place++) {
    expect(crowd.countIn(components[crowd.componentOf(place)], place)).toBe(place % 3);
  }
  expect(crowd.countIn(crowd.withCount(-1, 17, 1), 17)).toBe(1);
  expect(crowd.countIn(crowd.withCount(0, 16, MANY), 16)).toBe(MANY);
});
