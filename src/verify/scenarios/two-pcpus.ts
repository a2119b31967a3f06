import { scenario } from '../scenario.ts';
import { pcpu } from '../world/pcpu.ts';
import { sender } from '../world/producers.ts';

export default scenario({
  name: 'two-pcpus',
  title: 'Two pCPUs serve one run queue, and two senders wake the vCPU',
  about:
    'One pCPU gets the vCPU, however many kick. One that takes its block back may find that another has run the vCPU and put it to sleep meanwhile.',
  group: 'default',
  threads: [pcpu(0), pcpu(1), sender({ name: 'S1' }), sender({ name: 'S2' })],
});
