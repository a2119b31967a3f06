import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'mail',
  title: 'Two IPIs, each with a message',
  about: 'The sender writes a message before each IPI. No message may stay unread.',
  group: 'default',
  threads: [vcpu(), sender({ count: 2, mail: true })],
});
