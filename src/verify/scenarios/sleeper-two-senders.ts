import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'sleeper-two-senders',
  title: 'Two senders and a vCPU with a thread of its own',
  about: 'What one kick says late must not be taken for the next wake-up.',
  group: 'default',
  threads: [vcpu({ sleeps: 'alone' }), sender({ name: 'S1' }), sender({ name: 'S2' })],
});
