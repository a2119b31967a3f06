import { scenario } from '../scenario.ts';
import { device } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'line-acknowledged',
  title: 'A device that lowers its line when the guest has answered, without end',
  about: 'Raise, handler, acknowledgement, lower, any number of times.',
  group: 'default',
  mustRest: false,
  threads: [vcpu({ acknowledges: true }), device({ acknowledged: true })],
});
