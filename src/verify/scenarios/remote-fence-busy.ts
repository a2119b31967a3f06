import { scenario } from '../scenario.ts';
import { fencer } from '../world/fence.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'remote-fence-busy',
  title: 'Two remote fences for a guest that never leaves by itself',
  about: 'Both sleep on the exit count, and one exit is all that there is to wake them.',
  group: 'default',
  threads: [vcpu({ idle: 'busy', pages: true }), fencer({ name: 'F1' }), fencer({ name: 'F2' })],
});
