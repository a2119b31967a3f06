import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'restored',
  title: 'An IPI to a vCPU that was restored from a snapshot',
  about: 'The snapshot was taken while the guest had an IPI pending that it had not taken.',
  group: 'default',
  threads: [vcpu({ restored: true }), sender()],
});
