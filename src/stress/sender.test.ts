import { expect, test } from 'vitest';
import { IRQ_VS_EXT, IRQ_VS_SOFT } from '../interrupts/numbers.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import { takeMirror } from '../interrupts/take-mirror.ts';
import { createVcpuWords } from '../interrupts/words.ts';
import { runConsumer } from './consumer.ts';
import { runSender } from './sender.ts';
import {
  ACK,
  BURSTS_PER_REST,
  createStressWords,
  DONE,
  FINISHED,
  LINE,
  MAIL,
  REST_AFTER,
  RESTED,
  STOP,
  senderBase,
} from './words.ts';

const BASE = senderBase(0);

/**
 * Runs one sender, and answers it as soon as it has sent. It ends after `rests` rests.
 */
function send(rests: number, onCall: (name: 'set' | 'unset', irq: number, words: Int32Array) => void) {
  const words = createStressWords(1);
  let rested = 0;
  const answer = (name: 'set' | 'unset', irq: number) => {
    onCall(name, irq, words);
    const message = Atomics.load(words, BASE + MAIL);
    if (irq === IRQ_VS_SOFT) {
      Atomics.store(words, BASE + ACK, message);
      Atomics.store(words, BASE + RESTED, message);
    }
    const lastRest = Atomics.load(words, BASE + REST_AFTER);
    if (lastRest !== rested) {
      rested = lastRest;
      rests--;
    }
    Atomics.store(words, STOP, rests === 1 ? 1 : 0);
    return true;
  };
  const protocol: Protocol = {
    ...takeMirror,
    set: (_words, irq) => answer('set', irq),
    unset: (_words, irq) => answer('unset', irq),
  };
  return { words, ...runSender({ protocol, vcpu: createVcpuWords(), words }, 0) };
}

test('each message is stored, then sent, and counted once', () => {
  const seen: number[] = [];
  const { sent, bursts, words } = send(20, (_name, irq, shared) => {
    if (irq === IRQ_VS_SOFT) {
      seen.push(Atomics.load(shared, BASE + MAIL));
    }
  });
  expect(bursts).toBe(20 * BURSTS_PER_REST);
  expect(sent).toBe(seen.length);
  expect(seen).toEqual(seen.map((_, index) => index + 1));
  expect(Atomics.load(words, BASE + FINISHED)).toBe(sent);
  expect(Atomics.load(words, BASE + DONE)).toBe(1);
});

test('bursts of one and long ones are sent, each finished only at its end', () => {
  const finished: number[] = [];
  const { sent, bursts } = send(20, (_name, irq, shared) => {
    if (irq === IRQ_VS_SOFT) {
      finished.push(Atomics.load(shared, BASE + FINISHED));
    }
  });
  const lengths = new Map<number, number>();
  for (const burst of finished) {
    lengths.set(burst, (lengths.get(burst) ?? 0) + 1);
  }
  expect(lengths.size).toBe(bursts);
  expect([...lengths.values()].filter((length) => length === 1).length).toBeGreaterThan(bursts / 3);
  expect(Math.max(...lengths.values())).toBeGreaterThan(100);
  expect([...lengths.values()].reduce((sum, length) => sum + length)).toBe(sent);
});

test('sender 0 says what the line is before it sets or unsets the external interrupt', () => {
  const lines: string[] = [];
  send(20, (name, irq, shared) => {
    if (irq === IRQ_VS_EXT) {
      lines.push(`${name} ${Atomics.load(shared, BASE + LINE)}`);
    }
  });
  expect(lines.length).toBeGreaterThan(10);
  expect(new Set(lines)).toEqual(new Set(['set 1', 'unset 0']));
  expect(lines.every((line, index) => line !== lines[index - 1])).toBe(true);
});

/**
 * A sender and the vCPU on one thread: after a `sync` the sender sends a burst of three whenever everything was at
 * rest.
 */
function alternate(protocol: Protocol, bursts: number) {
  const words = createStressWords(1);
  const vcpu = createVcpuWords();
  let sent = 0;
  let line = 0;
  const put = (word: number, value: number) => Atomics.store(words, BASE + word, value);
  const burst = () => {
    for (let message = 0; message < 3; message++) {
      put(MAIL, ++sent);
      protocol.set(vcpu, IRQ_VS_SOFT);
    }
    line ^= 1;
    put(LINE, line);
    protocol[line === 1 ? 'set' : 'unset'](vcpu, IRQ_VS_EXT);
    put(REST_AFTER, sent);
    put(FINISHED, sent);
  };
  const counts = runConsumer(
    {
      words,
      vcpu,
      protocol: {
        ...protocol,
        sync(shared, local, hvipLo, hvipHi) {
          protocol.sync(shared, local, hvipLo, hvipHi);
          if (Atomics.load(words, BASE + RESTED) === sent) {
            if (sent === 3 * bursts) {
              put(DONE, 1);
            } else {
              burst();
            }
          }
        },
      },
    },
    1,
  );
  return { ...counts, sent };
}

test('the shipped protocol loses and doubles nothing', () => {
  expect(alternate(takeMirror, 1000)).toMatchObject({
    sent: 3000,
    received: 3000,
    lost: 0,
    deliveries: 1000,
    doubled: 0,
    rests: 1000,
    wrongLevels: 0,
  });
});

test('a protocol that drops every tenth interrupt that it has taken is caught each time', () => {
  let taken = 0;
  let dropped = 0;
  const drops: Protocol = {
    ...takeMirror,
    flush(words, local) {
      const before = local.hvipLo & (1 << IRQ_VS_SOFT);
      takeMirror.flush(words, local);
      if (before === 0 && (local.hvipLo & (1 << IRQ_VS_SOFT)) !== 0 && ++taken % 10 === 0) {
        local.hvipLo &= ~(1 << IRQ_VS_SOFT);
        dropped++;
      }
    },
  };
  const counts = alternate(drops, 1000);
  expect(dropped).toBe(100);
  // The three messages of a burst are one interrupt here.
  expect(counts).toMatchObject({ lost: 100, unread: 300, received: 2700, doubled: 0, rests: 1000 });
});

test('a protocol that delivers every tenth interrupt again is caught each time', () => {
  let cleared = 0;
  let again = 0;
  const doubles: Protocol = {
    ...takeMirror,
    sync(words, local, hvipLo, hvipHi) {
      const clears = (local.hvipLo & ~hvipLo & (1 << IRQ_VS_SOFT)) !== 0;
      if (clears && ++cleared % 10 === 0) {
        // The cached hvip keeps what the guest has cleared.
        again++;
      } else {
        takeMirror.sync(words, local, hvipLo, hvipHi);
      }
    },
  };
  const counts = alternate(doubles, 1000);
  expect(again).toBeGreaterThan(100);
  expect(counts).toMatchObject({ doubled: again, lost: 0, received: 3000 });
});

test('a protocol whose levels do not fall is caught', () => {
  const counts = alternate({ ...takeMirror, unset: () => false }, 1000);
  expect(counts).toMatchObject({ lost: 0, wrongLevels: 500 });
});
