/** Mistakes in the interrupt file, one at a time. */
import { FILE_BLOCK, FILE_REGISTER, InterruptFile } from '../../../src/interrupts/interrupt-file.ts';
import { takeMirror } from '../../../src/interrupts/take-mirror.ts';
import { inHart } from '../../../src/verify/files/way.ts';
import type { Mutant } from './mutant.ts';

const base = takeMirror;
const { pending: PENDING, enabled: ENABLED, delivery: DELIVERY, threshold: THRESHOLD } = FILE_BLOCK.word;
/** A word of the file that nothing else uses. */
const STORED_LEVEL = THRESHOLD + 1;

function wordOf(identity: number): number {
  return PENDING + (identity >>> 5);
}

function bitOf(identity: number): number {
  return 1 << (identity & 31);
}

function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** A search of the words in some order; the last find counts. Each of the masks may be left out. */
function search(
  file: InterruptFile,
  order: 'up' | 'down',
  { enabled = true, threshold = true }: { readonly enabled?: boolean; readonly threshold?: boolean } = {},
): number {
  const count = (file.identities + 1) / 32;
  let top = 0;
  for (let step = 0; step < count && (order === 'down' || top === 0); step++) {
    const index = order === 'up' ? step : count - 1 - step;
    const pending = Atomics.load(file.words, PENDING + index);
    if (pending === 0) continue;
    const takes = enabled ? pending & Atomics.load(file.words, ENABLED + index) : pending;
    if (takes !== 0) top = index * 32 + lowest(takes);
  }
  const limit = threshold && top !== 0 ? Atomics.load(file.words, THRESHOLD) : 0;
  return limit === 0 || top < limit ? top : 0;
}

/** Whose level is a word of its own, written after each change. */
class StoresItsLevel extends InterruptFile {
  store(): void {
    Atomics.store(this.words, STORED_LEVEL, super.asserts() ? 1 : 0);
  }

  override receive(identity: number): boolean {
    const wanted = super.receive(identity);
    this.store();
    return wanted;
  }

  override asserts(): boolean {
    return Atomics.load(this.words, STORED_LEVEL) !== 0;
  }

  override claim(): number {
    const top = super.claim();
    this.store();
    return top;
  }

  override write(...args: Parameters<InterruptFile['write']>): void {
    super.write(...args);
    this.store();
  }
}

const receives: readonly Mutant[] = [
  {
    name: 'message-in-two-accesses',
    about: 'a message loads the word of its identity and stores it with the bit',
    base,
    file: inHart(
      class extends InterruptFile {
        override receive(identity: number): boolean {
          const before = Atomics.load(this.words, wordOf(identity));
          Atomics.store(this.words, wordOf(identity), before | bitOf(identity));
          return (before & bitOf(identity)) === 0 && this.takes(identity);
        }
      },
    ),
    killedBy: ['file-two-senders', 'P2'],
  },
  {
    name: 'message-in-the-first-word',
    about: 'a message forgets that identities from 32 have words of their own',
    base,
    file: inHart(
      class extends InterruptFile {
        override receive(identity: number): boolean {
          const rose = (Atomics.or(this.words, PENDING, bitOf(identity)) & bitOf(identity)) === 0;
          return rose && this.takes(identity);
        }
      },
    ),
    killedBy: ['file-two-words', 'P1'],
  },
  {
    name: 'message-tells-nobody',
    about: 'a message asks for no kick',
    base,
    file: inHart(
      class extends InterruptFile {
        override receive(identity: number): boolean {
          super.receive(identity);
          return false;
        }
      },
    ),
    killedBy: ['file-one-message', 'P4'],
  },
  {
    name: 'message-tells-when-set-before',
    about: 'a message asks for a kick when its bit was there already, and for none when it rose',
    base,
    file: inHart(
      class extends InterruptFile {
        override receive(identity: number): boolean {
          const before = Atomics.or(this.words, wordOf(identity), bitOf(identity));
          return (before & bitOf(identity)) !== 0 && this.takes(identity);
        }
      },
    ),
    killedBy: ['file-one-message', 'P4'],
  },
  {
    name: 'message-tells-from-empty-only',
    about: 'a message asks for a kick only where nothing else was pending in its word',
    base,
    file: inHart(
      class extends InterruptFile {
        override receive(identity: number): boolean {
          return Atomics.or(this.words, wordOf(identity), bitOf(identity)) === 0 && this.takes(identity);
        }
      },
    ),
    killedBy: ['file-clear', 'P4'],
  },
  {
    name: 'message-asks-first',
    about: 'a message looks whether the vCPU takes it, then sets its bit',
    base,
    file: inHart(
      class extends InterruptFile {
        override receive(identity: number): boolean {
          const takes = this.takes(identity);
          const before = Atomics.or(this.words, wordOf(identity), bitOf(identity));
          return (before & bitOf(identity)) === 0 && takes;
        }
      },
    ),
    killedBy: ['file-enable', 'P4'],
  },
  {
    name: 'message-above-the-threshold',
    about: 'a message asks for a kick where its identity is above the threshold, and not where it is below',
    base,
    file: inHart(
      class extends InterruptFile {
        override takes(identity: number): boolean {
          const threshold = Atomics.load(this.words, THRESHOLD);
          return threshold === 0 ? super.takes(identity) : identity > threshold;
        }
      },
    ),
    killedBy: ['file-threshold', 'P4'],
  },
  {
    name: 'kick-before-message',
    about: 'the sender kicks, then sets the bit',
    base,
    file: {
      ...inHart(InterruptFile),
      receive: (place, identity) => {
        place.kick();
        new InterruptFile(place.words, place.identities).receive(identity);
      },
    },
    killedBy: ['file-one-message', 'P4'],
  },
];

const looks: readonly Mutant[] = [
  {
    name: 'top-upwards',
    about: 'the words are read upwards, so that a message can overtake one that came before it (KVM)',
    base,
    file: inHart(
      class extends InterruptFile {
        override top(): number {
          return search(this, 'up');
        }
      },
    ),
    killedBy: ['file-two-words', 'P9'],
  },
  {
    name: 'top-is-the-largest',
    about: 'the largest identity is on top',
    base,
    file: inHart(
      class extends InterruptFile {
        override top(): number {
          const top = super.top();
          if (top === 0) return 0;
          const ready =
            Atomics.load(this.words, wordOf(top)) & Atomics.load(this.words, ENABLED + (top >> 5));
          return 32 * (top >> 5) + 31 - Math.clz32(ready);
        }
      },
    ),
    killedBy: ['file-two-senders', 'P9'],
  },
  {
    name: 'top-ignores-enables',
    about: 'a disabled identity can be on top',
    base,
    file: inHart(
      class extends InterruptFile {
        override top(): number {
          return search(this, 'down', { enabled: false });
        }
      },
    ),
    killedBy: ['file-clear', 'P9'],
  },
  {
    name: 'top-ignores-the-threshold',
    about: 'an identity from the threshold on can be on top',
    base,
    file: inHart(
      class extends InterruptFile {
        override top(): number {
          return search(this, 'down', { threshold: false });
        }
      },
    ),
    killedBy: ['file-threshold', 'P9'],
  },
  {
    name: 'top-at-the-threshold',
    about: 'the identity of the threshold itself can be on top',
    base,
    file: inHart(
      class extends InterruptFile {
        override top(): number {
          const top = search(this, 'down', { threshold: false });
          const threshold = Atomics.load(this.words, THRESHOLD);
          return threshold === 0 || top <= threshold ? top : 0;
        }
      },
    ),
    killedBy: ['file-threshold', 'P9'],
  },
  {
    name: 'threshold-stops-everything',
    about: 'with a threshold nothing is on top',
    base,
    file: inHart(
      class extends InterruptFile {
        override top(): number {
          return Atomics.load(this.words, THRESHOLD) === 0 ? super.top() : 0;
        }
      },
    ),
    killedBy: ['file-threshold', 'P4'],
  },
  {
    name: 'level-without-delivery',
    about: 'the file asserts its interrupt whether delivery is on or off',
    base,
    file: inHart(
      class extends InterruptFile {
        override asserts(): boolean {
          return this.top() !== 0;
        }
      },
    ),
    killedBy: ['file-delivery', 'P3'],
  },
  {
    name: 'level-of-disabled-messages',
    about: 'the file asserts its interrupt for messages that are disabled',
    base,
    file: inHart(
      class extends InterruptFile {
        override asserts(): boolean {
          return Atomics.load(this.words, DELIVERY) !== 0 && search(this, 'down', { enabled: false }) !== 0;
        }
      },
    ),
    killedBy: ['file-clear', 'P5'],
  },
  {
    name: 'level-evaluated-then-stored',
    about:
      'a thread that changes the file evaluates its level and stores it (Linux before 6.7, without its lock)',
    base,
    file: inHart(StoresItsLevel),
    killedBy: ['file-two-messages', 'P4'],
  },
];

const changes: readonly Mutant[] = [
  {
    name: 'claim-in-two-accesses',
    about: 'a claim loads the word and stores it without the bit',
    base,
    file: inHart(
      class extends InterruptFile {
        override claim(): number {
          const top = this.top();
          if (top === 0) return 0;
          Atomics.store(this.words, wordOf(top), Atomics.load(this.words, wordOf(top)) & ~bitOf(top));
          return top;
        }
      },
    ),
    killedBy: ['file-two-senders', 'P1'],
  },
  {
    name: 'claim-clears-the-word',
    about: 'a claim clears all identities of its word',
    base,
    file: inHart(
      class extends InterruptFile {
        override claim(): number {
          const top = this.top();
          if (top !== 0) Atomics.store(this.words, wordOf(top), 0);
          return top;
        }
      },
    ),
    killedBy: ['file-two-senders', 'P1'],
  },
  {
    name: 'claim-clears-nothing',
    about: 'a claim names the identity on top, and leaves it there',
    base,
    file: inHart(
      class extends InterruptFile {
        override claim(): number {
          return this.top();
        }
      },
    ),
    killedBy: ['file-one-message', 'P2'],
  },
  {
    name: 'claim-looks-again',
    about: 'a claim clears the identity that is on top now, and not the one that the guest has read',
    base,
    file: inHart(
      class extends InterruptFile {
        override claim(): number {
          const top = this.top();
          super.claim(this.top());
          return top;
        }
      },
    ),
    killedBy: ['file-two-senders', 'P2'],
  },
  {
    name: 'register-written-whole',
    about: 'a write of a register stores it as the guest has read and changed it',
    base,
    file: inHart(
      class extends InterruptFile {
        override write(
          ...[register, xlen, oldLow, oldHigh, low, high]: Parameters<InterruptFile['write']>
        ): void {
          if (register < FILE_REGISTER.pending) super.write(register, xlen, oldLow, oldHigh, low, high);
          else {
            const first = register < FILE_REGISTER.enabled ? PENDING : ENABLED;
            Atomics.store(this.words, first + (register & 0x3f), low);
            Atomics.store(this.words, first + (register & 0x3f) + 1, high);
          }
        }
      },
    ),
    killedBy: ['file-clear', 'P1'],
  },
  {
    name: 'register-compared-late',
    about: 'a write clears all bits that the register has by now and the new value has not',
    base,
    file: inHart(
      class extends InterruptFile {
        override write(...[register, xlen, , , low, high]: Parameters<InterruptFile['write']>): void {
          const now = { low: 0, high: 0 };
          this.read(register, xlen, now);
          super.write(register, xlen, now.low, now.high, low, high);
        }
      },
    ),
    killedBy: ['file-clear', 'P1'],
  },
  {
    name: 'enabled-anew',
    about: 'an identity that is enabled begins without its pending bit',
    base,
    file: inHart(
      class extends InterruptFile {
        override write(...args: Parameters<InterruptFile['write']>): void {
          super.write(...args);
          const [register, , oldLow, , low] = args;
          if (register === FILE_REGISTER.enabled) Atomics.and(this.words, PENDING, ~(low & ~oldLow));
        }
      },
    ),
    killedBy: ['file-enable', 'P1'],
  },
  {
    name: 'delivery-off-forgets',
    about: 'a file whose delivery is turned off forgets its pending bits',
    base,
    file: inHart(
      class extends InterruptFile {
        override write(...args: Parameters<InterruptFile['write']>): void {
          super.write(...args);
          if (args[0] === FILE_REGISTER.delivery && args[4] === 0) Atomics.store(this.words, PENDING, 0);
        }
      },
    ),
    killedBy: ['file-delivery', 'P1'],
  },
  {
    name: 'disabled-messages-ignored',
    about: 'a message to a disabled identity is dropped',
    base,
    file: inHart(
      class extends InterruptFile {
        override receive(identity: number): boolean {
          const enabled = Atomics.load(this.words, ENABLED + (identity >>> 5));
          return (enabled & bitOf(identity)) !== 0 && super.receive(identity);
        }
      },
    ),
    killedBy: ['file-enable', 'P1'],
  },
  {
    name: 'pair-read-once',
    about: 'the two halves of a register are read one after the other, and not again',
    base,
    file: inHart(
      class extends InterruptFile {
        override read(...[register, , out]: Parameters<InterruptFile['read']>): boolean {
          const high = { low: 0, high: 0 };
          super.read(register, 32, out);
          super.read(register + 1, 32, high);
          out.high = high.low;
          return true;
        }
      },
    ),
    killedBy: ['file-read', 'P3'],
  },
];

export const FILE_MUTANTS: readonly Mutant[] = [...receives, ...looks, ...changes];
