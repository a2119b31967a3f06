import { scenario } from '../scenario.ts';
import { device } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'sleeper-line',
  title: 'A device and a vCPU with a thread of its own',
  about: 'A line that rises must wake the thread, and one that has fallen again may leave it asleep.',
  group: 'default',
  threads: [vcpu({ sleeps: 'alone' }), device()],
});
