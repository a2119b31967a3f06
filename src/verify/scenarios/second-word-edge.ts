import { scenario } from '../scenario.ts';
import { device, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'second-word-edge',
  title: 'An edge and a level above 31, and an IPI',
  about:
    'Edges above 31 come with hvien of the AIA. KVM and Xen do not give them to guests, and never sync the second word.',
  group: 'extended',
  interrupts: { edges: [40], levels: [41] },
  threads: [vcpu(), sender({ irq: 40 }), device({ irq: 41, script: '+-' }), sender({ name: 'P' })],
});
