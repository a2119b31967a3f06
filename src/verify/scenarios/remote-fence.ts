import { scenario } from '../scenario.ts';
import { fencer } from '../world/fence.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'remote-fence',
  title: 'A remote fence for a guest that enters, leaves and sleeps',
  about:
    'Another vCPU waits until this one is outside its guest. It sleeps on the exit count: an exit that it does not see must wake it.',
  group: 'default',
  threads: [vcpu({ pages: true }), fencer(), sender()],
});
