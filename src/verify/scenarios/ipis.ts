/** IPIs and other edges: senders, and guests that take them, leave at any moment, or send to themselves. */
import { type Scenario, scenario } from '../scenario.ts';
import { device, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

/** Scenarios that differ in their senders only share the vCPU: they are one question about every number of senders. */
const freshVcpu = vcpu();

export const IPIS: readonly Scenario[] = [
  scenario({
    name: 'ipi-after-round',
    title: 'One IPI to a guest that has just handled one',
    about:
      'The smallest place where the vCPU and a producer write the same bit: the guest has cleared VSSIP, its exit has not been noticed, and the next IPI comes.',
    group: 'default',
    threads: [vcpu({ start: 'after a round' }), sender()],
  }),
  scenario({
    name: 'one-ipi',
    title: 'One IPI to a fresh vCPU that sleeps in WFI',
    about: 'Set, kick, wake-up, flush, and the way back to sleep, from reset.',
    group: 'default',
    threads: [freshVcpu, sender()],
  }),
  scenario({
    name: 'two-ipis',
    title: 'One sender, two IPIs',
    about:
      'The second IPI may come before, while or after the first is flushed, taken and synced: it merges with it or is delivered on its own, and never a third time.',
    group: 'default',
    threads: [freshVcpu, sender({ count: 2 })],
  }),
  scenario({
    name: 'two-senders',
    title: 'Two senders, one IPI each',
    about:
      'Producers race with each other: the one whose set changes nothing may rely on the kick of the other.',
    group: 'default',
    threads: [freshVcpu, sender({ name: 'S1' }), sender({ name: 'S2' })],
  }),
  scenario({
    name: 'ipis-forever',
    title: 'A sender that waits for the answer to each IPI, without end',
    about: 'Any number of rounds: what a round leaves behind must not break a later one.',
    group: 'default',
    mustRest: false,
    threads: [vcpu(), sender({ count: 'forever' })],
  }),
  scenario({
    name: 'forced-exits',
    title: 'Two IPIs to a guest that leaves at any moment',
    about: 'The guest is left before it has taken, or cleared, what was delivered, any number of times.',
    group: 'default',
    threads: [vcpu({ exits: true }), sender({ count: 2 })],
  }),
  scenario({
    name: 'busy-guest',
    title: 'Three IPIs to a guest that never leaves by itself',
    about: 'Only a kick makes it leave: each set that needs one must ask for it.',
    group: 'default',
    threads: [
      vcpu({ idle: 'busy', start: 'after a round' }),
      sender({ name: 'S1', count: 2 }),
      sender({ name: 'S2' }),
    ],
  }),
  scenario({
    name: 'self-ipi',
    title: 'The guest sends itself an IPI, and gets one',
    about: 'The guest writes sip.SSIP without an exit, may leave it pending, and executes WFI on top of it.',
    group: 'default',
    threads: [vcpu({ selfSends: 1 }), sender()],
  }),
  scenario({
    name: 'mail',
    title: 'Two IPIs, each with a message',
    about: 'The sender writes a message before each IPI. No message may stay unread.',
    group: 'default',
    threads: [vcpu(), sender({ count: 2, mail: true })],
  }),
  scenario({
    name: 'restored',
    title: 'An IPI to a vCPU that was restored from a snapshot',
    about: 'The snapshot was taken while the guest had an IPI pending that it had not taken.',
    group: 'default',
    threads: [vcpu({ restored: true }), sender()],
  }),
  scenario({
    name: 'entry-sync-busy',
    title: 'Sync at entry, with a guest that never sleeps',
    about:
      'Xen syncs directly before the entry. Without a decision about sleep in between that is as good as at the exit.',
    group: 'default',
    threads: [vcpu({ idle: 'busy', sync: 'entry', exits: true }), sender({ count: 2 })],
  }),
  scenario({
    name: 'two-edges',
    title: 'An IPI and a counter overflow (LCOFI)',
    about: 'Two edges in one word: taking one must not drop the other, which rises in between.',
    group: 'default',
    interrupts: { lcofi: true },
    threads: [vcpu({ selfSends: 1, selfIrq: 2 }), sender(), sender({ name: 'P', irq: 13 })],
  }),
  scenario({
    name: 'three-senders',
    title: 'Three senders, one IPI each',
    about: 'As two-senders, with a third that finds the traces of both.',
    group: 'default',
    threads: [freshVcpu, sender({ name: 'S1' }), sender({ name: 'S2' }), sender({ name: 'S3' })],
  }),
  scenario({
    name: 'one-mail',
    title: 'One IPI that announces a message',
    about: 'As mail, but small enough for weak memory, and without the second IPI that some protocols lose.',
    group: 'extended',
    threads: [vcpu(), sender({ mail: true })],
  }),
  scenario({
    name: 'all-together',
    title: 'Two senders of two IPIs, a device, a guest that leaves and interrupts itself',
    about: 'Everything at once, to find what no smaller scenario shows.',
    group: 'deep',
    threads: [
      vcpu({ exits: true, selfSends: 1 }),
      sender({ name: 'S1', count: 2 }),
      sender({ name: 'S2', count: 2 }),
      device(),
    ],
  }),
];
