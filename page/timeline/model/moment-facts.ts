import type { MomentStep } from '../../../src/trace/moments.ts';

/** Kinds of moments that people tell apart, switch on and off, and that have a mark and a color of their own. */
export const GROUPS = ['set', 'kick', 'exit', 'flush', 'take', 'claim', 'sleep', 'fault'] as const;

export type Group = (typeof GROUPS)[number];

/** Of each step. A stay is counted as the exit that ends it. */
const GROUP_OF: Readonly<Record<MomentStep, Group>> = {
  ...{ stay: 'exit', set: 'set', kick: 'kick', raise: 'set', inject: 'flush', take: 'take', claim: 'claim' },
  ...{ spurious: 'fault', lost: 'fault', gap: 'fault' },
  ...{ sleep: 'sleep', awake: 'sleep', wake: 'sleep', yield: 'sleep', stop: 'sleep', load: 'sleep' },
};

/** In the words of the legend. */
export const GROUP_TITLES: Readonly<Record<Group, string>> = {
  set: 'set, raise',
  kick: 'kick',
  exit: 'exit, sync',
  flush: 'flush delivers',
  take: 'handler entered',
  claim: 'claim',
  sleep: 'sleep, wake',
  fault: 'lost, spurious',
};

export function groupOf(step: MomentStep): number {
  return GROUPS.indexOf(GROUP_OF[step]);
}

/** States of a vCPU between two moments. */
export const STATES = ['unknown', 'guest', 'hypervisor', 'WFI', 'runnable', 'stopped'] as const;

/** Numbers of {@link STATES}. */
export const STATE = { unknown: 0, guest: 1, hypervisor: 2, wfi: 3, runnable: 4, stopped: 5 } as const;
