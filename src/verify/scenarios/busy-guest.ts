import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'busy-guest',
  title: 'Three IPIs to a guest that never leaves by itself',
  about: 'Only a kick makes it leave: each set that needs one must ask for it.',
  group: 'default',
  threads: [
    vcpu({ idle: 'busy', start: 'after a round' }),
    sender({ name: 'S1', count: 2 }),
    sender({ name: 'S2' }),
  ],
});
