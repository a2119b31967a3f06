import { scenario } from '../scenario.ts';
import { requester, sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'requests',
  title: 'Two requests and an IPI',
  about:
    'Work that the vCPU must do before it runs its guest again comes while it enters, runs, leaves or falls asleep, together with an interrupt.',
  group: 'default',
  threads: [vcpu(), requester({ count: 2 }), sender()],
});
