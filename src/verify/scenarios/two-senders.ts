import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'two-senders',
  title: 'Two senders, one IPI each',
  about:
    'Producers race with each other: the one whose set changes nothing may rely on the kick of the other.',
  group: 'default',
  threads: [vcpu(), sender({ name: 'S1' }), sender({ name: 'S2' })],
});
