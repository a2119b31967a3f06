/**
 * A protocol for pending interrupts of your own, in a running machine: that of `protocols/forgetful.ts`, which has a
 * mistake. The guest counts the interrupts that its vCPUs send each other and get.
 *
 *     npm run example -- protocol             in a checkout
 *     node protocol.ts                        beside an installed hartvisor, Node 24
 *
 * `npx hartvisor verify --file protocols/forgetful.ts` finds how an interrupt is lost, without running anything.
 */
import { boot } from 'hartvisor';

const SECONDS = 60;

for (const protocol of ['take-mirror', new URL('./protocols/forgetful.ts', import.meta.url)]) {
  const vm = await boot({
    guest: 'tick',
    append: 'ipis=20000 watchdog=3',
    cpus: 4,
    threads: 2,
    memory: '64M',
    protocol,
    limits: { seconds: SECONDS },
  });
  const { reason } = await vm.ended;
  const result = /tick: (PASS|FAIL.*)/.exec(vm.console.text)?.[1];
  const name = typeof protocol === 'string' ? protocol : 'forgetful';
  console.log(`${name}: ${result ?? reason}`);
}
