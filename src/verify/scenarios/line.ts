import { scenario } from '../scenario.ts';
import { device } from '../world/producers.ts';
import { vcpu } from '../world/vcpu.ts';

export default scenario({
  name: 'line',
  title: 'A device raises and lowers its line, twice',
  about: 'A level is whatever the device said last, also when the vCPU looked at neither.',
  group: 'default',
  threads: [vcpu(), device({ script: '+-+-' })],
});
