import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'two-ipis',
  title: 'One sender, two IPIs',
  about:
    'The second IPI may come before, while or after the first is flushed, taken and synced: it merges with it or is delivered on its own, and never a third time.',
  group: 'default',
  threads: [vcpu(), sender({ count: 2 })],
});
