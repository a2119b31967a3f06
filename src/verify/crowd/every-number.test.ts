import { describe, expect, test } from 'vitest';
import { InterruptFile } from '../../interrupts/interrupt-file.ts';
import type { Protocol } from '../../interrupts/protocol.ts';
import { protocolByName } from '../../interrupts/protocols.ts';
import { takeMirror } from '../../interrupts/take-mirror.ts';
import { IRQS_PENDING, PROTOCOL_WORDS, type VcpuWords } from '../../interrupts/words.ts';
import { explain } from '../explain.ts';
import { FIELD_FILES } from '../files/kvm-swfile.ts';
import { type FileProtocol, inHart } from '../files/way.ts';
import { type Scenario, scenario } from '../scenario.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { type VerifyOptions, type VerifyResult, verify } from '../verify.ts';
import { device, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';
import { EveryNumberAnswers, withSenders } from './every-number.ts';

function named(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

function ask(protocol: Protocol, of: Scenario, options: VerifyOptions = {}): VerifyResult {
  return verify(protocol, of, { everyNumber: new EveryNumberAnswers(), ...options });
}

const withSender = SCENARIOS.filter(
  ({ group, threads }) => group === 'default' && threads.some(({ sends }) => sends !== undefined),
);

describe('for every number of senders', () => {
  test('there is something to ask of most default scenarios', () => {
    expect(withSender.length).toBeGreaterThanOrEqual(24);
  });

  // Scenarios that differ in their senders only share an answer.
  const everyNumber = new EveryNumberAnswers();
  test.each(withSender)('take-mirror is proven in $name', (each) => {
    expect(ask(takeMirror, each, { everyNumber })).toMatchObject({
      verdict: 'PROVEN',
      everyNumber: { verdict: 'PROVEN' },
    });
  });

  test.each([
    ['kvm-spinlock', 'ipi-after-round'],
    ['kvm-spinlock', 'self-ipi'],
    ['minimal-patch', 'forced-exits'],
    ['minimal-patch', 'two-edges'],
    ['xen-minimal-patch', 'migration'],
    ['xchg', 'sleeper-limit'],
  ])('%s is proven in %s', (name, scenarioName) => {
    const { everyNumber } = ask(protocolByName(name), named(scenarioName));
    expect(everyNumber, everyNumber?.reason).toMatchObject({ verdict: 'PROVEN' });
  });

  test('what is not proven for the scenario itself, or has no sender, is not asked', () => {
    expect(ask(takeMirror, named('line')).everyNumber).toBeUndefined();
    expect(ask(protocolByName('published'), named('two-ipis')).everyNumber).toBeUndefined();
    expect(verify(takeMirror, named('one-ipi')).everyNumber).toBeUndefined();
  });

  test('a proof for one IPI is none for the next one', () => {
    const published = protocolByName('published');
    const result = ask(published, named('one-ipi'));
    expect(result).toMatchObject({ verdict: 'PROVEN', everyNumber: { verdict: 'VIOLATED', senders: 1 } });
    expect(explain(result)).toContain('But one-ipi+1 is VIOLATED: P1: VSSIP is lost');
    const counted = withSenders(named('one-ipi'), 1);
    expect(counted && verify(published, counted).verdict).toBe('VIOLATED');
  });

  test('scenarios that differ in their senders share an answer', () => {
    const everyNumber = new EveryNumberAnswers();
    const first = verify(takeMirror, named('one-ipi'), { everyNumber });
    const second = verify(takeMirror, named('two-senders'), { everyNumber });
    expect(first.everyNumber?.sameAs).toBeUndefined();
    expect(second.everyNumber).toMatchObject({ verdict: 'PROVEN', sameAs: 'one-ipi', states: 0 });
    const other = verify(takeMirror, named('forced-exits'), { everyNumber });
    expect(other.everyNumber?.sameAs).toBeUndefined();
    const otherProtocol = verify(protocolByName('xchg'), named('two-senders'), { everyNumber });
    expect(otherProtocol.everyNumber?.sameAs).toBeUndefined();
  });
});

/** Two senders at a time find a slot to announce themselves in; a third one gives up. */
const twoSlots: Protocol = {
  ...takeMirror,
  name: 'two-slots',
  set: (words: VcpuWords, irq: number) => {
    const slot = [0, 1].find((each) => Atomics.compareExchange(words, PROTOCOL_WORDS + each, 0, 1) === 0);
    if (slot === undefined) return false;
    const wanted = takeMirror.set(words, irq);
    Atomics.store(words, PROTOCOL_WORDS + slot, 0);
    return wanted;
  },
};

describe('what counting finds', () => {
  const busy = scenario({
    name: 'busy-two',
    title: 'Two senders',
    about: 'Small.',
    group: 'default',
    threads: [vcpu({ idle: 'busy' }), sender({ name: 'S1' }), sender({ name: 'S2' })],
  });

  test('a protocol that is right with two senders and wrong with three', () => {
    const result = ask(twoSlots, busy);
    expect(result).toMatchObject({ verdict: 'PROVEN', everyNumber: { verdict: 'VIOLATED', senders: 3 } });
  });

  test('is not called a violation unless a number of senders shows it', () => {
    const answers = new EveryNumberAnswers();
    const published = protocolByName('published');
    verify(published, named('one-ipi'), {
      everyNumber: Object.assign(answers, {
        answer: (...[protocol, of, search]: Parameters<EveryNumberAnswers['answer']>) => {
          const proven = () => ({ verdict: 'PROVEN', reason: '' });
          const answer = new EveryNumberAnswers().answer(protocol, of, { ...search, verify: proven });
          expect(answer).toMatchObject({
            verdict: 'NOT PROVEN',
            reason: expect.stringMatching(
              /^counted as none, one or many, senders could break P1: .* no number/,
            ),
          });
          return answer;
        },
      }),
    });
    expect.assertions(1);
  });

  test('has no end when a word counts senders', () => {
    const counting: Protocol = {
      ...takeMirror,
      name: 'counting',
      set: (words, irq) => {
        Atomics.add(words, PROTOCOL_WORDS, 1);
        Atomics.sub(words, PROTOCOL_WORDS, 1);
        return takeMirror.set(words, irq);
      },
    };
    const result = ask(counting, busy, { maxStates: 9000 });
    expect(result).toMatchObject({ verdict: 'PROVEN', everyNumber: { verdict: 'NOT PROVEN' } });
    expect(result.everyNumber?.reason).toContain('the limit of 9000 states');
    expect(explain(result)).toContain('For every number of senders: NOT PROVEN: the limit');
  });

  test('is nothing when a sender sleeps', () => {
    const sleeping: Protocol = {
      ...takeMirror,
      name: 'sleeping',
      set: (words, irq) => {
        Atomics.wait(words, PROTOCOL_WORDS, 1);
        return takeMirror.set(words, irq);
      },
    };
    expect(ask(sleeping, busy).everyNumber).toMatchObject({
      reason: 'a sender sleeps until word_17 changes',
    });
  });

  test('is a failure of the code as well', () => {
    const failing: Protocol = {
      ...takeMirror,
      name: 'failing',
      set: (words, irq) => {
        const bit = 1 << (irq & 31);
        const slot = [0, 1].find((each) => Atomics.compareExchange(words, PROTOCOL_WORDS + each, 0, 1) === 0);
        if (slot === undefined) throw new RangeError('no slot');
        const wanted = (Atomics.or(words, IRQS_PENDING, bit) & bit) === 0;
        Atomics.store(words, PROTOCOL_WORDS + slot, 0);
        return wanted;
      },
    };
    expect(ask(failing, busy).everyNumber).toMatchObject({ verdict: 'VIOLATED', senders: 3 });
  });

  test('is a sender that never comes back', () => {
    const forgotten: Protocol = {
      ...takeMirror,
      name: 'forgotten-unlock',
      set: (words, irq) => {
        while (Atomics.compareExchange(words, PROTOCOL_WORDS, 0, 1) !== 0);
        return takeMirror.set(words, irq);
      },
    };
    const once = scenario({ ...busy, name: 'once', threads: [vcpu({ idle: 'busy' }), sender()] });
    const { verdict, everyNumber } = ask(forgotten, once);
    expect([verdict, everyNumber?.verdict]).toEqual(['PROVEN', 'VIOLATED']);
    expect(everyNumber?.reason).toMatch(/^P5/);
  });
});

describe('a scenario with a number of senders', () => {
  test('has so many of each interrupt, and all that is no sender alone', () => {
    const names = (of: Scenario | undefined) =>
      of?.threads.map((make) => make.sends?.name ?? 'other').join(' ');
    expect(names(withSenders(named('three-senders'), 2))).toBe('other S1 S2');
    expect(names(withSenders(named('two-edges'), 2))).toBe('other S1 S2 P1 P2');
    expect(names(withSenders(named('mail'), 1))).toBe('other S S1');
    expect(withSenders(named('one-ipi'), 3)?.name).toBe('one-ipi+3');
    expect(withSenders(named('line'), 1)).toBeUndefined();
    const alike = {
      ...named('two-edges'),
      threads: [vcpu(), sender(), sender({ name: 'S2', irq: 13 }), device()],
    };
    expect(names(withSenders(alike, 1))).toBe('other other Sa1 Sb1');
  });

  test('is proven where the scenario is proven for every number', () => {
    for (const count of [1, 2]) {
      const counted = withSenders(named('one-ipi'), count);
      expect(counted && verify(takeMirror, counted)).toMatchObject({ verdict: 'PROVEN' });
    }
  });
});

describe('for every number of senders of messages', () => {
  const small = SCENARIOS.filter(({ name }) =>
    ['file-one-message', 'file-busy', 'file-enable', 'file-delivery', 'file-exits'].includes(name),
  );

  test.each(small)('the interrupt file is proven in $name', (each) => {
    expect(ask(takeMirror, each)).toMatchObject({ verdict: 'PROVEN', everyNumber: { verdict: 'PROVEN' } });
  });

  test('a file that has its first sender kick, and no other, is not', () => {
    class KicksOnce extends InterruptFile {
      override takes(identity: number): boolean {
        return Atomics.exchange(this.words, this.words.length - 1, 1) === 0 && super.takes(identity);
      }
    }
    const tired: FileProtocol = { ...takeMirror, name: 'tired', file: inHart(KicksOnce) };
    const result = ask(tired, named('file-one-message'));
    expect(result).toMatchObject({ verdict: 'PROVEN', everyNumber: { verdict: 'VIOLATED', senders: 1 } });
    expect(result.everyNumber?.reason).toBe('P4: the vCPU sleeps although message 3 is in its file');
  });

  test('ways that are not in a hart are not asked about it', () => {
    expect(ask(FIELD_FILES[0], named('file-one-message')).everyNumber).toBeUndefined();
  });
});
