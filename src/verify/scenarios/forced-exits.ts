import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'forced-exits',
  title: 'Two IPIs to a guest that leaves at any moment',
  about: 'The guest is left before it has taken, or cleared, what was delivered, any number of times.',
  group: 'default',
  threads: [vcpu({ exits: true }), sender({ count: 2 })],
});
