import { scenario } from '../scenario.ts';
import { device } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'unset-without-kick',
  title: 'Rule broken: nobody kicks when a line falls',
  about: 'A guest that does not leave by itself keeps seeing the line high.',
  group: 'rules',
  threads: [vcpu({ idle: 'busy' }), device({ fall: 'never' })],
});
