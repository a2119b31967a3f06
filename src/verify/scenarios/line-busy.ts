import { scenario } from '../scenario.ts';
import { device } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'line-busy',
  title: 'A device line and a guest that never leaves by itself',
  about:
    'The guest must see the line fall, which takes a kick: here the caller gives one if the protocol does not.',
  group: 'default',
  threads: [vcpu({ idle: 'busy' }), device({ script: '+-+' })],
});
