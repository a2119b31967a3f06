/** Interrupt files: messages for a vCPU that takes them, sleeps, masks them, or moves. */
import { type Scenario, scenario } from '../scenario.ts';
import { messenger, wired } from '../world/messages.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

/** More than 64 apart, so that they are in different words of every file. */
const FAR = 70;

export const FILES: readonly Scenario[] = [
  scenario({
    name: 'file-one-message',
    title: 'One message to a vCPU that sleeps in WFI',
    about: 'A message under way while the vCPU falls asleep: publish, look into the file, sleep.',
    group: 'default',
    identities: [3],
    threads: [vcpu({ file: {} }), messenger()],
  }),
  scenario({
    name: 'file-two-messages',
    title: 'Two messages of one identity, each with data',
    about: 'The second comes before, while or after the first is claimed; data behind either must be read.',
    group: 'default',
    identities: [3],
    threads: [vcpu({ file: {} }), messenger({ sends: [3, 3], mail: true })],
  }),
  scenario({
    name: 'file-two-senders',
    title: 'Two senders of different identities',
    about: 'Both write one word and ask whether the vCPU must be told, while it evaluates the file itself.',
    group: 'default',
    identities: [3, 5],
    threads: [vcpu({ file: {} }), messenger({ name: 'M3' }), messenger({ name: 'M5', sends: [5] })],
  }),
  scenario({
    name: 'file-same-identity',
    title: 'Two senders of the same identity, one of them with data',
    about: 'The one whose bit is there already may rely on the other to wake the vCPU.',
    group: 'default',
    identities: [3],
    threads: [vcpu({ file: {} }), messenger({ name: 'M1', mail: true }), messenger({ name: 'M2' })],
  }),
  scenario({
    name: 'file-two-words',
    title: 'Messages of a low identity, and then one of a high identity',
    about: 'Whoever reads the words of a file upwards can miss the first message and take the second.',
    group: 'default',
    identities: [3, FAR],
    threads: [vcpu({ file: {} }), messenger({ sends: [3, 3, FAR] })],
  }),
  scenario({
    name: 'file-busy',
    title: 'Two senders and a guest that never leaves by itself',
    about: 'Nothing but a kick makes the hart look at the file again.',
    group: 'default',
    identities: [3, 5],
    threads: [
      vcpu({ idle: 'busy', file: {} }),
      messenger({ name: 'M3' }),
      messenger({ name: 'M5', sends: [5] }),
    ],
  }),
  scenario({
    name: 'file-enable',
    title: 'A guest that enables an identity while its message comes',
    about: 'A sender that finds it disabled kicks nobody, so the guest has to look after it has enabled it.',
    group: 'default',
    identities: [3],
    threads: [vcpu({ idle: 'busy', file: { enabled: [], accesses: [['enable', 3]] } }), messenger()],
  }),
  scenario({
    name: 'file-disable',
    title: 'A guest that disables an identity and enables it again',
    about: 'What comes in between waits; what was pending before is not lost.',
    group: 'default',
    identities: [3, 5],
    threads: [
      vcpu({
        file: {
          accesses: [
            ['disable', 3],
            ['enable', 3],
          ],
        },
      }),
      messenger({ name: 'M3' }),
      messenger({ name: 'M5', sends: [5] }),
    ],
  }),
  scenario({
    name: 'file-threshold',
    title: 'A guest that lowers its threshold while messages come, and lifts it',
    about: 'A message at the threshold or above waits, one below is delivered.',
    group: 'default',
    identities: [3, 5],
    threads: [
      vcpu({
        idle: 'busy',
        file: {
          accesses: [
            ['threshold', 5],
            ['threshold', 0],
          ],
        },
      }),
      messenger({ name: 'M3' }),
      messenger({ name: 'M5', sends: [5] }),
    ],
  }),
  scenario({
    name: 'file-delivery',
    title: 'A guest that turns the delivery of its file off and on',
    about:
      'Without delivery the file asserts nothing, and nobody is kicked; with it, all that waits is there.',
    group: 'default',
    identities: [3],
    threads: [
      vcpu({
        idle: 'busy',
        file: {
          accesses: [
            ['delivery', 0],
            ['delivery', 1],
          ],
        },
      }),
      messenger({ sends: [3, 3] }),
    ],
  }),
  scenario({
    name: 'file-delivery-sleep',
    title: 'A guest that turns the delivery on before it sleeps',
    about: 'A message from before the write keeps it awake, one from after it wakes it.',
    group: 'default',
    identities: [3],
    threads: [vcpu({ file: { delivery: false, accesses: [['delivery', 1]] } }), messenger()],
  }),
  scenario({
    name: 'file-clear',
    title: 'A guest that clears one pending bit while another identity comes',
    about: 'The guest writes a whole register: bits that it does not change must stay as senders have them.',
    group: 'default',
    identities: [3, 5],
    threads: [
      vcpu({ file: { enabled: [3], accesses: [['clear', 5]] } }),
      messenger({ name: 'M3' }),
      messenger({ name: 'M5', sends: [5] }),
    ],
  }),
  scenario({
    name: 'file-exits',
    title: 'Two messages to a guest that leaves at any moment',
    about: 'The guest is left between the interrupt, the claim and the next look.',
    group: 'default',
    identities: [3],
    threads: [vcpu({ exits: true, file: {} }), messenger({ sends: [3, 3] })],
  }),
  scenario({
    name: 'file-migration',
    title: 'Two senders and a vCPU that moves between pCPUs',
    about: 'The file stays where it is; the hart of the next pCPU looks into it at the entry.',
    group: 'default',
    identities: [3, 5],
    threads: [
      vcpu({ exits: true, migrates: 'after sync', file: {} }),
      messenger({ name: 'M3' }),
      messenger({ name: 'M5', sends: [5] }),
    ],
  }),
  scenario({
    name: 'file-and-ipi',
    title: 'A message and an interrupt of the SBI',
    about: 'Two ways to the same vCPU, which share the kick and the sleep.',
    group: 'default',
    identities: [3],
    threads: [vcpu({ file: {} }), messenger(), sender()],
  }),
  scenario({
    name: 'file-sleeper',
    title: 'Two messages for a vCPU with a thread of its own',
    about:
      'The thread sleeps on the wake sequence, and a message at any moment of falling asleep must end that.',
    group: 'default',
    identities: [3],
    threads: [vcpu({ sleeps: 'alone', file: {} }), messenger({ sends: [3, 3] })],
  }),
  scenario({
    name: 'file-wire',
    title: 'Two devices on a wire whose level comes as messages',
    about:
      'A level that stays high sends no second message by itself: the handler has the controller look at the wire again.',
    group: 'default',
    identities: [3],
    threads: [
      vcpu({ file: { wire: { identity: 3 } } }),
      wired({ name: 'D1', index: 0 }),
      wired({ name: 'D2', index: 1 }),
    ],
  }),
  scenario({
    name: 'file-wire-unasked',
    title: 'Rule broken: the handler of a wire does not ask its controller again',
    about: 'The second device asked while the wire was high, so no message came for it, and none will.',
    group: 'rules',
    identities: [3],
    threads: [
      vcpu({ file: { wire: { identity: 3, asksAgain: false } } }),
      wired({ name: 'D1', index: 0 }),
      wired({ name: 'D2', index: 1 }),
    ],
  }),
  scenario({
    name: 'file-enable-unlooked',
    title: 'Rule broken: the hart does not look behind a write that enables an identity',
    about:
      'The sender found it disabled and kicked nobody, so the owner is the one who has to see the message.',
    group: 'rules',
    identities: [3],
    threads: [
      vcpu({ idle: 'busy', file: { enabled: [], accesses: [['enable', 3]], looks: 'at entry' } }),
      messenger(),
    ],
  }),
  scenario({
    name: 'file-disable-one',
    title: 'A guest that disables an identity and enables it again, and one sender',
    about: 'As file-disable with one of its senders.',
    group: 'reduced',
    identities: [3],
    threads: [
      vcpu({
        file: {
          accesses: [
            ['disable', 3],
            ['enable', 3],
          ],
        },
      }),
      messenger(),
    ],
  }),
  scenario({
    name: 'file-same-identity-busy',
    title: 'Two senders of the same identity, and a guest that never leaves by itself',
    about: 'As file-same-identity with a guest that does not sleep.',
    group: 'reduced',
    identities: [3],
    threads: [
      vcpu({ idle: 'busy', file: {} }),
      messenger({ name: 'M1', mail: true }),
      messenger({ name: 'M2' }),
    ],
  }),
  scenario({
    name: 'file-moves',
    title: 'A message for a vCPU that moves between pCPUs and does not sleep',
    about: 'As file-migration with one sender, where all exits are asked for.',
    group: 'reduced',
    identities: [3],
    threads: [vcpu({ idle: 'busy', migrates: 'after sync', file: {} }), messenger()],
  }),
  scenario({
    name: 'file-moves-asleep',
    title: 'A message for a vCPU that moves between pCPUs and sleeps',
    about: 'As file-migration with one sender, where the guest leaves to sleep or because it is asked to.',
    group: 'reduced',
    identities: [3],
    threads: [vcpu({ migrates: 'after sync', file: {} }), messenger()],
  }),
  scenario({
    name: 'file-wire-one',
    title: 'One device on a wire whose level comes as messages',
    about: 'As file-wire with one of its devices.',
    group: 'reduced',
    identities: [3],
    threads: [vcpu({ file: { wire: { identity: 3 } } }), wired({ name: 'D1', index: 0 })],
  }),
];
