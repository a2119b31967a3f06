import { scenario } from '../scenario.ts';
import { device, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
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
});
