import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'save-before-sync',
  title: 'Rule broken: HVIP is saved before sync has compared it',
  about:
    'Sync finds no difference any more. Protocols that compare keep believing that the interrupt is pending.',
  group: 'rules',
  threads: [vcpu({ migrates: 'before sync' }), sender({ count: 2 })],
});
