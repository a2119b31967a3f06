import { IRQ_VS_EXT } from '../interrupts/numbers.ts';
import { describeStep } from './describe.ts';
import { PROPERTIES } from './property.ts';
import { remarks, stepNumbers } from './remarks.ts';
import type { ReplayedRun, ReplayStep } from './replay.ts';
import type { WordInfo } from './shared-memory.ts';
import type { Counterexample, VerifyResult } from './verify.ts';
import { VCPU_NAME } from './world/vcpu.ts';
import { interruptName, isMessage } from './world/word-names.ts';
import { hasBit } from './world/world.ts';

/** Widths of the columns: number, vCPU, others, four values. Together at most 72, as mails want it. */
const WIDTH = { number: 2, left: 24, right: 24, value: 4 } as const;

/**
 * The four values after each step, for one interrupt; for a message, the first two are those of its file, and the
 * others are those of the external interrupt.
 */
export interface BitValues {
  readonly pending: boolean;
  readonly mask: boolean;
  /** The cached hvip. */
  readonly cached: boolean;
  /** The CSR, as the guest has it. */
  readonly hvip: boolean;
}

/** The words of the first two values: for an interrupt of the vCPU, and for a message. */
const SHARED_WORDS = [
  { of: 'irqs_pending', file: 'eip' },
  { of: 'irqs_pending_mask', file: 'eie' },
] as const;

function wordFor(irq: number, of: string, file: string): string {
  if (isMessage(irq)) return `${file}${(irq >> 5) - 2}`;
  return irq < 32 ? of : `${of}[1]`;
}

/** The values of one interrupt's bits after a step. */
export function bitsAfter(
  contents: readonly number[],
  states: readonly (string | undefined)[],
  run: ReplayedRun,
  irq: number,
): BitValues {
  const bitOf = (name: string) => {
    const address = run.world.memory.words.findIndex((word) => word.name === name);
    return ((contents[address] >>> (irq & 31)) & 1) !== 0;
  };
  const [pending, mask] = SHARED_WORDS.map(({ of, file }) => bitOf(wordFor(irq, of, file)));
  /** A message shows in the guest as the external interrupt. */
  const shown = isMessage(irq) ? IRQ_VS_EXT : irq;
  const text = states[run.names.indexOf(VCPU_NAME)];
  const state = (text === undefined ? {} : JSON.parse(text)) as {
    owner?: { local: { hvipLo: number; hvipHi: number } } | null;
    lo?: number;
    hi?: number;
  };
  return {
    pending,
    mask,
    cached: hasBit(shown, state.owner?.local.hvipLo ?? 0, state.owner?.local.hvipHi ?? 0),
    hvip: hasBit(shown, state.lo ?? 0, state.hi ?? 0),
  };
}

/**
 * Finds the step at which a lost interrupt disappears: the last one that clears its bit in a word, when it never shows
 * up in the guest afterwards.
 *
 * @returns indices into the steps: the one that erases, and the one whose write it undoes (-1 if none).
 */
export function findErasure({ steps, replay, irq, property }: Counterexample): {
  readonly erases: number;
  readonly undoes: number;
} {
  if (property !== 'P1' && property !== 'P6') return { erases: -1, undoes: -1 };
  const words = replay.world.memory.words;
  const holds = ({ operation: { address } }: ReplayStep) => address >= 0 && showsPending(words[address], irq);
  const bit = (value: number) => (value >>> (irq & 31)) & 1;
  const inGuest = steps.map(({ contents, states }) => bitsAfter(contents, states, replay, irq).hvip);
  const last = inGuest.lastIndexOf(true);
  const erases = steps.findLastIndex(
    (step, index) =>
      index >= last &&
      !(inGuest[index] && inGuest[index - 1] !== true) &&
      holds(step) &&
      bit(step.before) === 1 &&
      bit(step.after) === 0,
  );
  if (erases < 0) return { erases, undoes: -1 };
  const { thread, operation } = steps[erases];
  const undoes = steps.findLastIndex(
    (step, index) =>
      index < erases &&
      step.thread !== thread &&
      step.operation.address === operation.address &&
      bit(step.after) === 1 &&
      bit(step.operation.a) === 1,
  );
  return { erases, undoes };
}

/** Whether a word has a bit that says that the interrupt is pending. */
function showsPending({ name, shows, firstIrq = 0 }: WordInfo, irq: number): boolean {
  return shows === 'interrupts' && irq >> 5 === firstIrq >> 5 && !/mask|eie/.test(name);
}

/** The counterexample as a table of two columns, at most 72 characters wide, ready to paste into a mail. */
export function explain(result: VerifyResult): string {
  const { counterexample } = result;
  const head = headLines(result);
  if (counterexample === undefined) return `${head.join('\n')}\n`;
  const { property, length, schedule, irq } = counterexample;
  const about = `(${property}: ${PROPERTIES[property]}; ${length} steps; bits of ${interruptName(irq)})`;
  const tail = wrap(`schedule: ${schedule}`);
  return `${[...head, ...wrap(about), '', ...table(counterexample), '', ...tail].join('\n')}\n`;
}

/** The findings, in lines for a mail. */
export function headLines(result: VerifyResult): string[] {
  return [headline(result), result.reason, ...otherNumbers(result)].flatMap(wrap);
}

/** The bounds of a proof that is for the scenario's own number of senders. */
function otherNumbers({ scenario, everyNumber }: VerifyResult): string[] {
  switch (everyNumber?.verdict) {
    case 'VIOLATED':
      return [`But ${scenario}+${everyNumber.senders} is VIOLATED: ${everyNumber.reason}`];
    case 'NOT PROVEN':
      return [`For every number of senders: NOT PROVEN: ${everyNumber.reason}`];
    default:
      return [];
  }
}

function headline({ protocol, scenario, verdict, counterexample, everyNumber }: VerifyResult): string {
  const weak = counterexample?.weak;
  const missing = weak?.missing === undefined ? '' : ` without ${weak.missing.without} of ${weak.missing.at}`;
  return `${protocol}${missing} in ${scenario}${weak === undefined ? '' : ' under RVWMO'}: ${verdict}${everyNumber?.verdict === 'PROVEN' ? ' for every number of senders' : ''}`;
}

function table(example: Counterexample): string[] {
  const { replay, steps, irq, loop, weak } = example;
  const [numbers, remarked] = [stepNumbers(example), remarks(example)];
  const vcpuIndex = replay.names.indexOf(VCPU_NAME);
  const others = replay.names.filter((_, index) => index !== vcpuIndex);
  const { erases, undoes } = findErasure(example);
  const rows = [
    row('', VCPU_NAME, others.join(', '), [
      ...(isMessage(irq) ? ['eip', 'eie'] : ['pend', 'mask']),
      'hvip',
      'HVIP',
    ]),
    row(
      '',
      '(start)',
      '',
      values(bitsAfter(replay.world.memory.initial, initialStates(replay), replay, irq)),
    ),
  ];
  for (const [index, step] of steps.entries()) {
    const isVcpu = step.thread === vcpuIndex;
    const prefix = isVcpu || others.length < 2 ? '' : `${replay.names[step.thread]}: `;
    const add = (number: string, text: string, cells: readonly string[]) =>
      rows.push(row(number, isVcpu ? text : '', isVcpu ? '' : prefix + text, cells));
    if (loop > 0 && index === steps.length - loop) rows.push('--- from here on for ever:');
    if (weak !== undefined && weak.tail > 0 && index === steps.length - weak.tail) {
      rows.push('--- and then comes to what has taken effect:');
    }
    for (const note of step.notes) add('', `[${note}]`, []);
    const number = numbers[index];
    if (number === undefined) continue;
    const cells = values(bitsAfter(step.contents, step.states, replay, irq));
    add(String(number), describeStep(step, replay, irq).text, cells);
    for (const remark of remarked[index]) rows.push(`   ... ${remark}`);
    if (index === erases) {
      const what = undoes < 0 ? '' : `, which step ${numbers[undoes] ?? '?'} had set`;
      rows.push(`   ^^^ erases ${interruptName(irq)}${what}`);
    }
  }
  for (const thread of replay.names.keys()) {
    for (const note of replay.notesOf(thread)) {
      const text = `[${note}]`;
      rows.push(row('', thread === vcpuIndex ? text : '', thread === vcpuIndex ? '' : text, []));
    }
  }
  return rows;
}

/** By thread: the state in which it begins, as JSON. */
export function initialStates(run: ReplayedRun): (string | undefined)[] {
  return run.world.threads.map(({ initial }) => JSON.stringify(initial));
}

function values({ pending, mask, cached, hvip }: BitValues): string[] {
  return [pending, mask, cached, hvip].map((bit) => (bit ? '1' : '0'));
}

/** A line of the table; a text that is too long for its column goes on in lines below. */
function row(number: string, left: string, right: string, cells: readonly string[]): string {
  const line = [
    number.padStart(WIDTH.number),
    left.slice(0, WIDTH.left).padEnd(WIDTH.left),
    right.slice(0, WIDTH.right).padEnd(WIDTH.right),
    ...cells.map((cell) => cell.padStart(WIDTH.value)),
  ];
  const [restLeft, restRight] = [left.slice(WIDTH.left), right.slice(WIDTH.right)];
  const below = restLeft === '' && restRight === '' ? '' : `\n${row('', restLeft, restRight, [])}`;
  return line.join(' ').trimEnd() + below;
}

function wrap(text: string): string[] {
  const lines: string[] = [''];
  for (const word of text.split(/(?<=[ .])/)) {
    if ((lines[lines.length - 1] + word).trimEnd().length > 72) lines.push('');
    lines[lines.length - 1] += word;
  }
  return lines.map((line) => line.trimEnd());
}
