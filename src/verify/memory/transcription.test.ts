import { describe, expect, test } from 'vitest';
import { PROTOCOLS, protocolByName } from '../../interrupts/protocols.ts';
import type { VcpuWords } from '../../interrupts/words.ts';
import { type AtomicsTarget, installAtomics, uninstallAtomics, withAtomics } from '../atomics.ts';
import { type Kind, resultOf, valueAfter } from '../operations.ts';
import { MESSAGE_PLACE, orderingsOf, TRANSCRIPTIONS, transcribed } from './transcription.ts';
import {
  CALLS,
  type Call,
  type ProtocolFunctions,
  type Situation,
  situations,
} from './transcriptions/exercise.ts';

/** Another thread in the middle: it does nothing, or it changes words before each access of the function. */
type Meddler = (words: VcpuWords, access: number) => void;

const MEDDLERS: readonly Meddler[] = [
  () => undefined,
  // A sender of VSSIP and a device, each between any two accesses of the function.
  (words, access) => {
    words[0] ^= access % 2 === 0 ? 1 << 2 : 1 << 10;
    words[2] ^= access % 3 === 0 ? 1 << 2 : 1 << 10;
  },
  // Somebody holds the lock at first.
  (words, access) => {
    if (access < 3) words[16] = access < 2 ? 1 : 0;
  },
];

/** Everything that a call does to shared words, and what comes of it. */
function recorded(functions: ProtocolFunctions, call: Call, from: Situation, meddler: Meddler): unknown {
  const words = from.words.slice();
  const local = { ...from.local };
  const accesses: string[] = [];
  const target = {
    access: (kind: Kind, array: unknown, at: number, a: number, b: number) => {
      if (array !== words) throw new Error('an access to other words');
      meddler(words, accesses.length);
      const old = words[at];
      words[at] = valueAfter(kind, old, a, b);
      accesses.push(`${kind} ${at} ${a} ${b} ${resultOf(kind, old, a)}`);
      return resultOf(kind, old, a);
    },
  } as AtomicsTarget;
  const result = withAtomics(target, () => call.make(functions, { ...from, words, local }));
  return { accesses, result, local, words: [...words] };
}

describe('the C code does to the words what the protocol does', () => {
  test.each(PROTOCOLS)('$name', (protocol) => {
    const code = transcribed(TRANSCRIPTIONS[protocol.name]);
    installAtomics();
    try {
      for (const from of situations()) {
        for (const call of CALLS) {
          for (const [number, meddler] of MEDDLERS.entries()) {
            const [one, other] = [code, protocol].map((each) => recorded(each, call, from, meddler));
            // The matcher is slow, and there are ten thousand cases.
            if (JSON.stringify(one) === JSON.stringify(other)) continue;
            expect(one, `${call.text} with ${from.text}, meddler ${number}`).toEqual(other);
          }
        }
      }
    } finally {
      uninstallAtomics();
    }
  });

  test('a protocol whose accesses are in another order is noticed', () => {
    const swapped: ProtocolFunctions = {
      ...protocolByName('published'),
      set: (words, irq) => {
        Atomics.or(words, 2, 1 << irq);
        Atomics.or(words, 0, 1 << irq);
        return true;
      },
    };
    installAtomics();
    try {
      const code = transcribed(TRANSCRIPTIONS.published);
      const [from] = situations();
      const [one, other] = [code, swapped].map((each) => recorded(each, CALLS[0], from, MEDDLERS[0]));
      expect(one).not.toEqual(other);
    } finally {
      uninstallAtomics();
    }
  });
});

test('every protocol has a transcription, under its name, that says where it comes from', () => {
  expect(Object.keys(TRANSCRIPTIONS)).toEqual(PROTOCOLS.map(({ name }) => name));
  for (const { name, provenance } of PROTOCOLS) {
    expect(TRANSCRIPTIONS[name]).toMatchObject({ name, provenance });
  }
});

test('places are the operations of the functions, and barriers stand where the C code has them', () => {
  const { accesses, barriers } = orderingsOf(TRANSCRIPTIONS['minimal-patch']);
  expect(Object.keys(accesses)).toEqual([
    MESSAGE_PLACE,
    'set: set_bit(pending)',
    'set: set_bit(mask)',
    'unset: clear_bit(pending)',
    'unset: set_bit(mask)',
    'flush: READ_ONCE(mask)',
    'flush: xchg_acquire(mask)',
    'flush: READ_ONCE(pending)',
    'has: READ_ONCE(mask)',
    'has: READ_ONCE(pending)',
  ]);
  expect(Object.keys(barriers)).toEqual([
    'set: set_bit(mask): smp_mb__before_atomic',
    'unset: set_bit(mask): smp_mb__before_atomic',
    'has: READ_ONCE(pending): smp_mb',
  ]);
  expect(Object.keys(orderingsOf(TRANSCRIPTIONS.xen).barriers)).toEqual([
    'set: test_and_set_bit(mask): smp_wmb',
    'unset: set_bit(mask): smp_wmb',
  ]);
});
