import { scenario } from '../scenario.ts';
import { sender } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'entry-sync-busy',
  title: 'Sync at entry, with a guest that never sleeps',
  about:
    'Xen syncs directly before the entry. Without a decision about sleep in between that is as good as at the exit.',
  group: 'default',
  threads: [vcpu({ idle: 'busy', sync: 'entry', exits: true }), sender({ count: 2 })],
});
