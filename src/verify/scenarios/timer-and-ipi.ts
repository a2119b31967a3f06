import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { clock } from '../world/timer.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'timer-and-ipi',
  title: 'A periodic timer and an IPI',
  about: 'A level that the guest lowers by an SBI call, beside an edge that it clears itself.',
  group: 'default',
  mustRest: false,
  threads: [vcpu({ timers: 'forever' }), clock(), sender()],
});
