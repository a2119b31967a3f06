import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'sleeper-limit',
  title: 'Two senders and a thread that sleeps for a limited time only',
  about: 'Its time may be over at any moment, also when a waker is at work; then one of the two wins.',
  group: 'default',
  threads: [vcpu({ sleeps: 'alone, with a limit' }), sender({ name: 'S1' }), sender({ name: 'S2' })],
});
