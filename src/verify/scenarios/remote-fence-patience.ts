import { scenario } from '../scenario.ts';
import { fencer } from '../world/fence.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'remote-fence-patience',
  title: 'A remote fence that looks again from time to time',
  about:
    'The time of a wait may be over at any moment; it must not be taken for an exit, and nothing may depend on it.',
  group: 'default',
  threads: [vcpu({ exits: true, pages: true }), fencer({ looksAgain: true })],
});
