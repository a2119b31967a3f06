/** A vCPU that moves between pCPUs, and requests to it. */
import { type Scenario, scenario } from '../scenario.ts';
import { pcpu } from '../world/pcpu.ts';
import { requester, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export const PCPUS: readonly Scenario[] = [
  scenario({
    name: 'migration',
    title: 'Two IPIs to a vCPU that is preempted and moves between pCPUs',
    about: 'The vCPU is saved after sync, at any round, and loaded on another pCPU.',
    group: 'default',
    threads: [vcpu({ exits: true, migrates: 'after sync' }), sender({ count: 2 })],
  }),
  scenario({
    name: 'requests',
    title: 'Two requests and an IPI',
    about:
      'Work that the vCPU must do before it runs its guest again comes while it enters, runs, leaves or falls asleep, together with an interrupt.',
    group: 'default',
    threads: [vcpu(), requester({ count: 2 }), sender()],
  }),
  scenario({
    name: 'two-pcpus',
    title: 'Two pCPUs serve one run queue, and two senders wake the vCPU',
    about:
      'One pCPU gets the vCPU, however many kick. One that takes its block back may find that another has run the vCPU and put it to sleep meanwhile.',
    group: 'default',
    threads: [pcpu(0), pcpu(1), sender({ name: 'S1' }), sender({ name: 'S2' })],
  }),
  scenario({
    name: 'three-pcpus',
    title: 'Three pCPUs serve one run queue, and two senders wake the vCPU',
    about: 'As two-pcpus, with one that finds the vCPU gone and come again.',
    group: 'deep',
    threads: [pcpu(0), pcpu(1), pcpu(2), sender({ name: 'S1' }), sender({ name: 'S2' })],
  }),
];
