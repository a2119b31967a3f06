/** Compares what compiled code does to shared words with a transcription that the weak memory model explores. */
import { interruptNumbers } from '../../src/interrupts/numbers.ts';
import type { OwnerState } from '../../src/interrupts/protocol.ts';
import { IRQS_PENDING, type VcpuWords } from '../../src/interrupts/words.ts';
import { currentFunction, withAtomics } from '../../src/verify/atomics.ts';
import type { Ordering } from '../../src/verify/memory/orderings.ts';
import { READS, WRITES } from '../../src/verify/memory/program.ts';
import { orderingsOf, TRANSCRIPTIONS, transcribed } from '../../src/verify/memory/transcription.ts';
import { type Call, type Situation, situations } from '../../src/verify/memory/transcriptions/exercise.ts';
import { Kind, resultOf, valueAfter } from '../../src/verify/operations.ts';
import { type CompiledCode, type TraceItem, traceCall } from './riscv-code.ts';

/** Fields of `struct vcpu_irqs`, in words of 32 bits, when each is an array of this many. */
const FIELDS = ['pending', 'hvip', 'allowed', 'edges'] as const;
const AT = 0x2_0000;

/** The results of vcpu_irqs_set() and vcpu_irqs_unset(). */
const INVALID = 0xffff_ffff;
const KICK = 1;

/** The complaint about a kick without a barrier of the header's. */
export const NO_KICK_BARRIER = 'no full barrier is before the kick';

export type Meddler = (words: Int32Array, access: number) => void;

/** An access of the transcription, with its order in C. */
interface ModelAccess {
  readonly is: 'load' | 'or' | 'and';
  readonly word: number;
  readonly operand: number;
  readonly ordering: Ordering;
}

interface Outcome {
  readonly result: unknown;
  readonly hvip: readonly number[];
  readonly pending: readonly number[];
}

const KINDS: Partial<Record<Kind, ModelAccess['is']>> = {
  [Kind.LOAD]: 'load',
  [Kind.OR]: 'or',
  [Kind.AND]: 'and',
};

const take = TRANSCRIPTIONS['take-mirror'];
const model = transcribed(take);
const { accesses: orderings } = orderingsOf(take);

/** Situations that differ for this protocol, which has no mask. */
export function* situationsOf(wordCount: number): Generator<Situation> {
  for (const situation of situations()) {
    if (situation.words[IRQS_PENDING + 2] === 0 && situation.words[IRQS_PENDING + 3] === 0) {
      if (situation.local.wordCount === wordCount) yield situation;
    }
  }
}

function callModel(
  call: Call,
  from: Situation,
  meddle: Meddler,
): Outcome & { readonly accesses: readonly ModelAccess[] } {
  const words: VcpuWords = from.words.slice();
  const local: OwnerState = { ...from.local };
  const accesses: ModelAccess[] = [];
  const access = (kind: Kind, _array: unknown, at: number, a: number, b: number): number => {
    meddle(words, accesses.length);
    const [is, ordering] = [KINDS[kind], orderings[currentFunction() ?? '']];
    if (is === undefined || ordering === undefined) throw new Error(`an access of kind ${kind}`);
    accesses.push({ is, word: at - IRQS_PENDING, operand: is === 'load' ? 0 : a | 0, ordering });
    const old = words[at];
    words[at] = valueAfter(kind, old, a, b);
    return resultOf(kind, old, a);
  };
  const target = { access, wait: refuse, notify: refuse };
  const result = withAtomics(target, () => call.make(model, { ...from, words, local }));
  const { wordCount, hvipLo, hvipHi } = local;
  const all = [hvipLo | 0, hvipHi | 0].slice(0, wordCount);
  return {
    result,
    hvip: all,
    pending: [...words.subarray(IRQS_PENDING, IRQS_PENDING + wordCount)],
    accesses,
  };
}

function refuse(): never {
  throw new Error('the protocol sleeps');
}

/** The C function that a call of the exercise stands for. */
interface CFunctionCall {
  readonly name: string;
  readonly operands: readonly number[];
}

/** Finds the function and its operands by calling stand-ins. */
function functionOf(call: Call, from: Situation): CFunctionCall {
  let found: CFunctionCall | undefined;
  const note = (name: string, operands: readonly number[]): false => {
    found = { name, operands };
    return false;
  };
  call.make(
    {
      set: (_words, irq) => note('c_set', [irq]),
      unset: (_words, irq) => note('c_unset', [irq]),
      sync: (_words, _local, lo, hi) => void note('c_sync', [lo, hi]),
      flush: () => void note('c_flush', []),
      has: (_words, _local, lo, hi) => note('c_has', [lo, hi]),
    },
    from,
  );
  if (found === undefined) throw new Error(`${call.text} calls nothing`);
  return found;
}

function structOf({ words, local }: Situation): DataView {
  const { allowedLo, allowedHi } = interruptNumbers(
    local.wordCount === 1 ? { lcofi: true } : { lcofi: true, edges: [40] },
  );
  const fields: Record<(typeof FIELDS)[number], readonly number[]> = {
    pending: [words[IRQS_PENDING], words[IRQS_PENDING + 1]],
    hvip: [local.hvipLo, local.hvipHi],
    allowed: [allowedLo, allowedHi],
    edges: [local.guestWritableLo, local.guestWritableHi],
  };
  const count = local.wordCount;
  const data = new DataView(new ArrayBuffer(4 * FIELDS.length * count));
  for (const [field, name] of FIELDS.entries()) {
    for (let word = 0; word < count; word++)
      data.setInt32(4 * (field * count + word), fields[name][word], true);
  }
  return data;
}

function wordsIn(data: DataView, field: (typeof FIELDS)[number], count: number): number[] {
  const at = FIELDS.indexOf(field) * count;
  return Array.from({ length: count }, (_, word) => data.getInt32(4 * (at + word), true));
}

/** Calls the compiled function and the transcription. @returns in words, what of the two does not agree. */
export function compareCall(code: CompiledCode, call: Call, from: Situation, meddle: Meddler): string[] {
  const count = from.local.wordCount;
  const { name, operands } = functionOf(call, from);
  const data = structOf(from);
  const meddleData = (view: DataView, access: number): void => {
    const words = new Int32Array(view.buffer);
    const all = Int32Array.from({ length: 32 }, (_, at) => (at < count ? words[at] : 0));
    meddle(all, access);
    words.set(all.subarray(0, count));
  };
  const options = { name, operands: [AT, ...operands], data, dataAddress: AT, sharedBytes: 4 * count };
  const { result, trace } = traceCall(code, { ...options, meddle: meddleData });
  const isProducer = name === 'c_set' || name === 'c_unset';
  if (isProducer && result === INVALID) {
    return trace.length === 0 && operands[0] > 31 && count === 1 ? [] : [`${name} refuses ${operands}`];
  }
  const wanted = callModel(call, from, meddle);
  const isKick = isProducer && wanted.result === true;
  const faults = compareAccesses(trace, wanted.accesses);
  if (isKick && !isFull(trace.slice(trace.findLastIndex(({ is }) => is !== 'fence') + 1))) {
    faults.push(NO_KICK_BARRIER);
  }
  if (wanted.result !== undefined && (result === KICK) !== wanted.result) faults.push(`returns ${result}`);
  if (wordsIn(data, 'hvip', count).join() !== wanted.hvip.join()) faults.push('another hvip');
  if (wordsIn(data, 'pending', count).join() !== wanted.pending.join()) faults.push('other words');
  return faults;
}

/** Each access has to be the transcription's, in its order, with at least its ordering. */
function compareAccesses(trace: readonly TraceItem[], wanted: readonly ModelAccess[]): string[] {
  const faults: string[] = [];
  const places = trace.flatMap((item, at) => (item.is === 'fence' ? [] : [at]));
  if (places.length !== wanted.length) return [`${places.length} accesses instead of ${wanted.length}`];
  for (const [index, { is, word, operand, ordering }] of wanted.entries()) {
    const at = places[index];
    const item = trace[at];
    if (item.is === 'fence') continue;
    if (item.is !== is || item.address !== 4 * word || item.operand !== operand) {
      faults.push(`access ${index} is ${item.is} ${item.operand} at ${item.address}`);
    }
    const before = trace.slice(index === 0 ? 0 : places[index - 1] + 1, at);
    const behind = trace.slice(at + 1, places[index + 1]);
    const all = READS | WRITES;
    if (ordering.order.release && !item.release && !hasFence(before, all, WRITES)) {
      faults.push(`access ${index} (${is}) does not release`);
    }
    if (ordering.order.acquire && !item.acquire && !hasFence(behind, READS, all)) {
      faults.push(`access ${index} (${is}) does not acquire`);
    }
    for (const [fences, side] of [
      [ordering.before, before],
      [ordering.after, behind],
    ] as const) {
      for (const fence of fences) {
        if (!hasFence(side, fence.before, fence.after)) faults.push(`access ${index} (${is}) has no fence`);
      }
    }
  }
  return faults;
}

/** The bits of a set in a fence instruction. */
const R = 2;
const W = 1;

function bitsOf(set: number): number {
  return (set & READS ? R : 0) | (set & WRITES ? W : 0);
}

function hasFence(items: readonly TraceItem[], before: number, after: number): boolean {
  return items.some(
    (item) =>
      item.is === 'fence' &&
      (item.before & bitsOf(before)) === bitsOf(before) &&
      (item.after & bitsOf(after)) === bitsOf(after),
  );
}

function isFull(items: readonly TraceItem[]): boolean {
  return hasFence(items, READS | WRITES, READS | WRITES);
}
