import type { VerdictName } from '../../src/verify/verify.ts';

/** Code that can be chosen in a lesson, and what the checker says of it: tests hold it to that. */
export interface Choice {
  readonly title: string;
  readonly code: string;
  /** By scenarios of the lesson. */
  readonly verdicts: Readonly<Record<string, VerdictName>>;
}

/** One of the steps. */
export interface Lesson {
  readonly title: string;
  /** Paragraphs. */
  readonly text: readonly string[];
  /** Things to try, and to look for. */
  readonly task: string;
  readonly choices: readonly Choice[];
}

/** The functions of a protocol, as a text each. */
interface Parts {
  readonly set?: string;
  readonly unset?: string;
  readonly sync?: string;
  readonly flush?: string;
  readonly has?: string;
}

const TWO_BITMAPS = {
  set: `
    Atomics.or(words, PENDING, 1 << irq);
    Atomics.or(words, MASK, 1 << irq);
    return true;`,
  unset: `
    Atomics.and(words, PENDING, ~(1 << irq));
    Atomics.or(words, MASK, 1 << irq);
    return true;`,
  sync: `
    if (((local.hvipLo ^ hvip) & VSSIP) === 0) return;
    // Has a producer spoken since the last flush? Then it knows better.
    if ((Atomics.or(words, MASK, VSSIP) & VSSIP) !== 0) return;
    if ((hvip & VSSIP) !== 0) Atomics.or(words, PENDING, VSSIP);
    else Atomics.and(words, PENDING, ~VSSIP);`,
  flush: `
    if (Atomics.load(words, MASK) === 0) return;
    const mask = Atomics.exchange(words, MASK, 0);
    const pending = Atomics.load(words, PENDING) & mask;
    local.hvipLo = ((local.hvipLo & ~mask) | pending) >>> 0;`,
  has: `
    return (Atomics.load(words, PENDING) & enabled) !== 0;`,
} as const;

const CACHED_SYNC = `
    // Only the vCPU's own thread touches the cached hvip.
    const edges = local.guestWritableLo;
    local.hvipLo = ((local.hvipLo & ~edges) | (hvip & edges)) >>> 0;`;

const MASKED_HAS = `
    const mask = Atomics.load(words, MASK);
    const pending = Atomics.load(words, PENDING);
    return (((pending & mask) | (local.hvipLo & ~mask)) & enabled) !== 0;`;

const ONE_WORD = {
  set: `
    const bit = 1 << irq;
    return (Atomics.or(words, PENDING, bit) & bit) === 0;`,
  unset: `
    const bit = 1 << irq;
    return (Atomics.and(words, PENDING, ~bit) & bit) !== 0;`,
  sync: CACHED_SYNC,
  flush: `
    const edges = local.guestWritableLo;
    let word = Atomics.load(words, PENDING);
    // Take the edges, mirror the levels.
    if ((word & edges) !== 0) word = Atomics.and(words, PENDING, ~edges);
    local.hvipLo = ((local.hvipLo & edges) | word) >>> 0;`,
  has: `
    const edges = local.guestWritableLo;
    return ((Atomics.load(words, PENDING) | (local.hvipLo & edges)) & enabled) !== 0;`,
} as const;

function code(parts: Parts, base: Required<Parts> = TWO_BITMAPS): string {
  const { set, unset, sync, flush, has } = { ...base, ...parts };
  const all = `${set}${unset}${sync}${flush}${has}`;
  const names = ['IRQS_PENDING as PENDING', ...(all.includes('MASK') ? ['IRQS_PENDING_MASK as MASK'] : [])];
  return `import { ${names.join(', ')} } from 'hartvisor/verify';
${all.includes('VSSIP') ? '\n/** The software interrupt: an IPI. The guest clears it itself. */\nconst VSSIP = 1 << 2;\n' : ''}
export const mine = {
  name: 'mine',

  /** Any thread: the interrupt is pending. Returns whether the vCPU needs a kick. */
  set(words, irq) {${set}
  },

  /** Any thread: it is pending no more. */
  unset(words, irq) {${unset}
  },

  /** The vCPU's thread, when the guest was left: what has it done to its register? */
  sync(words, local, hvip) {${sync}
  },

  /** The vCPU's thread, before the guest is entered: local.hvipLo goes into the register. */
  flush(words, local) {${flush}
  },

  /** The vCPU's thread, before it sleeps: is there something to do? */
  has(words, local, enabled) {${has}
  },
};
`;
}

const AS_PUBLISHED = code({});

/** The question of the mail thread, in six steps. */
export const LESSONS: readonly Lesson[] = [
  {
    title: 'Two bitmaps, and no lock',
    text: [
      'A hypervisor keeps, for each virtual CPU (vCPU), which interrupts are pending. Devices and other vCPUs set them from their threads, at any time. The vCPU’s own thread brings them into the register HVIP before it enters the guest.',
      'In the patch that was discussed on the list there are two bitmaps: “pending” says what is pending, and “mask” which bits were written since the last flush. A producer writes pending, and then mask. The vCPU takes the mask by an exchange, and copies the bits that it covers.',
      'Reviewers asked: two words are not changed in one step, so can they disagree? For the line of a device they can, and it does no harm: the last one who writes a bit sets its mask bit after it, so a later flush sees it.',
    ],
    task: 'Check the code with a device that raises and lowers its line. Each order of all accesses is tried; PROVEN means that none goes wrong.',
    choices: [
      {
        title: 'as published',
        code: AS_PUBLISHED,
        verdicts: { line: 'PROVEN', 'line-acknowledged': 'PROVEN' },
      },
    ],
  },
  {
    title: 'One IPI too many',
    text: [
      'A software interrupt, by which one CPU calls another (IPI), is different: the guest clears its bit itself, without anybody’s knowledge. So when the guest was left, “sync” looks at the register and writes the bitmaps, too.',
      'The design says: many producers, and one consumer, which is the vCPU. For this interrupt the vCPU is both.',
    ],
    task: 'Check it with one IPI to a guest that has just handled one, and go through the steps below: which access erases the interrupt, and who has written what just before?',
    choices: [
      {
        title: 'as published',
        code: AS_PUBLISHED,
        verdicts: { 'ipi-after-round': 'VIOLATED', 'one-ipi': 'PROVEN' },
      },
    ],
  },
  {
    title: 'Another order, a barrier?',
    text: [
      'The first thought is that the order is wrong, or that a memory barrier is missing. In this page there is nothing to order: all accesses of JavaScript’s Atomics have one order that all threads agree on, as if there were a full barrier between any two of them.',
      'Perhaps the producer should write the mask first, or sync clear pending before it sets the mask?',
    ],
    task: 'Try the other orders, or one of your own. As long as two threads change a pair of words in two steps each, there is a gap between the steps.',
    choices: [
      { title: 'as published', code: AS_PUBLISHED, verdicts: { 'ipi-after-round': 'VIOLATED' } },
      {
        title: 'set writes the mask first',
        code: code({
          set: `
    Atomics.or(words, MASK, 1 << irq);
    Atomics.or(words, PENDING, 1 << irq);
    return true;`,
        }),
        verdicts: { 'ipi-after-round': 'VIOLATED' },
      },
      {
        title: 'sync looks at the mask, and sets it last',
        code: code({
          sync: `
    if (((local.hvipLo ^ hvip) & VSSIP) === 0) return;
    if ((Atomics.load(words, MASK) & VSSIP) !== 0) return;
    if ((hvip & VSSIP) !== 0) Atomics.or(words, PENDING, VSSIP);
    else Atomics.and(words, PENDING, ~VSSIP);
    Atomics.or(words, MASK, VSSIP);`,
        }),
        verdicts: { 'ipi-after-round': 'VIOLATED' },
      },
    ],
  },
  {
    title: 'A smaller repair',
    text: [
      'Linux gave up the bitmaps without a lock in July 2026, and put a spinlock around each of these functions. There is a smaller repair: what the guest has done to its register is nobody’s business but the vCPU’s own. So sync writes the cached copy of the register, and leaves the bitmaps alone.',
      'Then a bit of “pending” stays set when the guest has handled its interrupt. Whoever reads it has to look at the mask as well: where the mask is clear, the cached copy is right.',
    ],
    task: 'One change alone is not enough: see what goes wrong with the first, and then check both.',
    choices: [
      {
        title: 'sync leaves the bitmaps alone',
        code: code({ sync: CACHED_SYNC }),
        verdicts: { 'ipi-after-round': 'VIOLATED' },
      },
      {
        title: 'and has looks at the mask',
        code: code({ sync: CACHED_SYNC, has: MASKED_HAS }),
        verdicts: {
          'ipi-after-round': 'PROVEN',
          'two-senders': 'PROVEN',
          line: 'PROVEN',
          'self-ipi': 'PROVEN',
        },
      },
    ],
  },
  {
    title: 'Do we need the mask?',
    text: [
      'With one word there is no pair that can disagree. A flush could empty it by one exchange. For an IPI that is right: it is taken once. But the line of a device is no event, it is a level: when it falls before anybody has looked, and when it stays up while the guest is away, the register has to follow.',
      'So there are two kinds of bits: an edge, which the guest itself clears, is taken out of the word in one step, and is then the guest’s. A level is copied, up and down, and never taken. This is the protocol that hartvisor ships: take the edge, mirror the level.',
    ],
    task: 'Compare the two with a device’s line, and then with IPIs.',
    choices: [
      {
        title: 'empty the word by an exchange',
        code: code(
          {
            flush: `
    const word = Atomics.exchange(words, PENDING, 0);
    local.hvipLo = (local.hvipLo | word) >>> 0;`,
            has: `
    return ((Atomics.load(words, PENDING) | local.hvipLo) & enabled) !== 0;`,
          },
          ONE_WORD,
        ),
        verdicts: { line: 'VIOLATED', 'ipi-after-round': 'PROVEN' },
      },
      {
        title: 'take the edge, mirror the level',
        code: code({}, ONE_WORD),
        verdicts: {
          line: 'PROVEN',
          'ipi-after-round': 'PROVEN',
          'two-senders': 'PROVEN',
          'line-and-ipi': 'PROVEN',
        },
      },
    ],
  },
  {
    title: 'One step means one step',
    text: [
      'Look at the flush once more. It loads the word, and when there is an edge in it, one atomic “and” takes it out. The value that counts is the one that the “and” returns, because another edge may have come between the two.',
      'With one kind of edge this mistake does no harm, so tests do not find it. With a second one, the overflow of a performance counter (LCOFI), it does.',
    ],
    task: 'Find out which of the three loses an interrupt, and in which scenario. Then break the code in a way of your own, and see whether the checker finds it.',
    choices: [
      {
        title: 'the value that was loaded',
        code: code(
          {
            flush: `
    const edges = local.guestWritableLo;
    const word = Atomics.load(words, PENDING);
    if ((word & edges) !== 0) Atomics.and(words, PENDING, ~edges);
    local.hvipLo = ((local.hvipLo & edges) | word) >>> 0;`,
          },
          ONE_WORD,
        ),
        verdicts: { 'two-edges': 'VIOLATED', 'ipi-after-round': 'PROVEN' },
      },
      {
        title: 'a load and a store',
        code: code(
          {
            flush: `
    const edges = local.guestWritableLo;
    const word = Atomics.load(words, PENDING);
    if ((word & edges) !== 0) Atomics.store(words, PENDING, word & ~edges);
    local.hvipLo = ((local.hvipLo & edges) | word) >>> 0;`,
          },
          ONE_WORD,
        ),
        verdicts: { 'two-edges': 'VIOLATED', 'line-and-ipi': 'VIOLATED' },
      },
      {
        title: 'the value that the “and” returns',
        code: code({}, ONE_WORD),
        verdicts: { 'two-edges': 'PROVEN', 'ipi-after-round': 'PROVEN', 'line-and-ipi': 'PROVEN' },
      },
    ],
  },
];
