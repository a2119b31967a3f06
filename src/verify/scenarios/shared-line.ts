import { scenario } from '../scenario.ts';
import { sharingDevice } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'shared-line',
  title: 'Two devices on one line',
  about:
    'The line is high while either asks. The level is computed from both, so the order in which they tell does not matter.',
  group: 'default',
  threads: [vcpu(), sharingDevice({ name: 'D1', index: 0 }), sharingDevice({ name: 'D2', index: 1 })],
});
