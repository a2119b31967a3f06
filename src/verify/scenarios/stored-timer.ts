import { scenario } from '../scenario.ts';
import { clock } from '../world/timer.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'stored-timer',
  title: 'Rule broken: the timer callback sets VSTIP',
  about:
    'The callback has found the timer due, the guest programs another time, and the set comes after the unset: an interrupt before its time.',
  group: 'rules',
  threads: [vcpu({ timers: 2, timer: 'stored', reprograms: true }), clock()],
});
