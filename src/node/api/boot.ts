import { bootOn } from '../../api/boot.ts';
import type { BootOptions } from '../../api/boot-options.ts';
import type { Vm } from '../../api/vm.ts';
import { nodePlatform } from './node-platform.ts';

/**
 * Starts a machine: without options, Debian's kernel with busybox on two vCPUs. What it is made of is fetched the first
 * time, from the archive that this host's apt uses.
 *
 * @example
 * ```ts
 * await using vm = await boot({ cpus: 2, memory: '256M' });
 * await vm.console.waitFor('~ #');
 * await vm.console.write('uname -a; poweroff\n');
 * await vm.ended;
 * ```
 *
 * @throws InputError for options and files that cannot be used; the reason of `options.signal`
 */
export function boot(options: BootOptions = {}): Promise<Vm> {
  return bootOn(nodePlatform, options);
}
