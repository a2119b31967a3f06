import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'preemptible-flush',
  title: 'Rule broken: the vCPU is preempted between flush and the write of HVIP',
  about:
    'The flush has taken the IPI from the word, HVIP does not have it yet, and saving HVIP throws it away.',
  group: 'rules',
  threads: [vcpu({ migrates: 'inside flush' }), sender()],
});
