import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'migration',
  title: 'Two IPIs to a vCPU that is preempted and moves between pCPUs',
  about: 'The vCPU is saved after sync, at any round, and loaded on another pCPU.',
  group: 'default',
  threads: [vcpu({ exits: true, migrates: 'after sync' }), sender({ count: 2 })],
});
