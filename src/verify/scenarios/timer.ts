import { scenario } from '../scenario.ts';
import { clock } from '../world/timer.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'timer',
  title: 'A timer that the guest may program anew before it is due',
  about:
    'The callback may come when the guest has asked for another time already. The level follows the deadline, so a late callback is only a kick.',
  group: 'default',
  threads: [vcpu({ timers: 2, reprograms: true }), clock()],
});
