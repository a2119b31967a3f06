import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'sleeper',
  title: 'Two IPIs for a vCPU with a thread of its own',
  about:
    'The thread sleeps on the wake sequence while the vCPU is blocked; a kick at any moment of falling asleep must end that.',
  group: 'default',
  threads: [vcpu({ sleeps: 'alone' }), sender({ count: 2 })],
});
