import { scenario } from '../scenario.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'late-sync',
  title: 'Rule broken: sync at entry, and the guest sends itself an IPI and sleeps',
  about:
    'Block looks at what the last sync left. The IPI is in HVIP only, nobody has read it, and the vCPU sleeps for ever.',
  group: 'rules',
  threads: [vcpu({ sync: 'entry', selfSends: 1 })],
});
