import type { BitValues } from '../explain.ts';
import type { JsonCounterexample, JsonResult } from '../report-json.ts';
import { interruptName, isMessage } from '../world/word-names.ts';

/** One line of a picture of a counterexample. */
export type TimelineRow =
  | {
      readonly kind: 'note';
      readonly lane: number;
      readonly text: string;
      /** About the step above: what weak memory has to do with it. */
      readonly isRemark?: boolean;
    }
  | {
      readonly kind: 'step';
      readonly lane: number;
      /** From 1, as `explain` counts. */
      readonly number: number;
      readonly text: string;
      /** File and line in the explored sources. */
      readonly source: string;
      readonly bits: BitValues;
      /** The one of the {@link BITS} that the access reaches. */
      readonly touches: keyof BitValues | undefined;
      readonly erases: boolean;
      /** Number of the step whose write is erased. */
      readonly undoes: number | undefined;
    }
  | { readonly kind: 'loop' }
  /** From here on: a thread comes to a store that has taken effect before. */
  | { readonly kind: 'tail' };

/** The parts of a picture of a counterexample. */
export interface Timeline {
  readonly protocol: string;
  readonly scenario: string;
  /** Under RVWMO: the order of the C code that was taken away, undefined with all of them. */
  readonly missing: string | undefined;
  readonly isWeak: boolean;
  readonly verdict: string;
  readonly reason: string;
  readonly schedule: string;
  readonly steps: number;
  /** Name of the interrupt whose bits are shown. */
  readonly interrupt: string;
  /** It is a message, with its bits in an interrupt file. */
  readonly isMessage: boolean;
  readonly lanes: readonly string[];
  /** Those of the four bits that matter here. */
  readonly shown: readonly (keyof BitValues)[];
  /** Before the first step, as far as it can be told. */
  readonly initial: BitValues;
  readonly rows: readonly TimelineRow[];
}

/** The bits of one interrupt, in the order in which an interrupt passes through them. */
const BITS = ['pending', 'mask', 'cached', 'hvip'] as const;

/** Says what the rows are that follow. */
export const TAIL = 'and then comes to what has taken effect:';

const WORD_OF: Readonly<Record<string, keyof BitValues>> = {
  irqs_pending: 'pending',
  'irqs_pending[1]': 'pending',
  irqs_pending_mask: 'mask',
  'irqs_pending_mask[1]': 'mask',
};

function wordOf(word: string, irq: number): keyof BitValues | undefined {
  if (!isMessage(irq)) return WORD_OF[word];
  return word === `eip${(irq >> 5) - 2}` ? 'pending' : word === `eie${(irq >> 5) - 2}` ? 'mask' : undefined;
}

/**
 * Arranges a counterexample for pictures.
 *
 * @throws RangeError for a result without a counterexample.
 */
export function timelineOf(result: JsonResult): Timeline {
  const { counterexample: example, protocol, scenario, verdict, reason } = result;
  if (example === undefined) throw new RangeError(`${protocol} in ${scenario} has no counterexample`);
  const lanes = [...new Set(['vCPU', ...example.steps.map(({ thread }) => thread)])];
  const rows = rowsOf(example, lanes);
  const touched = new Set(rows.map((row) => (row.kind === 'step' ? row.touches : undefined)));
  const rises = (bit: keyof BitValues) => example.steps.some(({ bits }) => bits[bit]);
  return {
    protocol,
    scenario,
    missing: missingOf(example),
    isWeak: example.weak !== undefined,
    verdict,
    reason,
    schedule: example.schedule,
    steps: example.length,
    interrupt: interruptName(example.irq),
    isMessage: isMessage(example.irq),
    lanes,
    shown: BITS.filter((bit) => bit !== 'mask' || touched.has(bit) || rises(bit)),
    initial: initialBits(example),
    rows,
  };
}

function missingOf({ weak }: JsonCounterexample): string | undefined {
  const missing = weak?.missing;
  return missing ? `${missing.without} of ${missing.at}` : undefined;
}

function rowsOf(example: JsonCounterexample, lanes: readonly string[]): TimelineRow[] {
  const rows: TimelineRow[] = [];
  const numbers = new Map<number, number>();
  for (const [index, step] of example.steps.entries()) {
    const lane = lanes.indexOf(step.thread);
    if (example.loop > 0 && index === example.steps.length - example.loop) rows.push({ kind: 'loop' });
    const tail = example.weak?.tail ?? 0;
    if (tail > 0 && index === example.steps.length - tail) rows.push({ kind: 'tail' });
    for (const text of step.notes) rows.push({ kind: 'note', lane, text });
    if (step.quiet) continue;
    numbers.set(index, numbers.size + 1);
    const erases = index === example.erases;
    rows.push({
      kind: 'step',
      lane,
      number: numbers.size,
      text: step.text,
      source: step.source,
      bits: step.bits,
      touches: wordOf(step.word, example.irq),
      erases,
      undoes: erases ? numbers.get(example.undoes) : undefined,
    });
    for (const text of step.remarks) rows.push({ kind: 'note', lane, text, isRemark: true });
  }
  return rows;
}

/** The words before their first access are what that access found; the vCPU's own two change with its steps only. */
function initialBits({ steps, irq }: JsonCounterexample): BitValues {
  const found = (bit: 'pending' | 'mask'): boolean => {
    const first = steps.find(({ word }) => wordOf(word, irq) === bit);
    if (first === undefined) return steps[0]?.bits[bit] ?? false;
    return ((first.before >>> (irq & 31)) & 1) !== 0;
  };
  const { cached = false, hvip = false } = steps[0]?.bits ?? {};
  return { pending: found('pending'), mask: found('mask'), cached, hvip };
}

/** The title of a picture, in one line. */
export function headingOf({ protocol, scenario, missing, isWeak }: Timeline): string {
  const without = missing === undefined ? '' : ` without ${missing}`;
  return `${protocol}${without} in ${scenario}${isWeak ? ' under RVWMO' : ''}`;
}

/** The options of `explain` that show the same. */
export function optionsOf({ missing, isWeak }: Timeline): string {
  if (missing === undefined) return isWeak ? ' --memory rvwmo' : '';
  const [without, ...place] = missing.split(' of ');
  return ` --without '${place.join(' of ')} ${without}'`;
}
