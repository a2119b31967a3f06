import type { BitValues } from '../explain.ts';
import type { JsonCounterexample, JsonResult } from '../report-json.ts';
import { interruptName } from '../world/word-names.ts';

/** One line of a picture of a counterexample. */
export type TimelineRow =
  | { readonly kind: 'note'; readonly lane: number; readonly text: string }
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
  | { readonly kind: 'loop' };

/** What a picture of a counterexample is made of. */
export interface Timeline {
  readonly protocol: string;
  readonly scenario: string;
  readonly verdict: string;
  readonly reason: string;
  readonly schedule: string;
  readonly steps: number;
  /** Name of the interrupt whose bits are shown. */
  readonly interrupt: string;
  readonly lanes: readonly string[];
  /** Those of the four bits that matter here. */
  readonly shown: readonly (keyof BitValues)[];
  /** Before the first step, as far as it can be told. */
  readonly initial: BitValues;
  readonly rows: readonly TimelineRow[];
}

/** The bits of one interrupt, in the order in which an interrupt passes through them. */
export const BITS = ['pending', 'mask', 'cached', 'hvip'] as const;

const WORD_OF: Readonly<Record<string, keyof BitValues>> = {
  irqs_pending: 'pending',
  'irqs_pending[1]': 'pending',
  irqs_pending_mask: 'mask',
  'irqs_pending_mask[1]': 'mask',
};

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
    verdict,
    reason,
    schedule: example.schedule,
    steps: example.length,
    interrupt: interruptName(example.irq),
    lanes,
    shown: BITS.filter((bit) => bit !== 'mask' || touched.has(bit) || rises(bit)),
    initial: initialBits(example),
    rows,
  };
}

function rowsOf(example: JsonCounterexample, lanes: readonly string[]): TimelineRow[] {
  const rows: TimelineRow[] = [];
  const numbers = new Map<number, number>();
  for (const [index, step] of example.steps.entries()) {
    const lane = lanes.indexOf(step.thread);
    if (example.loop > 0 && index === example.steps.length - example.loop) rows.push({ kind: 'loop' });
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
      touches: WORD_OF[step.word],
      erases,
      undoes: erases ? numbers.get(example.undoes) : undefined,
    });
  }
  return rows;
}

/** The words before their first access are what that access found; the vCPU's own two change with its steps only. */
function initialBits({ steps, irq }: JsonCounterexample): BitValues {
  const found = (bit: 'pending' | 'mask'): boolean => {
    const first = steps.find(({ word }) => WORD_OF[word] === bit);
    if (first === undefined) return steps[0]?.bits[bit] ?? false;
    return ((first.before >>> (irq & 31)) & 1) !== 0;
  };
  const { cached = false, hvip = false } = steps[0]?.bits ?? {};
  return { pending: found('pending'), mask: found('mask'), cached, hvip };
}
