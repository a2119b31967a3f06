/**
 * A Linux machine in a program: boots Debian's kernel on two vCPUs, stands still for a second, runs a command and
 * powers off.
 *
 *     npm run example -- linux           in a checkout
 *     node linux.ts                      beside an installed hartvisor, Node 24
 *
 * The first run fetches the kernel and busybox with apt, as `npm start` does.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { boot } from 'hartvisor';

const vm = await boot({ cpus: 2, memory: '256M', append: 'quiet', onProgress: show });
await vm.console.waitFor('~ #');

await vm.pause();
console.log('It stands still, and so does its time.');
await delay(1000);
vm.resume();

await vm.console.write("echo '<<<'; uname -sm; nproc; echo '>>>'; poweroff\n");
const { reason } = await vm.ended;
console.log(`It ended by ${reason}. The commands printed:`);
console.log(/^<<<\r?\n([\s\S]*?)^>>>/m.exec(vm.console.text)?.[1]?.trim() ?? vm.console.text);
if (reason !== 'poweroff') process.exitCode = 1;

function show({ message }: { readonly message: string }): void {
  console.log(message);
}
