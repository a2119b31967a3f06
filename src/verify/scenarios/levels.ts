/** Levels: device lines and timers, and levels beside edges. */
import { type Scenario, scenario } from '../scenario.ts';
import { device, sender, sharingDevice } from '../world/producers.ts';
import { clock } from '../world/timer.ts';
import { vcpu } from '../world/vcpu.ts';

export const LEVELS: readonly Scenario[] = [
  scenario({
    name: 'timer',
    title: 'A timer that the guest may program anew before it is due',
    about:
      'The callback may come when the guest has asked for another time already. The level follows the deadline, so a late callback is only a kick.',
    group: 'default',
    threads: [vcpu({ timers: 2, reprograms: true }), clock()],
  }),
  scenario({
    name: 'timer-and-ipi',
    title: 'A periodic timer and an IPI',
    about: 'A level that the guest lowers by an SBI call, beside an edge that it clears itself.',
    group: 'default',
    mustRest: false,
    threads: [vcpu({ timers: 'forever' }), clock(), sender()],
  }),
  scenario({
    name: 'line',
    title: 'A device raises and lowers its line, twice',
    about: 'A level is whatever the device said last, also when the vCPU looked at neither.',
    group: 'default',
    threads: [vcpu(), device({ script: '+-+-' })],
  }),
  scenario({
    name: 'line-busy',
    title: 'A device line and a guest that never leaves by itself',
    about:
      'The guest must see the line fall, which takes a kick: here the caller gives one if the protocol does not.',
    group: 'default',
    threads: [vcpu({ idle: 'busy' }), device({ script: '+-+' })],
  }),
  scenario({
    name: 'line-acknowledged',
    title: 'A device that lowers its line when the guest has answered, without end',
    about: 'Raise, handler, acknowledgement, lower, any number of times.',
    group: 'default',
    mustRest: false,
    threads: [vcpu({ acknowledges: true }), device({ acknowledged: true })],
  }),
  scenario({
    name: 'line-and-ipi',
    title: 'A device line that ends high, and an IPI',
    about:
      'An edge and a level in the same word, flushed and written by different threads. The IPI needs its kick although the word is not empty.',
    group: 'default',
    threads: [vcpu(), device({ script: '+-+' }), sender()],
  }),
  scenario({
    name: 'shared-line',
    title: 'Two devices on one line',
    about:
      'The line is high while either asks. The level is computed from both, so the order in which they tell does not matter.',
    group: 'default',
    threads: [vcpu(), sharingDevice({ name: 'D1', index: 0 }), sharingDevice({ name: 'D2', index: 1 })],
  }),
  scenario({
    name: 'second-word',
    title: 'A level above 31 and an IPI',
    about:
      'RV32 has interrupts 32-63 in hviph. The second word is flushed although nothing changed in the first, and the other way round.',
    group: 'default',
    interrupts: { levels: [41] },
    threads: [vcpu(), sender(), device({ irq: 41, script: '+-' })],
  }),
  scenario({
    name: 'second-word-edge',
    title: 'An edge and a level above 31, and an IPI',
    about:
      'Edges above 31 come with hvien of the AIA. KVM and Xen do not give them to guests, and never sync the second word.',
    group: 'extended',
    interrupts: { edges: [40], levels: [41] },
    threads: [vcpu(), sender({ irq: 40 }), device({ irq: 41, script: '+-' }), sender({ name: 'P' })],
  }),
];
