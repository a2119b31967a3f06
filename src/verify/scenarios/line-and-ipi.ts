import { scenario } from '../scenario.ts';
import { device, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'line-and-ipi',
  title: 'A device line that ends high, and an IPI',
  about:
    'An edge and a level in the same word, flushed and written by different threads. The IPI needs its kick although the word is not empty.',
  group: 'default',
  threads: [vcpu(), device({ script: '+-+' }), sender()],
});
