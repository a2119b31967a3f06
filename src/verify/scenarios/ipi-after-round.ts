import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'ipi-after-round',
  title: 'One IPI to a guest that has just handled one',
  about:
    'The smallest place where the vCPU and a producer write the same bit: the guest has cleared VSSIP, its exit has not been noticed, and the next IPI comes.',
  group: 'default',
  threads: [vcpu({ start: 'after a round' }), sender()],
});
