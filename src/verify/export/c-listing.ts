/** A counterexample as the C code of the protocol: each access as the statement that makes it, in order. */
import { RunState } from '../../interrupts/words.ts';
import { bitsAfter, findErasure, initialStates } from '../explain.ts';
import { placeIn, TRANSCRIPTIONS } from '../memory/transcription.ts';
import { Kind, touchesMemory } from '../operations.ts';
import { PROPERTIES } from '../property.ts';
import { loopPlaceOfStep, remarks, stepNumbers } from '../remarks.ts';
import type { ReplayedRun, ReplayStep } from '../replay.ts';
import type { WordInfo } from '../shared-memory.ts';
import type { Counterexample, VerifyResult } from '../verify.ts';
import { VCPU_NAME } from '../world/vcpu.ts';
import { interruptName } from '../world/word-names.ts';
import { TAIL } from './timeline.ts';

type FunctionName = 'set' | 'unset' | 'sync' | 'flush' | 'has';

/** The C code of a protocol: names of functions, and how it reaches shared words. */
interface CStyle {
  readonly source: string;
  readonly functions: Readonly<Record<FunctionName, string>>;
  /** The structure's fields. */
  readonly fields: { readonly pending: string; readonly mask: string; readonly lock: string };
  /** By name of an access of the loop: the barrier before, or behind it, that the protocol brings along or asks for. */
  readonly loopBarriers?: Readonly<Record<string, Barriers>>;
  /** The kick, which is the caller's. */
  readonly kick: string;
  /** Names that differ from those of the operations. */
  readonly macros?: Readonly<Record<string, string>>;
}

interface Barriers {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

const FIELDS = {
  pending: 'v->irqs_pending',
  mask: 'v->irqs_pending_mask',
  lock: 'v->irqs_pending_lock',
} as const;

const KVM: CStyle = {
  source: "KVM's arch/riscv/kvm/vcpu.c",
  functions: {
    set: 'kvm_riscv_vcpu_set_interrupt',
    unset: 'kvm_riscv_vcpu_unset_interrupt',
    sync: 'kvm_riscv_vcpu_sync_interrupts',
    flush: 'kvm_riscv_vcpu_flush_interrupts',
    has: 'kvm_riscv_vcpu_has_interrupts',
  },
  fields: FIELDS,
  kick: 'kvm_vcpu_kick',
};

const XEN: CStyle = {
  source: "Xen's xen/arch/riscv/domain.c",
  functions: {
    set: 'vcpu_set_interrupt',
    unset: 'vcpu_unset_interrupt',
    sync: 'vcpu_sync_interrupts',
    flush: 'vcpu_flush_interrupts',
    has: 'vcpu_has_interrupts',
  },
  fields: FIELDS,
  kick: 'vcpu_kick',
  macros: { READ_ONCE: 'ACCESS_ONCE' },
};

const HEADER: CStyle = {
  source: 'c/vcpu_irqs.h',
  functions: {
    set: 'vcpu_irqs_set',
    unset: 'vcpu_irqs_unset',
    sync: 'vcpu_irqs_sync',
    flush: 'vcpu_irqs_flush',
    has: 'vcpu_irqs_has',
  },
  fields: { ...FIELDS, pending: 'v->pending' },
  kick: 'the kick',
  loopBarriers: {
    'enter: WRITE_ONCE(exit_request)': { after: 'smp_mb' },
    'block: WRITE_ONCE(run_state)': { after: 'smp_mb' },
    'kick: WRITE_ONCE(exit_request)': { before: 'VCPU_IRQS_KICK_MB' },
  },
  macros: {
    READ_ONCE: 'VCPU_IRQS_LOAD',
    atomic_fetch_or_release: 'VCPU_IRQS_FETCH_OR_RELEASE',
    atomic_fetch_andnot_relaxed: 'VCPU_IRQS_FETCH_ANDNOT',
    atomic_fetch_andnot_acquire: 'VCPU_IRQS_FETCH_ANDNOT_ACQUIRE',
  },
};

const MAIL: CStyle = { ...XEN, source: 'a mail to xen-devel' };

/** The rest are Xen's. */
const STYLES: Readonly<Record<string, CStyle>> = {
  'take-mirror': HEADER,
  published: KVM,
  'kvm-spinlock': KVM,
  'minimal-patch': { ...KVM, source: `${KVM.source} with two functions changed` },
  'xen-minimal-patch': { ...XEN, source: `${XEN.source} with two functions changed` },
  xchg: MAIL,
  direct: { ...MAIL, fields: { ...FIELDS, pending: 'v->hvip' } },
};

/**
 * Writes the counterexample with the C code of its protocol.
 *
 * @returns the same heading as `explain`, and one line for each access
 */
export function exportC(result: VerifyResult, heading: readonly string[]): string {
  const { counterexample, protocol } = result;
  if (counterexample === undefined) return `${heading.join('\n')}\n`;
  const { property, length, irq } = counterexample;
  const style = STYLES[protocol] ?? XEN;
  const about = `/* ${property}: ${PROPERTIES[property]}; ${length} steps; ${interruptName(irq)}; ${style.source} */`;
  return `${[...heading, '', about, '', ...listing(counterexample, protocol, style)].join('\n')}\n`;
}

function listing(example: Counterexample, protocol: string, style: CStyle): string[] {
  const { steps, replay, loop, weak } = example;
  const [numbers, remarked] = [stepNumbers(example), remarks(example)];
  const { erases, undoes } = findErasure(example);
  const lines = startOf(example, style);
  let at = '';
  const enter = (thread: number, name: string) => {
    const place = `${replay.names[thread]}: ${name}`;
    if (place !== at) lines.push(place.replace(/: $/, ':'));
    at = place;
  };
  const note = (text: string) => lines.push(`            /* ${text} */`);
  for (const [index, step] of steps.entries()) {
    if (loop > 0 && index === steps.length - loop) lines.push('', 'from here on for ever:', '');
    if (weak !== undefined && weak.tail > 0 && index === steps.length - weak.tail) lines.push('', TAIL, '');
    const number = numbers[index];
    if (step.notes.length > 0) enter(step.thread, callerOf(index, example, style));
    for (const text of step.notes) note(text);
    if (number === undefined) continue;
    enter(step.thread, callerOf(index, example, style));
    const { before, after } = barriersOf(example, step, protocol, style);
    if (before !== undefined) lines.push(`            ${before}();`);
    const [statement, value] = statementOf(step, replay.world.memory.words, style);
    const shown = value === undefined ? '' : ` /* ${value} */`;
    lines.push(`${String(number).padStart(6)}      ${statement}${shown}`);
    if (after !== undefined) lines.push(`            ${after}();`);
    for (const remark of remarked[index]) note(remark);
    if (index !== erases) continue;
    const whose = undoes < 0 ? '' : `, which step ${numbers[undoes] ?? '?'} had set`;
    note(`erases ${interruptName(example.irq)}${whose}`);
  }
  for (const thread of replay.names.keys()) {
    for (const text of replay.notesOf(thread)) {
      enter(thread, '');
      note(text);
    }
  }
  return lines;
}

/** Where the counterexample begins, unless nothing has happened: words that are not zero, and the interrupt's bits. */
function startOf({ replay, irq }: Counterexample, style: CStyle): string[] {
  const { words, initial } = replay.world.memory;
  const contents = words.flatMap(({ name, shows }, address) =>
    shows === 'interrupts' && initial[address] !== 0
      ? [`${cWord(name, style)} == ${hex(initial[address])}`]
      : [],
  );
  const { cached, hvip } = bitsAfter(initial, initialStates(replay), replay, irq);
  if (contents.length === 0 && !cached && !hvip) return [];
  const name = interruptName(irq);
  const bits = `${name} is ${Number(cached)} in the cached hvip and ${Number(hvip)} in the register`;
  return [`/* At the start: ${[...contents, bits].join(', ')} */`, ''];
}

/** The barriers around a statement, but for the one that was taken away. */
function barriersOf(
  { weak, replay }: Counterexample,
  step: ReplayStep,
  protocol: string,
  { loopBarriers = {} }: CStyle,
): Barriers {
  const { within } = step.operation;
  const missing = weak?.missing?.at;
  const barrier = placeIn(TRANSCRIPTIONS[protocol], within)?.barrier;
  if (barrier !== undefined) return missing === `${within}: ${barrier}` ? {} : { before: barrier };
  const place = loopPlaceOfStep(step, replay);
  return place === undefined || place === missing ? {} : (loopBarriers[place] ?? {});
}

/** The function that a step is in, where it has a name. */
function callerOf(index: number, { steps, replay }: Counterexample, { functions, kick }: CStyle): string {
  const step = steps[index];
  if (step.weak?.isPromise) return 'a store takes effect ahead of its turn';
  const name = /^(\w+):/.exec(step.operation.within ?? '')?.[1];
  if (name !== undefined && name in functions) return `${functions[name as FunctionName]}()`;
  return isKick(index, steps, replay) ? kick.replace(/^\w+$/, '$&()') : '';
}

/** Others ask the vCPU to leave its guest, and then look at its run state; who waits for it looks at that as well. */
function isKick(index: number, steps: readonly ReplayStep[], replay: ReplayedRun): boolean {
  const step = steps[index];
  const place = loopPlaceOfStep(step, replay);
  if (replay.names[step.thread] === VCPU_NAME || place === undefined) return false;
  if (!place.startsWith('kick: READ')) return place.startsWith('kick: ');
  const before = steps.findLastIndex(({ thread }, at) => at < index && thread === step.thread);
  return before < 0 || loopPlaceOfStep(steps[before], replay)?.startsWith('kick: ') === true;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** The statement, and the value that it has read or `undefined` when it reads none. */
function statementOf(
  step: ReplayStep,
  words: readonly WordInfo[],
  style: CStyle,
): readonly [statement: string, value: string | undefined] {
  const { operation, before, result, weak, choice } = step;
  const { kind, address, a, within } = operation;
  if (!touchesMemory(kind)) return [`choice ${choice}`, undefined];
  const word = cWord(words[address].name, style);
  if (weak?.isPromise) return [`${word} = ${hex(result)};`, undefined];
  const name = /: (\w+)\(/.exec(within ?? '')?.[1];
  if (name === undefined) return plainStatement(step, words[address].name, word);
  const call = style.macros?.[name] ?? name;
  if (name.includes('spin_')) return [`${call}(&${word});`, undefined];
  if (/^_*(test_and_)?(set|clear)_bit$/.test(name)) {
    const bit = 31 - Math.clz32(name.includes('clear') ? ~a : bitsOfBit(operation.kind, a, before));
    const value = name.includes('test') ? String((before >>> bit) & 1) : undefined;
    const [, bitmap, index] = /^(.*)\[(\d)\]$/.exec(word) ?? [word, word, 0];
    return [`${call}(${32 * Number(index) + bit}, ${bitmap});`, value];
  }
  if (name.startsWith('atomic_')) {
    const bits = hex(name.includes('andnot') ? ~a : a);
    const operands = style === HEADER ? `&${word}, ${bits}` : `${bits}, &${word}`;
    return [`${call}(${operands});`, hex(before)];
  }
  if (call === 'store') return [`${word} = ${hex(a)};`, undefined];
  if (call === 'load') return [`... = ${word};`, hex(before)];
  if (kind === Kind.STORE) return [`${call}(${word}, ${hex(a)});`, undefined];
  if (kind === Kind.EXCHANGE) return [`${call}(&${word}, ${hex(a)});`, hex(before)];
  return [`${call}(${style === HEADER ? '&' : ''}${word});`, hex(before)];
}

/** The bit that an operation sets: the operand of an or, what a store under a lock adds. */
function bitsOfBit(kind: number, a: number, before: number): number {
  return kind === Kind.OR ? a : a & ~before || a;
}

function cWord(name: string, { fields }: CStyle): string {
  const match = /^irqs_pending(_mask)?(\[1\])?$/.exec(name);
  if (match === null) return name === 'irqs_pending_lock' ? fields.lock : name;
  return `${match[1] === undefined ? fields.pending : fields.mask}[${match[2] === undefined ? 0 : 1}]`;
}

/** Accesses of the loop and of devices, which are no part of the protocol's C code. */
function plainStatement(
  { before, result, operation: { kind, a, b } }: ReplayStep,
  name: string,
  word: string,
): readonly [string, string | undefined] {
  const show = (value: number): string =>
    name === 'run_state'
      ? (Object.entries(RunState).find(([, number]) => number === value)?.[0] ?? String(value))
      : String(value);
  switch (kind) {
    case Kind.STORE:
      return [`${word} = ${show(a)};`, undefined];
    case Kind.LOAD:
      return [`READ_ONCE(${word});`, show(result)];
    case Kind.COMPARE_EXCHANGE:
      return [`cmpxchg(&${word}, ${show(a)}, ${show(b)});`, show(before)];
    case Kind.EXCHANGE:
      return [`xchg(&${word}, ${show(a)});`, show(before)];
    case Kind.ADD:
    case Kind.SUB:
      return [`${word} ${kind === Kind.ADD ? '+=' : '-='} ${a};`, undefined];
    case Kind.OR:
      return [`${word} |= ${hex(a)};`, show(before)];
    case Kind.AWAIT_EQUAL:
    case Kind.AWAIT_DIFFERENT:
      return [`wait until ${word} ${kind === Kind.AWAIT_EQUAL ? '==' : '!='} ${show(a)};`, show(before)];
    case Kind.WAIT:
      return [`sleep while ${word} == ${show(a)};`, undefined];
    case Kind.ASLEEP:
      return [`wake up from ${word};`, undefined];
    case Kind.NOTIFY:
      return [`wake who sleeps on ${word};`, undefined];
    default:
      return [`${word} &= ${hex(a)};`, show(before)];
  }
}
