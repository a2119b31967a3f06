import { scenario } from '../scenario.ts';
import { device, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'second-word',
  title: 'A level above 31 and an IPI',
  about:
    'RV32 has interrupts 32-63 in hviph. The second word is flushed although nothing changed in the first, and the other way round.',
  group: 'default',
  interrupts: { levels: [41] },
  threads: [vcpu(), sender(), device({ irq: 41, script: '+-' })],
});
