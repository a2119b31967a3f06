import { scenario } from '../scenario.ts';
import { sharingDevice } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'stored-shared-line',
  title: 'Rule broken: two devices evaluate their line, and then set or unset it',
  about: 'What one of them evaluated is old when it says it, and stays.',
  group: 'rules',
  threads: [
    vcpu(),
    sharingDevice({ name: 'D1', index: 0, level: 'stored' }),
    sharingDevice({ name: 'D2', index: 1, level: 'stored' }),
  ],
});
