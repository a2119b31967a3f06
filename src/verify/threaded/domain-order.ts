/** From a counterexample to the order of accesses that makes it happen in a running domain. */
import { InputError } from '../../errors/input-error.ts';
import { findErasure } from '../explain.ts';
import type { ReplayStep } from '../replay.ts';
import { type Counterexample, verify } from '../verify.ts';
import { VCPU_NAME } from '../world/vcpu.ts';
import { findPair, type ReplayRequest } from './plan.ts';

/**
 * The order, one letter for each access, in which the vCPU's `sync` (V) and a producer's `set` (S) lose an interrupt.
 *
 * @throws InputError when the protocol has no counterexample there, or loses nothing between `sync` and `set`.
 */
export async function findDomainOrder(request: ReplayRequest): Promise<string> {
  const { protocol, scenario } = await findPair(request);
  const { counterexample, verdict, reason } = verify(protocol, scenario);
  if (counterexample === undefined) {
    throw new InputError(
      `${protocol.name} has no counterexample in ${scenario.name} (${verdict}: ${reason}), so there is no schedule to force.`,
    );
  }
  const order = orderOf(counterexample);
  if (/VS.*V|SV/.test(order)) return order;
  throw new InputError(
    `The counterexample of ${protocol.name} in ${scenario.name} does not lose an interrupt between sync and set, ` +
      'and only that can be forced in a domain. published/ipi-after-round is one that can.',
  );
}

function orderOf(example: Counterexample): string {
  const { erases } = findErasure(example);
  const vcpu = example.replay.names.indexOf(VCPU_NAME);
  const at = erases < 0 ? example.steps.findLastIndex((step) => within(step, 'sync')) : erases;
  const [from, to] = callAround(example.steps, at, 'sync');
  const other = example.steps.findLast(
    (step, index) => step.thread !== vcpu && index < to && within(step, 'set'),
  );
  if (from < 0 || other === undefined) return '';
  const [otherFrom, otherTo] = callAround(example.steps, example.steps.indexOf(other), 'set');
  const part = example.steps.filter(
    (step, index) =>
      (step.thread === vcpu && within(step, 'sync') && index >= from && index <= to) ||
      (step.thread === other.thread && within(step, 'set') && index >= otherFrom && index <= otherTo),
  );
  return part.map(({ thread }) => (thread === vcpu ? 'V' : 'S')).join('');
}

function within({ place }: ReplayStep, name: string): boolean {
  return (place?.frames ?? []).some((frame) => frame.name === name);
}

/** First and last step of the call that a step belongs to. */
function callAround(steps: readonly ReplayStep[], at: number, name: string): readonly [number, number] {
  const { thread } = steps[at] ?? { thread: -1 };
  const own = steps.flatMap((step, index) => (step.thread === thread ? [index] : []));
  const place = own.indexOf(at);
  if (place < 0 || !within(steps[at], name)) return [-1, -1];
  let [first, last] = [place, place];
  while (first > 0 && within(steps[own[first - 1]], name)) first--;
  while (last + 1 < own.length && within(steps[own[last + 1]], name)) last++;
  return [own[first], own[last]];
}
