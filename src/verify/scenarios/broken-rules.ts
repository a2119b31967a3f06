/** The loop around the protocol breaks one of its rules, on purpose. */
import { type Scenario, scenario } from '../scenario.ts';
import { device, sender, sharingDevice } from '../world/producers.ts';
import { clock } from '../world/timer.ts';
import { vcpu } from '../world/vcpu.ts';

export const BROKEN_RULES: readonly Scenario[] = [
  scenario({
    name: 'late-sync',
    title: 'Rule broken: sync at entry, and the guest sends itself an IPI and sleeps',
    about:
      'Block looks at what the last sync left. The IPI is in HVIP only, nobody has read it, and the vCPU sleeps for ever.',
    group: 'rules',
    threads: [vcpu({ sync: 'entry', selfSends: 1 })],
  }),
  scenario({
    name: 'preemptible-flush',
    title: 'Rule broken: the vCPU is preempted between flush and the write of HVIP',
    about:
      'The flush has taken the IPI from the word, HVIP does not have it yet, and saving HVIP throws it away.',
    group: 'rules',
    threads: [vcpu({ migrates: 'inside flush' }), sender()],
  }),
  scenario({
    name: 'save-before-sync',
    title: 'Rule broken: HVIP is saved before sync has compared it',
    about:
      'Sync finds no difference any more. Protocols that compare keep believing that the interrupt is pending.',
    group: 'rules',
    threads: [vcpu({ migrates: 'before sync' }), sender({ count: 2 })],
  }),
  scenario({
    name: 'unset-without-kick',
    title: 'Rule broken: nobody kicks when a line falls',
    about: 'A guest that does not leave by itself keeps seeing the line high.',
    group: 'rules',
    threads: [vcpu({ idle: 'busy' }), device({ fall: 'never' })],
  }),
  scenario({
    name: 'unset-as-written',
    title: 'A line falls, and the protocol alone decides about the kick',
    about:
      'Passes with protocols whose unset asks for a kick when the level fell. The published ones leave it to the next exit.',
    group: 'rules',
    threads: [vcpu({ idle: 'busy' }), device({ fall: 'protocol' })],
  }),
  scenario({
    name: 'stored-timer',
    title: 'Rule broken: the timer callback sets VSTIP',
    about:
      'The callback has found the timer due, the guest programs another time, and the set comes after the unset: an interrupt before its time.',
    group: 'rules',
    threads: [vcpu({ timers: 2, timer: 'stored', reprograms: true }), clock()],
  }),
  scenario({
    name: 'stored-shared-line',
    title: 'Rule broken: two devices evaluate their line, and then set or unset it',
    about: 'What one of them evaluated is old when it says it, and stays.',
    group: 'rules',
    threads: [
      vcpu(),
      sharingDevice({ name: 'D1', index: 0, level: 'stored' }),
      sharingDevice({ name: 'D2', index: 1, level: 'stored' }),
    ],
  }),
];
