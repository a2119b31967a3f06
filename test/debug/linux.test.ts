/** A debugger in Debian's kernel, on two vCPUs that are both busy: the guest has to go on as if nothing had been. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { initramfs } from '../../src/boot/initramfs.ts';
import { readKernel } from '../../src/boot/kernel-image.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { DebianGuest } from '../../src/node/debian/debian-guest.ts';
import { NodeHost } from '../../src/node/node-host.ts';
import { debianGuest } from '../machine/debian-guest.ts';
import { guestScript, QUICK_START } from '../machine/guest-script.ts';
import { GdbClient } from './gdb-client.ts';

const LIMIT_MS = 240_000;
const TROUBLE = /rcu.*stall|soft lockup|Oops|BUG:|WARNING:|Call Trace|Unable to handle/;
const SATP = 65 + 0x180;

/** Both vCPUs open files until the machine ends. */
const SCRIPT = `
for name in do_sys_openat2 jiffies linux_banner; do
  grep -w "$name" /proc/kallsyms | head -n 1 | sed "s/^\\([0-9a-f]*\\).*/symbol $name \\1/"
done
for one in 1 2; do (while [ ! -e /tmp/over ]; do cat /proc/uptime > /dev/null; done) & done
echo ready
read word
touch /tmp/over
wait
echo "word: $word"
`;

const guest = await debianGuest();

/** A machine whose output can be waited for. */
async function start({ kernelPath, busyboxPath }: DebianGuest) {
  let output = '';
  let wakeUp = (): void => undefined;
  const machine = new Machine(
    {
      kind: 'domain',
      ...{
        vcpus: 2,
        pcpus: 2,
        memoryBytes: 256 << 20,
        protocol: 'take-mirror',
        bootArgs: `console=ttyS0 ${QUICK_START}`,
      },
      kernel: await readKernel(readFileSync(kernelPath), kernelPath),
      initrd: initramfs({ busybox: readFileSync(busyboxPath), run: guestScript(SCRIPT) }),
    },
    new NodeHost(),
    {
      console: {
        output: (bytes) => {
          output += new TextDecoder().decode(bytes);
          wakeUp();
          return undefined;
        },
      },
    },
  );
  machine.start();
  const until = async (word: string): Promise<void> => {
    while (!output.includes(word)) {
      await new Promise<void>((resolve) => {
        wakeUp = resolve;
      });
    }
  };
  const symbol = (name: string): bigint => {
    const digits = new RegExp(`symbol ${name} ([0-9a-f]+)`).exec(output)?.[1];
    if (digits === undefined) throw new Error(`the kernel has no ${name}: ${output}`);
    return BigInt(`0x${digits}`);
  };
  return { machine, until, symbol, output: () => output };
}

test.skipIf(guest === undefined)(
  'Linux on two vCPUs is stopped, stepped, watched and left',
  { timeout: LIMIT_MS },
  async () => {
    if (guest === undefined) throw new Error('there is no guest');
    const { machine, until, symbol, output } = await start(guest);
    await until('ready');
    const client = new GdbClient(await machine.debug());
    await client.ask('qSupported:hwbreak+');

    const banner = await client.ask(`m${symbol('linux_banner').toString(16)},e`);
    expect(Buffer.from(banner, 'hex').toString()).toBe('Linux version ');

    const open = symbol('do_sys_openat2');
    expect(await client.ask(`Z1,${open.toString(16)},2`)).toBe('OK');
    const met = new Set<string>();
    for (let hits = 0; hits < 200 && met.size < 2; hits++) {
      const stop = await client.ask('vCont;c');
      const [, thread = ''] = /^T05thread:(\d);hwbreak:;$/.exec(stop) ?? [];
      expect(thread).not.toBe('');
      met.add(thread);
      expect(await client.pc()).toBe(open);
      expect((await client.register(SATP)) >> 60n).not.toBe(0n);
      expect(await client.ask(`vCont;s:${thread};c`)).toMatch(/^T05thread:[12];/);
    }
    expect([...met].sort()).toEqual(['1', '2']);
    await client.ask(`z1,${open.toString(16)},2`);

    // Of the vCPU that has come to the function: another one may spin where it waits for this one.
    const here = [...met].at(-1);
    const places = new Set<bigint>();
    for (let steps = 0; steps < 100; steps++) {
      expect(await client.ask(`vCont;s:${here}`)).toBe(`T05thread:${here};`);
      places.add(await client.pc());
    }
    expect(places.size).toBeGreaterThan(10);

    const jiffies = symbol('jiffies');
    expect(await client.ask(`Z2,${jiffies.toString(16)},8`)).toBe('OK');
    const stop = await client.ask('vCont;c');
    const [, thread = ''] = /^T05thread:(\d);watch:[0-9a-f]+;$/.exec(stop) ?? [];
    const before = await client.read64(jiffies);
    await client.ask(`z2,${jiffies.toString(16)},8`);
    await client.ask(`vCont;s:${thread}`);
    expect(await client.read64(jiffies)).toBeGreaterThan(before);

    expect(await client.ask('D')).toBe('OK');
    // It goes on a moment later.
    await client.session.lost();
    machine.input(new TextEncoder().encode('over\n'));
    await until('word: over');
    expect((await machine.ended).reason).toBe('poweroff');
    expect(output()).not.toMatch(TROUBLE);
  },
);
