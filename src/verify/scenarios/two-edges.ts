import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'two-edges',
  title: 'An IPI and a counter overflow (LCOFI)',
  about: 'Two edges in one word: taking one must not drop the other, which rises in between.',
  group: 'default',
  interrupts: { lcofi: true },
  threads: [vcpu({ selfSends: 1, selfIrq: 2 }), sender(), sender({ name: 'P', irq: 13 })],
});
