import { loopPlaceOf } from './memory/loop-orderings.ts';
import type { Kind } from './operations.ts';
import type { ReplayedRun, ReplayStep } from './replay.ts';
import type { Counterexample } from './verify.ts';

/** Numbers of the steps that reports show, from 1; none for quiet ones. */
export function stepNumbers({
  steps,
  quiet,
}: Pick<Counterexample, 'steps' | 'quiet'>): readonly (number | undefined)[] {
  let last = 0;
  return steps.map((_, index) => (quiet.has(index) ? undefined : ++last));
}

/** By step: what weak memory, or the lack of an order, has to do with it. */
export function remarks(example: Counterexample): readonly (readonly string[])[] {
  const { steps } = example;
  const numbers = stepNumbers(example);
  const name = (indices: readonly number[]) => {
    const shown = indices.flatMap((index) => numbers[index] ?? []);
    return `${shown.length === 1 ? 'step' : 'steps'} ${shown.join(', ')}`;
  };
  return steps.map((step, index) => {
    const { weak } = step;
    if (weak === undefined) return [];
    const keeper = weak.isPromise ? steps.findIndex((other) => other.weak?.since === index) : -1;
    return [
      ...(keeper < 0 ? [] : [`${name([keeper])}, ahead of its turn`]),
      ...(weak.since < 0 ? [] : [`in effect since ${name([weak.since])}`]),
      ...(weak.unseen.length === 0 ? [] : [`does not see ${name(weak.unseen)}`]),
      ...missingRemark(step, example),
    ];
  });
}

function missingRemark(step: ReplayStep, { weak, replay }: Counterexample): string[] {
  const missing = weak?.missing;
  const place = step.operation.within ?? loopPlaceOfStep(step, replay);
  if (missing === undefined || place === undefined) return [];
  // A barrier's name begins with the place that it stands at.
  const isHere = missing.at === place || missing.at.startsWith(`${place}: `);
  return isHere ? [`without ${missing.without}`] : [];
}

/** The name of the access of the loop that a step is; undefined for others. */
export function loopPlaceOfStep(
  { thread, operation: { kind, address, a, within }, weak }: ReplayStep,
  { names, world }: ReplayedRun,
): string | undefined {
  if (address < 0 || weak?.isPromise) return undefined;
  const word = world.memory.words[address].name;
  return loopPlaceOf({ thread: names[thread], word, kind: kind as Kind, operand: a, within });
}
