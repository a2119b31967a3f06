import { RunState } from '../../src/interrupts/words.ts';
import type { JsonStep } from '../../src/verify/report-json.ts';
import type { Finding } from '../checker/questions.ts';

/** How an access reaches a word. */
export type Access = 'reads' | 'writes' | 'reads and writes' | 'chooses';

/** A word as it is after a step. */
export interface WordValue {
  readonly name: string;
  readonly value: string;
  /** Written in this step. */
  readonly isNew: boolean;
}

/** One step of a counterexample, made ready for people; the first one is the state before any step. */
export interface Frame {
  /** From 1; 0 for the beginning. */
  readonly number: number;
  readonly thread: string;
  readonly text: string;
  readonly access: Access;
  /** Name of the word, as the values have it; empty for a choice. */
  readonly word: string;
  readonly notes: readonly string[];
  readonly remarks: readonly string[];
  /** `file:line`; empty where there is none. */
  readonly source: string;
  readonly values: readonly WordValue[];
  /** The effect of this step on the interrupt, if it is the one that erases it. */
  readonly verdict: string;
  /** Here begins what repeats for ever. */
  readonly loops: boolean;
}

/** Words of the vCPU alone: its cached copy of the register, and the register as the guest has it. */
const OWN_WORDS = { cached: 'cached hvip', hvip: 'HVIP' } as const;
const PENDING = 'irqs_pending';
const MASK = 'irqs_pending_mask';

/** The frames of a finding that has a counterexample; none otherwise. */
export function framesOf({ counterexample, protocol }: Finding): readonly Frame[] {
  if (counterexample === undefined) return [];
  const { steps, erases, undoes, loop, irq } = counterexample;
  const shown = steps.map((step, index) => ({ step, index })).filter(({ step }) => !step.quiet);
  const words = wordsOf(shown.map(({ step }) => step));
  const numberOf = (index: number) => shown.findIndex((each) => each.index === index) + 1;
  // Of each thread, since its last step that is shown.
  const notes = new Map<string, readonly string[]>();
  let before = valuesAtFirst(
    shown.map(({ step }) => step),
    words,
    irq,
  );
  const frames: Frame[] = [
    {
      ...{ number: 0, thread: '', text: `${protocol} before the first step`, access: 'chooses', word: '' },
      ...{ notes: [], remarks: [], source: '', verdict: '', loops: false },
      values: words.map((name) => ({ name, value: before.get(name) ?? '', isNew: false })),
    },
  ];
  for (const [index, step] of steps.entries()) {
    const its = [...(notes.get(step.thread) ?? []), ...step.notes];
    notes.set(step.thread, step.quiet ? its : []);
    if (step.quiet) continue;
    const after = valuesAfter(before, step, irq);
    const undone = undoes < 0 ? '' : `, which step ${numberOf(undoes)} had set`;
    frames.push({
      ...{
        number: frames.length,
        thread: step.thread,
        text: step.text,
        access: accessOf(step),
        word: step.word,
      },
      ...{ notes: its, remarks: step.remarks, source: step.source },
      values: words.map((name) => ({
        name,
        value: after.get(name) ?? '',
        isNew: after.get(name) !== before.get(name),
      })),
      verdict: index === erases ? `This step erases the interrupt${undone}.` : '',
      loops: loop > 0 && index === steps.length - loop,
    });
    before = after;
  }
  return frames;
}

/** The names of words that are shown: those of the interrupt, and those that a step reaches. */
function wordsOf(steps: readonly JsonStep[]): readonly string[] {
  const reached = new Set(steps.map(({ word }) => word).filter((word) => word !== ''));
  const first = [PENDING, MASK].filter((word) => reached.has(word));
  return [
    ...first,
    OWN_WORDS.cached,
    OWN_WORDS.hvip,
    ...[...reached].filter((word) => !first.includes(word)),
  ];
}

function valuesAtFirst(
  steps: readonly JsonStep[],
  words: readonly string[],
  irq: number,
): Map<string, string> {
  const values = new Map<string, string>();
  for (const word of words) {
    const step = steps.find((each) => each.word === word);
    if (step !== undefined) values.set(word, valueText(step, step.before, irq));
  }
  const [first] = steps;
  // They change by the vCPU's own doing alone, which is between its steps.
  if (first !== undefined) setBits(values, first.bits, false);
  return values;
}

function valuesAfter(before: ReadonlyMap<string, string>, step: JsonStep, irq: number): Map<string, string> {
  const values = new Map(before);
  if (step.word !== '') values.set(step.word, valueText(step, step.after, irq));
  setBits(values, step.bits, true);
  return values;
}

function setBits(values: Map<string, string>, bits: JsonStep['bits'], all: boolean): void {
  values.set(OWN_WORDS.cached, bits.cached ? '1' : '0');
  values.set(OWN_WORDS.hvip, bits.hvip ? '1' : '0');
  if (!all) return;
  if (values.has(PENDING)) values.set(PENDING, bits.pending ? '1' : '0');
  if (values.has(MASK)) values.set(MASK, bits.mask ? '1' : '0');
}

/** The bit of the interrupt, where the word has one for each; a state by its name. */
function valueText({ word }: JsonStep, value: number, irq: number): string {
  if (word === 'run_state')
    return Object.entries(RunState).find(([, state]) => state === value)?.[0] ?? String(value);
  if (word === PENDING || word === MASK) return String((value >>> (irq & 31)) & 1);
  return String(value);
}

function accessOf({ operation, before, after }: JsonStep): Access {
  if (operation === 'choose') return 'chooses';
  if (/^(load|READ_ONCE|wait|Atomics\.wait)$/.test(operation)) return 'reads';
  if (/^(store|WRITE_ONCE|set_bit|clear_bit|__set_bit|__clear_bit|spin_unlock)$/.test(operation))
    return 'writes';
  if (/^cmpxchg$/.test(operation) && before === after) return 'reads';
  return 'reads and writes';
}

/** A step in one sentence, for those who cannot see it. */
export function sentenceOf(frame: Frame, total: number): string {
  if (frame.number === 0) return `Beginning of ${total} steps: ${valuesText(frame)}.`;
  const where = frame.source === '' ? '' : `, at ${frame.source}`;
  const word = frame.word === '' ? '' : ` ${frame.access} ${frame.word}`;
  const changes = valuesText({ values: frame.values.filter(({ isNew }) => isNew) });
  const parts = [
    ...frame.notes.map((note) => `${note}.`),
    `Step ${frame.number} of ${total}: ${frame.thread}${word}: ${frame.text}${where}.`,
    changes === '' ? '' : `Then ${changes}.`,
    frame.verdict,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function valuesText({ values }: Pick<Frame, 'values'>): string {
  if (values.length === 0) return '';
  return values.map(({ name, value }) => `${name} is ${value}`).join(', ');
}
