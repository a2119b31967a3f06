import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'three-senders',
  title: 'Three senders, one IPI each',
  about: 'As two-senders, with a third that finds the traces of both.',
  group: 'default',
  threads: [vcpu(), sender({ name: 'S1' }), sender({ name: 'S2' }), sender({ name: 'S3' })],
});
