import { expect, test } from 'vitest';
import { IRQ_VS_EXT, IRQ_VS_SOFT } from '../interrupts/numbers.ts';
import { takeMirror } from '../interrupts/take-mirror.ts';
import { createVcpuWords } from '../interrupts/words.ts';
import { runConsumer } from './consumer.ts';
import {
  ACK,
  createStressWords,
  DONE,
  FINISHED,
  LINE,
  MAIL,
  REST_AFTER,
  RESTED,
  senderBase,
} from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const EXT = 1 << IRQ_VS_EXT;
const BASE = senderBase(0);

/**
 * Behavior of the guest: it takes an interrupt at its entry, half-way, or not in this run of it, and never computes.
 */
const AT_ONCE = 0;
const HALF_WAY = 14 << 4;
const MASKED = 15 << 4;

interface Act {
  /** The sender before this entry: it begins a burst of one, ends it, both, or both and waits for rest. */
  readonly sends?: 'starts' | 'finishes' | 'all' | 'rests';
  /** How many messages a burst that starts here has sent by now. Default 1. */
  readonly messages?: number;
  readonly behavior?: number;
  /** The protocol's hvip at this entry. */
  readonly hvip?: number;
  readonly line?: 0 | 1;
}

/**
 * Runs the vCPU's thread against a script: one act for each entry, then entries without interrupts until the sender has
 * its answer, and ends.
 */
function play(acts: readonly Act[]) {
  const words = createStressWords(1);
  const put = (word: number, value: number) => Atomics.store(words, BASE + word, value);
  const get = (word: number) => Atomics.load(words, BASE + word);
  let at = 0;
  let answered = 0;
  const step = ({ sends, line, messages = 1 }: Act) => {
    if (line !== undefined) {
      put(LINE, line);
    }
    if (sends !== undefined && sends !== 'finishes') {
      put(MAIL, get(MAIL) + messages);
    }
    if (sends === 'rests') {
      put(REST_AFTER, get(MAIL));
    }
    if (sends !== undefined && sends !== 'starts') {
      put(FINISHED, get(MAIL));
    }
    const waits = get(REST_AFTER) === get(MAIL) ? RESTED : ACK;
    if (at > acts.length && get(waits) === get(MAIL)) {
      answered = get(ACK);
      put(DONE, 1);
    }
  };
  const counts = runConsumer(
    {
      vcpu: createVcpuWords(),
      words,
      protocol: {
        ...takeMirror,
        sync: () => undefined,
        flush: (_vcpu, local) => {
          const act = acts[at++] ?? {};
          step(act);
          local.hvipLo = act.hvip ?? 0;
        },
      },
    },
    1,
    () => acts[at]?.behavior ?? AT_ONCE,
  );
  return { ...counts, answered };
}

test('a message that is read in the handler is received, and answered before the guest leaves', () => {
  expect(play([{ sends: 'all', hvip: SOFT }])).toMatchObject({
    received: 1,
    lost: 0,
    deliveries: 1,
    answered: 1,
  });
});

test('a finished message that no later round delivers is lost, and the sender is answered', () => {
  expect(play([{ sends: 'all' }])).toMatchObject({ received: 0, lost: 1, rests: 1, answered: 1 });
});

test('however late the delivery, nothing is lost while the sender is inside its call', () => {
  const waits: Act[] = Array.from({ length: 50 }, () => ({}));
  expect(play([{ sends: 'starts' }, ...waits, { sends: 'finishes', hvip: SOFT }])).toMatchObject({
    received: 1,
    lost: 0,
    rests: 0,
  });
});

test('a message delivered by the first round after its call is not lost', () => {
  expect(play([{ sends: 'all' }, { hvip: SOFT }])).toMatchObject({ received: 1, lost: 0 });
});

test('a message of which only the interrupt before it was delivered is received', () => {
  expect(play([{ sends: 'starts', hvip: SOFT, messages: 5 }, { sends: 'finishes' }])).toMatchObject({
    received: 5,
    lost: 0,
    deliveries: 1,
    answered: 5,
  });
});

test('the messages of a burst that stay unread lack one interrupt', () => {
  const acts: Act[] = [
    { sends: 'starts', hvip: SOFT },
    { sends: 'all', messages: 3 },
  ];
  expect(play(acts)).toMatchObject({ received: 1, unread: 3, lost: 1, deliveries: 1, rests: 1, answered: 4 });
});

test('messages are counted across the wrap of their numbers', () => {
  // 2^31 - 1 messages in one go, so that the next ones have negative numbers, and then up to and over 0.
  const many = 0x7fff_ffff;
  const acts: Act[] = [many, 5, many, 5].map((messages) => ({ sends: 'all', hvip: SOFT, messages }));
  expect(play(acts)).toMatchObject({ received: 2 * many + 10, lost: 0, doubled: 0 });
});

test('an interrupt that the guest masks or takes late is neither lost nor a rest', () => {
  const masked: Act[] = Array.from({ length: 20 }, () => ({ hvip: SOFT, behavior: MASKED }));
  expect(
    play([{ sends: 'all', hvip: SOFT, behavior: MASKED }, ...masked, { hvip: SOFT, behavior: HALF_WAY }]),
  ).toMatchObject({ received: 1, lost: 0, rests: 0, deliveries: 1, doubled: 0 });
});

test('a sender that waits for rest is answered at the rest, although its message was read', () => {
  expect(play([{ sends: 'rests', hvip: SOFT }])).toMatchObject({
    received: 1,
    lost: 0,
    rests: 1,
    answered: 1,
  });
});

test('a delivery that no interrupt accounts for is doubled', () => {
  const once: Act = { sends: 'all', hvip: SOFT };
  expect(play([once, { hvip: SOFT }])).toMatchObject({ deliveries: 2, doubled: 1 });
  // The interrupts that came before the first delivery are one.
  const five: Act = { sends: 'all', messages: 5 };
  expect(play([five, { hvip: SOFT }, { hvip: SOFT }])).toMatchObject({ deliveries: 2, doubled: 1 });
  expect(play([once, once, once])).toMatchObject({ deliveries: 3, doubled: 0 });
});

test('a burst that goes on may interrupt again, once for each message', () => {
  const more: Act[] = [{ hvip: SOFT }, { hvip: SOFT }];
  const starts: Act = { sends: 'starts', hvip: SOFT, messages: 3 };
  expect(play([starts, ...more, { sends: 'finishes' }])).toMatchObject({ deliveries: 3, doubled: 0 });
  expect(play([starts, ...more, { hvip: SOFT }, { sends: 'finishes' }])).toMatchObject({
    deliveries: 4,
    doubled: 1,
  });
});

test.each([
  [0, EXT, 1],
  [1, EXT, 0],
  [1, 0, 1],
  [0, 0, 0],
] as const)('line %i and hvip %i at rest: %i wrong levels', (line, hvip, wrong) => {
  const entries = Array.from({ length: 10 }, () => ({ hvip }));
  expect(play([{ sends: 'rests', line, hvip }, ...entries])).toMatchObject({ wrongLevels: wrong });
});
