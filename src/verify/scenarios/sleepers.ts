/** A vCPU with a thread of its own, which sleeps while the vCPU is blocked. */
import { type Scenario, scenario } from '../scenario.ts';
import { device, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

/** Shared, as they differ in their senders only. */
const sleepingVcpu = vcpu({ sleeps: 'alone' });

export const SLEEPERS: readonly Scenario[] = [
  scenario({
    name: 'sleeper',
    title: 'Two IPIs for a vCPU with a thread of its own',
    about:
      'The thread sleeps on the wake sequence while the vCPU is blocked; a kick at any moment of falling asleep must end that.',
    group: 'default',
    threads: [sleepingVcpu, sender({ count: 2 })],
  }),
  scenario({
    name: 'sleeper-two-senders',
    title: 'Two senders and a vCPU with a thread of its own',
    about: 'What one kick says late must not be taken for the next wake-up.',
    group: 'default',
    threads: [sleepingVcpu, sender({ name: 'S1' }), sender({ name: 'S2' })],
  }),
  scenario({
    name: 'sleeper-line',
    title: 'A device and a vCPU with a thread of its own',
    about: 'A line that rises must wake the thread, and one that has fallen again may leave it asleep.',
    group: 'default',
    threads: [vcpu({ sleeps: 'alone' }), device()],
  }),
  scenario({
    name: 'sleeper-limit',
    title: 'Two senders and a thread that sleeps for a limited time only',
    about: 'Its time may be over at any moment, also when a waker is at work; then one of the two wins.',
    group: 'default',
    threads: [vcpu({ sleeps: 'alone, with a limit' }), sender({ name: 'S1' }), sender({ name: 'S2' })],
  }),
];
