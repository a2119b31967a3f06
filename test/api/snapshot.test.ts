/** A Linux that is saved at work, and gone on with by other machines. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { boot, InputError, MachineEndedError, restore, type Vm } from '../../src/node/index.ts';

const LIMIT_MS = 240_000;
const directory = mkdtempSync(join(tmpdir(), 'hartvisor-vm-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const work = `
  printf 'from the guest' | dd of=/dev/vda bs=4096 seek=5 conv=sync 2>&1
  exec 3< /data/lines; read first <&3; echo $first > /tmp/read
  (while [ ! -e /tmp/go ]; do sleep 0.1; done; read second <&3; echo $second >> /tmp/read) > /dev/null 2>&1 &
  echo $! > /tmp/job; date +%s > /tmp/then`;

/** The guest's answer, without the end of its line. */
async function say(vm: Vm, command: string): Promise<string> {
  const { stdout, stderr, exitCode } = await vm.commands.run(command);
  expect([stderr, exitCode]).toEqual(['', 0]);
  return stdout.trim();
}

test(
  'a Linux at work goes on in other machines, with its disk, its open files and the time of day',
  async () => {
    const file = join(directory, 'disk.img');
    writeFileSync(file, new Uint8Array(1 << 20).fill(0x61));
    const shared = join(directory, 'shared');
    mkdirSync(shared);
    writeFileSync(join(shared, 'lines'), 'one\ntwo\n');
    const options = { disk: { file, snapshot: true }, share: { '/data': shared }, network: true } as const;
    const vm = await boot({ cpus: 2, memory: '160M', ...options });
    // The first command finds the network ready.
    expect(await say(vm, 'ip route; cat /etc/resolv.conf')).toMatch(
      /^default via 10\.0\.2\.2[\s\S]*nameserver 10\.0\.2\.3$/,
    );
    await vm.commands.run(work);
    await vm.pause();
    const image = await vm.snapshot();
    const saved = join(directory, 'saved');
    await vm.save(saved);
    await vm.stop();
    await expect(vm.snapshot()).rejects.toBeInstanceOf(MachineEndedError);
    expect(image.size).toBeLessThan(60 << 20);

    const one = await restore(image, { threads: 1 });
    expect(await say(one, 'nproc; kill -0 $(cat /tmp/job); cat /tmp/read')).toBe('2\none');
    await say(one, 'echo 3 > /proc/sys/vm/drop_caches');
    expect(await say(one, 'dd if=/dev/vda bs=4096 skip=5 count=1 2> /dev/null | head -c 14')).toBe(
      'from the guest',
    );
    expect(
      await say(
        one,
        'head -c 3 /dev/vda; touch /tmp/go; while kill -0 $(cat /tmp/job) 2> /dev/null; do :; done',
      ),
    ).toBe('aaa');
    expect(await say(one, 'cat /tmp/read; cat /data/lines')).toBe('one\ntwo\none\ntwo');
    expect(Math.abs(Number(await say(one, 'date +%s')) - Date.now() / 1000)).toBeLessThan(60);

    // A copy has what there is so far, and nothing of what comes after.
    const copy = await one.fork();
    await say(copy, 'echo copy > /tmp/mine');
    expect(await say(one, 'ls /tmp/mine 2> /dev/null || echo none; cat /tmp/read')).toBe('none\none\ntwo');
    const random = 'head -c 16 /dev/urandom | md5sum';
    expect(await say(copy, random)).not.toBe(await say(one, random));
    await copy.stop();
    await one.stop();

    await expect(restore(saved)).rejects.toThrow('saved with a drive 1 (1048576 bytes');
    await expect(restore(saved, { ...options, network: false })).rejects.toThrow('network card 1');
    utimesSync(file, 1, 1);
    await expect(restore(saved, options)).rejects.toThrow(
      /disk\.img is not as it was when the machine was saved/,
    );
    await expect(restore(join(directory, 'none'))).rejects.toBeInstanceOf(InputError);
  },
  LIMIT_MS,
);
