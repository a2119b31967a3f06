/**
 * A Linux machine in a program: boots Debian's kernel on two vCPUs, runs a script in it, stands still for a second in
 * between, and gets the script's output.
 *
 *     npm run example -- linux           in a checkout
 *     node linux.ts                      beside an installed hartvisor, Node 24
 *
 * The first run fetches the kernel and busybox with apt, as `npm start` does.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { debianGuest, initramfs, Machine, NodeHost, readKernel } from 'hartvisor';

const { kernelPath, busyboxPath, version } = await debianGuest();
console.log(`Booting Debian's kernel ${version}`);

const decoder = new TextDecoder();
let output = '';
const machine = new Machine(
  {
    kind: 'domain',
    vcpus: 2,
    pcpus: 2,
    memoryBytes: 256 * 2 ** 20,
    protocol: 'take-mirror',
    kernel: await readKernel(await readFile(kernelPath), kernelPath),
    initrd: initramfs({
      busybox: await readFile(busyboxPath),
      run: 'echo "<<<"; uname -sm; nproc; echo ">>>"',
    }),
    bootArgs: 'console=ttyS0 quiet',
  },
  new NodeHost(),
  {
    console: {
      output: (bytes) => {
        output += decoder.decode(bytes, { stream: true });
        return undefined;
      },
    },
  },
);
machine.start();

await delay(500);
await machine.pause();
console.log('It stands still, and so does its time.');
await delay(1000);
machine.resume();

const end = await machine.ended;
console.log(`It ended by ${end.reason}. Its script printed:`);
console.log(/<<<\r?\n([\s\S]*?)>>>/.exec(output)?.[1]?.trim() ?? output);
if (end.reason !== 'poweroff') process.exitCode = 1;
