import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'one-mail',
  title: 'One IPI that announces a message',
  about: 'As mail, but small enough for weak memory, and without the second IPI that some protocols lose.',
  group: 'extended',
  threads: [vcpu(), sender({ mail: true })],
});
