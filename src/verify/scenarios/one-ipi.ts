import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'one-ipi',
  title: 'One IPI to a fresh vCPU that sleeps in WFI',
  about: 'Set, kick, wake-up, flush, and the way back to sleep, from reset.',
  group: 'default',
  threads: [vcpu(), sender()],
});
