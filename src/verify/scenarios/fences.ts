/** Remote fences: a thread waits until the vCPU is outside its guest. */
import { type Scenario, scenario } from '../scenario.ts';
import { fencer } from '../world/fence.ts';
import { fencingVcpu } from '../world/mutual-fences.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export const FENCES: readonly Scenario[] = [
  scenario({
    name: 'remote-fence',
    title: 'A remote fence for a guest that enters, leaves and sleeps',
    about:
      'Another vCPU waits until this one is outside its guest. It sleeps on the exit count: an exit that it does not see must wake it.',
    group: 'default',
    threads: [vcpu({ pages: true }), fencer(), sender()],
  }),
  scenario({
    name: 'remote-fence-busy',
    title: 'Two remote fences for a guest that never leaves by itself',
    about: 'Both sleep on the exit count, and one exit is all that there is to wake them.',
    group: 'default',
    threads: [vcpu({ idle: 'busy', pages: true }), fencer({ name: 'F1' }), fencer({ name: 'F2' })],
  }),
  scenario({
    name: 'remote-fence-patience',
    title: 'A remote fence that looks again from time to time',
    about:
      'The time of a wait may be over at any moment; it must not be taken for an exit, and nothing may depend on it.',
    group: 'default',
    threads: [vcpu({ exits: true, pages: true }), fencer({ looksAgain: true })],
  }),
  scenario({
    name: 'remote-fence-migration',
    title: 'A remote fence for a vCPU that moves between pCPUs, and an IPI',
    about: 'The vCPU leaves one pCPU with the request and enters its guest on another one.',
    group: 'default',
    threads: [vcpu({ exits: true, migrates: 'after sync', pages: true }), fencer(), sender()],
  }),
  scenario({
    name: 'mutual-fences',
    title: 'Two vCPUs that make a remote fence for each other',
    about: 'Each waits until the other is outside its guest, at the same time.',
    group: 'default',
    threads: [fencingVcpu({ number: 0 }), fencingVcpu({ number: 1 })],
  }),
  scenario({
    name: 'remote-fence-once',
    title: 'A remote fence for a guest that never leaves by itself',
    about: 'As remote-fence-busy with one of its two threads: one exit has one sleeper to wake.',
    group: 'reduced',
    threads: [vcpu({ idle: 'busy', pages: true }), fencer()],
  }),
  scenario({
    name: 'remote-fence-second-look',
    title: 'A remote fence that looks again once, for a guest that never leaves by itself',
    about:
      'As remote-fence-patience, where the time of the first wait alone may be over, and all exits are asked for.',
    group: 'reduced',
    threads: [vcpu({ idle: 'busy', pages: true }), fencer({ looksAgain: 1 })],
  }),
  scenario({
    name: 'remote-fence-moves',
    title: 'A remote fence for a vCPU that moves between pCPUs and leaves its guest for nothing else',
    about: 'As remote-fence-migration without the IPI, where all exits are asked for.',
    group: 'reduced',
    threads: [vcpu({ idle: 'busy', migrates: 'after sync', pages: true }), fencer()],
  }),
];
