import { RunState } from '../interrupts/words.ts';
import { Kind, WaitResult } from './operations.ts';
import type { ReplayedRun, ReplayStep } from './replay.ts';
import type { WordInfo } from './shared-memory.ts';

/** An access as people read it. */
export interface StepText {
  /** For example `test_and_set_bit(mask)=0`. At most 24 characters for the protocols' own accesses. */
  readonly text: string;
  /** The function of the kernel, or of `Atomics`, that the access stands for. */
  readonly operation: string;
  /** Name of the word, empty for a choice. */
  readonly word: string;
  /** File and line of the access in the explored sources. */
  readonly source: string;
}

const C_NAMES: Readonly<Record<string, string>> = {
  setBit: 'set_bit',
  clearBit: 'clear_bit',
  testAndSetBit: 'test_and_set_bit',
  testAndClearBit: 'test_and_clear_bit',
  xchg: 'xchg',
  readOnce: 'READ_ONCE',
  writeOnce: 'WRITE_ONCE',
  setBitLocked: '__set_bit',
  clearBitLocked: '__clear_bit',
  testAndSetBitLocked: '__test_and_set_bit',
  spinLock: 'spin_lock',
  spinUnlock: 'spin_unlock',
};

/** Files with the kernel's operations, and no code of protocols. */
const HELPERS: readonly string[] = ['bitops.ts', 'c-operations.ts'];

const ATOMIC_NAMES: Readonly<Record<number, string>> = {
  [Kind.LOAD]: 'load',
  [Kind.STORE]: 'store',
  [Kind.OR]: 'fetch_or',
  [Kind.AND]: 'fetch_and',
  [Kind.XOR]: 'fetch_xor',
  [Kind.EXCHANGE]: 'xchg',
  [Kind.COMPARE_EXCHANGE]: 'cmpxchg',
  [Kind.ADD]: 'fetch_add',
  [Kind.SUB]: 'fetch_sub',
  [Kind.AWAIT_EQUAL]: 'wait',
  [Kind.AWAIT_DIFFERENT]: 'wait',
  [Kind.WAIT]: 'Atomics.wait',
  [Kind.ASLEEP]: 'Atomics.wait',
  [Kind.NOTIFY]: 'Atomics.notify',
};

const SHORT_WORDS: Readonly<Record<string, string>> = {
  irqs_pending: 'pend',
  irqs_pending_mask: 'mask',
  'irqs_pending[1]': 'pend[1]',
  'irqs_pending_mask[1]': 'mask[1]',
};

/** Describes a step of a replay. Bits of interrupt words are shown for `irq`. */
export function describeStep(step: ReplayStep, run: ReplayedRun, irq: number): StepText {
  const { kind, address } = step.operation;
  if (kind === Kind.CHOOSE) {
    return { text: `choice ${step.choice}`, operation: 'choose', word: '', source: '' };
  }
  const info = run.world.memory.words[address];
  const word = SHORT_WORDS[info.name] ?? info.name;
  const frames = step.place?.frames ?? [];
  const helper = frames.find(({ file }) => file === 'bitops.ts');
  const operation = cOperation(step) ?? C_NAMES[helper?.name ?? ''] ?? atomicName(step);
  const place = frames.find(({ file }) => !HELPERS.includes(file));
  const source = place === undefined ? '' : `${place.file}:${place.line}`;
  if (step.weak?.isPromise)
    return { text: effectText(info, word, step, irq), operation: 'effect', word: info.name, source };
  const text =
    info.shows === 'interrupts'
      ? interruptText(operation, word, step, irq, info)
      : operation.includes('spin_')
        ? lockText(operation, step)
        : plainText(info.name, step);
  return { text, operation, word: info.name, source };
}

/** An or with nothing is a way to load. */
function atomicName({ operation: { kind, a } }: ReplayStep): string {
  return ATOMIC_NAMES[kind === Kind.OR && a === 0 ? Kind.LOAD : kind];
}

/** `set: set_bit(pending)` is the place of a `set_bit`. */
function cOperation({ operation: { within } }: ReplayStep): string | undefined {
  return /: (\w+)\(/.exec(within ?? '')?.[1];
}

function effectText(info: WordInfo, word: string, { result }: ReplayStep, irq: number): string {
  const value = info.shows === 'interrupts' ? bitOf(result, irq, info) : result;
  return `${word} = ${value} takes effect`;
}

/** The bit of the interrupt; the whole word if it has none. */
function bitOf(value: number, irq: number, { firstIrq = 0 }: WordInfo): number {
  return irq >= firstIrq && irq < firstIrq + 32 ? (value >>> (irq & 31)) & 1 : value;
}

function interruptText(
  operation: string,
  word: string,
  { before, operation: { kind, a } }: ReplayStep,
  irq: number,
  info: WordInfo,
): string {
  const bit = (value: number) => bitOf(value, irq, info);
  if (operation.startsWith('__') || operation === 'set_bit' || operation === 'clear_bit')
    return `${operation}(${word})`;
  if (kind === Kind.STORE) return `${word} := ${bit(a)}`;
  if (kind === Kind.EXCHANGE) return `xchg(${word}, ${bit(a)})=${bit(before)}`;
  return `${operation}(${word})=${bit(before)}`;
}

function lockText(operation: string, { before, operation: { kind, a } }: ReplayStep): string {
  const waits = kind === Kind.COMPARE_EXCHANGE && before !== a;
  return waits ? `${operation} waits` : operation;
}

function plainText(name: string, { before, result, operation: { kind, a, b } }: ReplayStep): string {
  const show = (value: number) => (name === 'run_state' ? stateName(value) : String(value));
  switch (kind) {
    case Kind.STORE:
      return `${name} := ${show(a)}`;
    case Kind.COMPARE_EXCHANGE:
      return before === a ? `${name} := ${show(b)}` : `${name} is ${show(before)}`;
    case Kind.LOAD:
      return `${name} is ${show(before)}`;
    case Kind.OR:
      return a === 0 ? `${name} is ${show(before)}` : `fetch_or(${name}, ${a})=${before}`;
    case Kind.AWAIT_EQUAL:
    case Kind.AWAIT_DIFFERENT:
      return `sees ${name} = ${show(before)}`;
    case Kind.WAIT:
      return result === WaitResult.SLEEPS ? `sleeps on ${name}` : `${name} has moved`;
    case Kind.ASLEEP:
      return result === WaitResult.WOKEN ? 'is woken' : 'time is over';
    case Kind.NOTIFY:
      return `notify(${name})=${result}`;
    case Kind.ADD:
      return `${name} += ${a}`;
    case Kind.SUB:
      return `${name} -= ${a}`;
    default:
      return `${ATOMIC_NAMES[kind]}(${name}, ${a})=${before}`;
  }
}

function stateName(value: number): string {
  const name = Object.entries(RunState).find(([, number]) => number === value)?.[0] ?? String(value);
  return name === 'OUTSIDE_GUEST' ? 'OUTSIDE' : name;
}
