import { scenario } from '../scenario.ts';
import { fencer } from '../world/fence.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'remote-fence-migration',
  title: 'A remote fence for a vCPU that moves between pCPUs, and an IPI',
  about: 'The vCPU leaves one pCPU with the request and enters its guest on another one.',
  group: 'default',
  threads: [vcpu({ exits: true, migrates: 'after sync', pages: true }), fencer(), sender()],
});
