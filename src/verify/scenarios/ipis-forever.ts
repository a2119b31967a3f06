import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'ipis-forever',
  title: 'A sender that waits for the answer to each IPI, without end',
  about: 'Any number of rounds: what a round leaves behind must not break a later one.',
  group: 'default',
  mustRest: false,
  threads: [vcpu(), sender({ count: 'forever' })],
});
