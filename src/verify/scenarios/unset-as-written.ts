import { scenario } from '../scenario.ts';
import { device } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'unset-as-written',
  title: 'A line falls, and the protocol alone decides about the kick',
  about:
    'Passes with protocols whose unset asks for a kick when the level fell. The published ones leave it to the next exit.',
  group: 'rules',
  threads: [vcpu({ idle: 'busy' }), device({ fall: 'protocol' })],
});
