import { expect, test } from 'vitest';
import { IRQ_VS_EXT, IRQ_VS_SOFT } from '../interrupts/numbers.ts';
import { takeMirror } from '../interrupts/take-mirror.ts';
import { createVcpuWords } from '../interrupts/words.ts';
import { runConsumer } from './consumer.ts';
import { ACK, createStressWords, DONE, FINISHED, LINE, MAIL, senderBase } from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const EXT = 1 << IRQ_VS_EXT;
const BASE = senderBase(0);

interface Act {
  /** What the sender does before this entry. */
  readonly sends?: 'starts' | 'finishes' | 'all' | 'ends';
  /** What the protocol puts into hvip at this entry. */
  readonly hvip?: number;
  readonly line?: 0 | 1;
}

/** Runs the vCPU's thread against a script: one act for each entry, then entries without interrupts until the sender ends. */
function play(acts: readonly Act[]) {
  const words = createStressWords(1);
  const put = (word: number, value: number) => Atomics.store(words, BASE + word, value);
  const message = () => Atomics.load(words, BASE + MAIL);
  let at = 0;
  let answered = 0;
  const counts = runConsumer(
    {
      vcpu: createVcpuWords(),
      words,
      protocol: {
        ...takeMirror,
        sync: () => undefined,
        flush: (_vcpu, local) => {
          const act = acts[at++] ?? {};
          const { sends, hvip = 0, line } = act;
          if (line !== undefined) {
            put(LINE, line);
          }
          if (sends === 'starts' || sends === 'all') {
            put(MAIL, message() + 1);
          }
          if (sends === 'finishes' || sends === 'all') {
            put(FINISHED, message());
          }
          if (sends === 'ends' || (at > acts.length && Atomics.load(words, BASE + ACK) === message())) {
            answered = Atomics.load(words, BASE + ACK);
            put(DONE, 1);
          }
          local.hvipLo = hvip;
        },
      },
    },
    1,
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

test('more deliveries than messages between two rests are doubled ones', () => {
  const first: Act[] = [{ sends: 'all', hvip: SOFT }, { hvip: SOFT }];
  // The second message is not delivered, so that everything comes to rest.
  expect(play([...first, { hvip: SOFT }, { sends: 'all' }])).toMatchObject({
    received: 1,
    lost: 1,
    deliveries: 3,
    doubled: 1,
    rests: 1,
  });
});

test.each([
  [0, EXT, 1],
  [1, EXT, 0],
  [1, 0, 1],
  [0, 0, 0],
] as const)('line %i and hvip %i at rest: %i wrong levels', (line, hvip, wrong) => {
  const entries = Array.from({ length: 10 }, () => ({ hvip }));
  expect(play([{ sends: 'all', line, hvip }, ...entries])).toMatchObject({ wrongLevels: wrong });
});
