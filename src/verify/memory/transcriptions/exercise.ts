/** Calls of a protocol's functions that come to every access which the protocol has. */
import { interruptNumbers } from '../../../interrupts/numbers.ts';
import { createOwnerState, type OwnerState, type Protocol } from '../../../interrupts/protocol.ts';
import {
  createVcpuWords,
  IRQS_PENDING,
  IRQS_PENDING_MASK,
  type VcpuWords,
} from '../../../interrupts/words.ts';

export type ProtocolFunctions = Pick<Protocol, 'set' | 'unset' | 'sync' | 'flush' | 'has'>;

/** The words and the owner's state for a call, made anew for each. */
export interface Situation {
  /** In words, for messages. */
  readonly text: string;
  readonly words: VcpuWords;
  readonly local: OwnerState;
}

/** One call of a function. */
export interface Call {
  readonly text: string;
  /** @returns what the function returns. */
  readonly make: (protocol: ProtocolFunctions, on: Situation) => unknown;
}

/** VSSIP, VSEIP, LCOFIP with VSSIP: bits of the first word that functions may treat differently. */
const LOW = [0, 1 << 2, 1 << 10, (1 << 2) | (1 << 13)];
const HIGH = [0, 1 << 8];

export const CALLS: readonly Call[] = [
  ...[2, 6, 13, 40].map(
    (irq): Call => ({ text: `set ${irq}`, make: ({ set }, { words }) => set(words, irq) }),
  ),
  ...[2, 6, 13, 40].map(
    (irq): Call => ({ text: `unset ${irq}`, make: ({ unset }, { words }) => unset(words, irq) }),
  ),
  ...LOW.map(
    (lo): Call => ({
      text: `sync ${lo.toString(16)}`,
      make: ({ sync }, { words, local }) => sync(words, local, lo, 1 << 8),
    }),
  ),
  { text: 'flush', make: ({ flush }, { words, local }) => flush(words, local) },
  {
    text: 'has what is enabled',
    make: ({ has }, { words, local }) => has(words, local, 0x2444, 1 << 8),
  },
];

/** Everything that the words and the owner may hold, as far as functions tell it apart. */
export function* situations(): Generator<Situation> {
  for (const pending of LOW) {
    for (const mask of LOW) {
      for (const hvip of LOW) {
        for (const high of HIGH) {
          yield situation(pending, mask, hvip, high, 1);
          yield situation(pending, mask, hvip, high, 2);
        }
      }
    }
  }
}

function situation(pending: number, mask: number, hvip: number, high: number, wordCount: 1 | 2): Situation {
  const words = createVcpuWords();
  words.set([pending, high], IRQS_PENDING);
  words.set([mask, high], IRQS_PENDING_MASK);
  const numbers = interruptNumbers(wordCount === 1 ? { lcofi: true } : { lcofi: true, edges: [40] });
  const local = { ...createOwnerState(numbers), hvipLo: hvip };
  const hex = [pending, mask, hvip, high].map((value) => value.toString(16));
  return { text: `pending/mask/hvip/high ${hex.join('/')} of ${wordCount}`, words, local };
}
