import { scenario } from '../scenario.ts';
import { fencingVcpu } from '../world/mutual-fences.ts';

export default scenario({
  name: 'mutual-fences',
  title: 'Two vCPUs that make a remote fence for each other',
  about: 'Each waits until the other is outside its guest, at the same time.',
  group: 'default',
  threads: [fencingVcpu({ number: 0 }), fencingVcpu({ number: 1 })],
});
