import { describe, expect, test } from 'vitest';
import { published } from '../interrupts/field/published.ts';
import type { OwnerState, Protocol } from '../interrupts/protocol.ts';
import { protocolByName } from '../interrupts/protocols.ts';
import { makeRequest } from '../interrupts/run-state.ts';
import { takeMirror } from '../interrupts/take-mirror.ts';
import type { VcpuWords } from '../interrupts/words.ts';
import { IRQS_PENDING } from '../interrupts/words.ts';
import { explain, findErasure } from './explain.ts';
import { jsonReport, jsonResult } from './report-json.ts';
import { type Scenario, scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { replay, statusOf, VERIFY_STATUS, type VerifyResult, verify } from './verify.ts';
import { device, requester, sender } from './world/producers.ts';
import { vcpu } from './world/vcpu.ts';

function named(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

function counterexampleOf(result: VerifyResult) {
  if (result.counterexample === undefined) throw new Error(`no counterexample: ${result.reason}`);
  return result.counterexample;
}

describe('the default scenarios', () => {
  const scenarios = SCENARIOS.filter(({ group }) => group === 'default');

  test.each(scenarios)('take-mirror is proven in $name', (each) => {
    const result = verify(takeMirror, each);
    expect(result).toMatchObject({ verdict: 'PROVEN', assumptions: [] });
    expect(result.states).toBeGreaterThan(50);
    expect(result.collisionProbability).toBeLessThan(1e-6);
  });

  test.each(['minimal-patch', 'xen-minimal-patch'])('%s is proven in all of them', (name) => {
    const results = scenarios.map((each) => verify(protocolByName(name), each));
    expect(results.filter(({ verdict }) => verdict !== 'PROVEN')).toEqual([]);
  });

  test.each(['published', 'xen'])('%s loses an IPI within 12 steps of a normal round', (name) => {
    const result = verify(protocolByName(name), named('ipi-after-round'));
    expect(result).toMatchObject({ verdict: 'VIOLATED', reason: expect.stringContaining('VSSIP is lost') });
    const example = counterexampleOf(result);
    expect(example.property).toBe('P1');
    expect(example.length).toBeLessThanOrEqual(12);
  });

  test.each(['xchg', 'direct'])('%s shows a level that is gone', (name) => {
    const result = verify(protocolByName(name), named('line'));
    expect(counterexampleOf(result).property).toBe('P3');
  });
});

describe('rules of the vCPU loop, broken on purpose', () => {
  test('a request that wakes nobody stays, when its maker does not kick', () => {
    const silent = scenario({
      ...named('requests'),
      name: 'silent-request',
      threads: [
        vcpu(),
        (world) => ({
          ...requester({ count: 1 })(world),
          step: () => {
            makeRequest(world.words, 1);
            return null;
          },
        }),
      ],
    });
    const example = counterexampleOf(verify(takeMirror, silent));
    expect(example).toMatchObject({ property: 'P4', message: expect.stringContaining('a request waits') });
  });

  test.each([
    ['late-sync', 'P4'],
    ['preemptible-flush', 'P1'],
    ['unset-without-kick', 'P3'],
    ['stored-timer', 'P2'],
    ['stored-shared-line', 'P3'],
  ])('%s: no protocol repairs it (%s)', (name, property) => {
    expect(counterexampleOf(verify(takeMirror, named(name))).property).toBe(property);
    expect(verify(protocolByName('minimal-patch'), named(name)).verdict).toBe('VIOLATED');
  });

  test('a protocol that compares in sync does not bear a save before it, take-mirror does', () => {
    expect(verify(takeMirror, named('save-before-sync')).verdict).toBe('PROVEN');
    const result = verify(protocolByName('kvm-spinlock'), named('save-before-sync'));
    const example = counterexampleOf(result);
    expect(example.property).toBe('P5');
    expect(example.loop).toBeGreaterThan(0);
    expect(explain(result)).toContain('from here on for ever');
  });

  test('take-mirror asks for the kick when a level falls, the published protocol does not', () => {
    expect(verify(takeMirror, named('unset-as-written')).verdict).toBe('PROVEN');
    expect(counterexampleOf(verify(published, named('unset-as-written'))).property).toBe('P3');
  });
});

describe('a counterexample', () => {
  const result = verify(published, named('ipi-after-round'));
  const example = counterexampleOf(result);

  test('is a schedule that runs again to the same end', () => {
    const again = replay(published, named('ipi-after-round'), example.schedule);
    expect(again.steps.map(({ thread, before, after }) => [thread, before, after])).toEqual(
      example.steps.map(({ thread, before, after }) => [thread, before, after]),
    );
    expect(again.judge()).toMatchObject({ property: 'P1', message: example.message });
    expect(replay(takeMirror, named('ipi-after-round'), 'V.S*2').judge()).toBeUndefined();
  });

  test('refuses a schedule of other threads, and one in which a thread cannot move', () => {
    expect(() => replay(published, named('ipi-after-round'), 'V.X')).toThrow(
      'Schedule part "X" is not a thread of this scenario; the threads are V, S',
    );
    expect(() => replay(published, named('ipi-after-round'), 'S*99')).toThrow('cannot move');
  });

  test('names the step that erases the interrupt, and the one that it undoes', () => {
    const { erases, undoes } = findErasure(example);
    const lines = explain(result).split('\n');
    expect(example.steps[erases].thread).toBe(0);
    expect(example.steps[undoes].thread).toBe(1);
    const mark = lines.findIndex((line) => line.includes('^^^ erases VSSIP, which step 3 had set'));
    expect(lines[mark - 1]).toMatch(/^ 4 clear_bit\(pend\) +0 {4}1 {4}1 {4}0$/);
    expect(lines[mark - 2]).toMatch(/^ 3 +set_bit\(pend\) +1 {4}1 {4}1 {4}0$/);
  });

  test('fits into 72 columns, for every protocol and scenario', () => {
    for (const name of ['published', 'xen', 'xchg', 'direct']) {
      for (const each of ['busy-guest', 'line', 'self-ipi', 'two-edges', 'preemptible-flush']) {
        const text = explain(verify(protocolByName(name), named(each)));
        expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72);
      }
    }
  });

  test('is the same in JSON', () => {
    const json = JSON.parse(JSON.stringify(jsonReport([jsonResult(result)], 'sc', 1)));
    expect(json).toMatchObject({ schema: 1, memory: 'sc', results: [{ verdict: 'VIOLATED' }] });
    expect(json.explored).toContain('src/interrupts/field/published.ts');
    const { steps, erases, schedule } = json.results[0].counterexample;
    expect(schedule).toBe(example.schedule);
    expect(steps[erases]).toMatchObject({
      thread: 'vCPU',
      operation: 'clear_bit',
      word: 'irqs_pending',
      before: 4,
      after: 0,
      source: expect.stringMatching(/^published\.ts:\d+$/),
      bits: { pending: false, mask: true, cached: true, hvip: false },
    });
  });
});

describe('bounds', () => {
  test('a bound gives NOT PROVEN and says what is left', () => {
    const result = verify(takeMirror, named('three-senders'), { maxStates: 5000 });
    expect(result.verdict).toBe('NOT PROVEN');
    expect(result.reason).toMatch(
      /^the limit of 5000 states was reached; \d+ of \d+ states were not expanded$/,
    );
    expect(statusOf([result])).toBe(2);
  });

  test('time and memory are bounds as well', () => {
    let clock = 0;
    const late = verify(takeMirror, named('three-senders'), { maxTime: 10, now: () => clock++ * 100 });
    expect(late.reason).toContain('the time limit of 10 ms');
    expect(verify(takeMirror, named('three-senders'), { maxBytes: 1000 }).reason).toContain('memory limit');
  });
});

describe('faults have verdicts and exit statuses of their own', () => {
  const words = (body: (words: VcpuWords, local: OwnerState) => void): Protocol => ({
    ...takeMirror,
    name: 'faulty',
    flush: (shared, local) => {
      body(shared, local);
      takeMirror.flush(shared, local);
    },
  });
  const one = named('one-ipi');

  test('a plain read, also one whose exception is caught', () => {
    const plain = verify(
      words((shared) => shared[IRQS_PENDING]),
      one,
    );
    expect(plain).toMatchObject({ verdict: 'FAULT', fault: { kind: 'plain-access' } });
    expect(plain.reason).toContain('reads irqs_pending without Atomics');
    const caught = verify(
      words((shared) => {
        try {
          shared[IRQS_PENDING] = 0;
        } catch {}
      }),
      one,
    );
    expect(caught.fault?.kind).toBe('plain-access');
    expect(statusOf([plain])).toBe(VERIFY_STATUS['plain-access']);
  });

  test('state outside of the words', () => {
    let calls = 0;
    const result = verify(
      words((shared) => {
        if (calls++ % 2 === 0) Atomics.load(shared, 20);
      }),
      one,
    );
    expect(result.fault?.kind).toBe('non-determinism');
    expect(statusOf([result])).toBe(3);
  });

  test('a catch-all that swallows the suspension', () => {
    const result = verify(
      words((shared) => {
        try {
          Atomics.load(shared, IRQS_PENDING);
        } catch {}
      }),
      one,
    );
    expect(result.fault?.kind).toBe('swallowed-suspension');
    expect(statusOf([result])).toBe(5);
  });

  test('memory that the scenario does not share', () => {
    const own = new Int32Array(new SharedArrayBuffer(4));
    const result = verify(
      words(() => Atomics.add(own, 0, 1)),
      one,
    );
    expect(result.fault?.kind).toBe('unsupported-access');
  });

  test('a thread that never touches a shared word', () => {
    const endless = scenario({
      ...one,
      name: 'endless',
      threads: [
        () => ({ name: 'X', initial: { n: 0 }, step: (state) => ({ n: (state as { n: number }).n + 1 }) }),
      ],
    });
    expect(verify(takeMirror, endless).fault?.kind).toBe('endless-step');
  });

  test('an error that the protocol throws is a violation with a schedule', () => {
    const throwing = words((shared) => {
      if (Atomics.load(shared, IRQS_PENDING) !== 0) throw new RangeError('no more');
    });
    const example = counterexampleOf(verify(throwing, one));
    expect(example).toMatchObject({ property: 'P7', message: 'vCPU throws RangeError: no more' });
  });

  test('an error before anything has happened is a mistake of whoever wrote the protocol', () => {
    const broken: Protocol = {
      ...takeMirror,
      name: 'broken',
      set: () => {
        throw new TypeError('not yet');
      },
    };
    expect(() => verify(broken, named('ipi-after-round'))).toThrow(
      'Protocol broken cannot be set up in scenario ipi-after-round: it throws TypeError: not yet',
    );
  });

  test('two threads of one name are a mistake', () => {
    const twice = scenario({ ...one, name: 'twice', threads: [vcpu(), sender(), sender()] });
    expect(() => verify(takeMirror, twice)).toThrow('Scenario twice: two threads are called "S"');
    expect(() => scenario({ ...one, name: 'Not good' })).toThrow('lower-case words joined by "-"');
  });

  test('an interrupt that the vCPU does not have is a mistake of the scenario', () => {
    const message = /Thread \w+ sends interrupt 13, but the scenario's vCPU has 2, 6, 10 only.*lcofi: true/;
    for (const thread of [sender({ irq: 13 }), device({ irq: 13 })]) {
      const lacking = scenario({ ...one, name: 'lacking', threads: [vcpu(), thread] });
      expect(() => verify(takeMirror, lacking)).toThrow(message);
    }
  });

  test('Atomics is the engine again afterwards', () => {
    const before = Atomics;
    verify(takeMirror, one);
    expect(Atomics).toBe(before);
    expect(Atomics.or(new Int32Array(1), 0, 3)).toBe(0);
  });
});

describe('loops', () => {
  test('a spinlock is explored without a bound, and the assumption is named', () => {
    const result = verify(protocolByName('kvm-spinlock'), named('two-senders'));
    expect(result.verdict).toBe('PROVEN');
    expect(result.assumptions).toHaveLength(1);
  });

  test('a lock that is never given back is found', () => {
    const spin: Protocol = {
      ...takeMirror,
      name: 'forgotten-unlock',
      set: (shared, irq) => {
        while (Atomics.compareExchange(shared, 20, 0, 1) !== 0);
        return takeMirror.set(shared, irq);
      },
    };
    const two = scenario({ ...named('two-ipis'), name: 'lock', threads: [vcpu(), sender({ count: 2 })] });
    expect(counterexampleOf(verify(spin, two)).property).toBe('P5');
  });

  test('a loop that counts its rounds is not taken for one that waits', () => {
    const patient: Protocol = {
      ...takeMirror,
      name: 'three-tries',
      unset: (shared, irq) => {
        for (let tries = 0; tries < 3 && Atomics.load(shared, 20) === 0; tries++);
        return takeMirror.unset(shared, irq);
      },
    };
    const result = verify(
      patient,
      scenario({ ...named('line'), name: 'tries', threads: [vcpu(), device({ script: '+-' })] }),
    );
    expect(result).toMatchObject({ verdict: 'PROVEN', assumptions: [] });
  });
});
