import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'self-ipi',
  title: 'The guest sends itself an IPI, and gets one',
  about: 'The guest writes sip.SSIP without an exit, may leave it pending, and executes WFI on top of it.',
  group: 'default',
  threads: [vcpu({ selfSends: 1 }), sender()],
});
