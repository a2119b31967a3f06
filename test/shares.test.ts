/** Shared folders, by Linux' own driver in Debian's kernel, and by what the host finds in them. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { guestSetUp } from '../src/node/guests/guest-parts.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { openShares } from '../src/node/shares/open-shares.ts';
import type { ShareOptions } from '../src/node/shares/share-options.ts';
import { debianGuest } from './machine/debian-guest.ts';
import { countedLines, guestScript, QUICK_START } from './machine/guest-script.ts';
import { type MachineRun, runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;
const guest = await debianGuest();
/** A file of every guest, `/numbers`. */
const numbers = countedLines(20_000);

const root = mkdtempSync(join(tmpdir(), 'hartvisor-shares-'));
afterAll(() => rmSync(root, { recursive: true }));

function folder(name: string): string {
  const path = join(root, name);
  mkdirSync(path);
  return path;
}

/** Runs a script in a guest with shared folders, which is set up as the one that hartvisor brings. */
async function run(script: string, shares: readonly ShareOptions[]): Promise<MachineRun> {
  if (guest === undefined) throw new Error('there is no guest');
  const host = new NodeHost();
  const { facts, module, close } = openShares(shares);
  host.loadFirst(module);
  const parts = { virtio: 'pci', shares: facts } as const;
  const { files, setUp } = await guestSetUp(guest.version, parts, {});
  try {
    return await runMachine(
      {
        kind: 'domain',
        vcpus: 4,
        pcpus: 2,
        memoryBytes: 256 * 1024 * 1024,
        protocol: 'take-mirror',
        kernel: await readKernel(readFileSync(guest.kernelPath), guest.kernelPath),
        initrd: initramfs({
          busybox: readFileSync(guest.busyboxPath),
          extraFiles: [...files, { path: 'numbers', data: numbers }],
          setUp,
          run: guestScript(script),
        }),
        bootArgs: `console=ttyS0 ${QUICK_START}`,
        shares: facts,
      },
      LIMIT_MS,
      [],
      host,
    );
  } finally {
    close();
  }
}

function values(output: string, name: string): string[] {
  return [...output.matchAll(new RegExp(`^${name}: ?(.*?)\\r?$`, 'gm'))].map(([, value]) => value);
}

describe.skipIf(guest === undefined)('a shared folder', { timeout: LIMIT_MS + 30_000 }, () => {
  test('is one for four processors and the host, nothing leads out of it, and one that is only to be read stays as it is', async () => {
    const shared = folder('shared');
    const outside = folder('outside');
    writeFileSync(join(outside, 'secret'), 'secret\n');
    writeFileSync(join(shared, 'from-host'), 'hello\n');
    symlinkSync(outside, join(shared, 'way-out'));
    symlinkSync('../outside/secret', join(shared, 'secret'));
    const kept = folder('kept');
    writeFileSync(join(kept, 'file'), 'kept\n');
    const script = `
      cd /mnt/shared
      echo "read: $(cat from-host)"
      for part in 1 2 3 4; do
        (mkdir p$part; for file in $(seq 1 20); do
           head -c $((part * 200 + file * 5)) /numbers > p$part/$file.tmp && mv p$part/$file.tmp p$part/$file
         done) &
      done; wait
      echo "sums: $(cat p?/* | md5sum)"
      mkdir deep; echo moved > deep/file; exec 3< deep/file; mv deep deeper
      rm deeper/file; echo "open: $(cat <&3)"; exec 3<&-; rmdir deeper
      echo one > a; ln a b; echo two >> b; rm a; echo "links: $(stat -c %h b) $(cat b | tr '\\n' ' ')"
      ln -s target link; echo "link: $(readlink link)"
      cp /bin/busybox busybox; chmod 755 busybox; echo "mapped: $(./busybox echo yes)"
      cat way-out/secret 2>&1 | sed 's/^/way out: /'
      cat secret 2>&1 | sed 's/^/secret: /'
      ls -a .. > /dev/null; ls /mnt/shared/../shared/.. | tr '\\n' ' ' | sed 's/^/above: /'; echo
      cat /numbers > numbers; dd if=/dev/zero of=numbers bs=1 seek=10 count=5 conv=notrunc 2>/dev/null
      truncate -s 50000 numbers; echo 3 > /proc/sys/vm/drop_caches; echo "numbers: $(md5sum < numbers)"
      touch -d '2001-02-03 04:05:06' numbers; chmod 640 numbers
      mkfifo fifo 2>/dev/null; echo "fifo: $?"
      touch "$(printf 'bytes-\\377')"
      echo "room: $(df -k . | tail -1 | awk '{ print ($2 > 0) }')"
      mkdir /again; mount -t virtiofs kept /again; cd /again; echo "kept: $(cat file)"
      for change in 'echo x > file' 'rm -f file' 'mv -f file g' 'ln file h' 'chmod 600 file' 'truncate -s 0 file'; do
        sh -c "$change" 2>&1 < /dev/null | sed 's/.*: /refused: /'
      done
      dmesg | grep -c 'Call Trace\\|WARNING' | sed 's/^/trouble: /'
    `;
    const { end, output, notices } = await run(script, [
      { folder: shared, tag: 'shared', readOnly: false },
      { folder: kept, tag: 'kept', readOnly: true },
    ]);
    expect(end, output).toEqual({ reason: 'poweroff' });
    expect(values(output, 'read')).toEqual(['hello']);
    const parts = [1, 2, 3, 4].map((part) => readdirSync(join(shared, `p${part}`)).sort());
    expect(parts.map((names) => names.length)).toEqual([20, 20, 20, 20]);
    const all = parts.flatMap((names, part) =>
      names.map((name) => readFileSync(join(shared, `p${part + 1}`, name))),
    );
    const sum = createHash('md5').update(Buffer.concat(all)).digest('hex');
    expect(values(output, 'sums')).toEqual([`${sum}  -`]);
    expect(values(output, 'open')).toEqual(['moved']);
    expect(values(output, 'links')).toEqual(['1 one two ']);
    expect(readFileSync(join(shared, 'b'), 'latin1')).toBe('one\ntwo\n');
    expect([values(output, 'link'), readlinkSync(join(shared, 'link'))]).toEqual([['target'], 'target']);
    expect(values(output, 'mapped')).toEqual(['yes']);
    // Links are the guest's to follow, in the guest.
    expect([...values(output, 'way out'), ...values(output, 'secret')].join()).not.toContain('secret\n');
    expect(values(output, 'way out')[0]).toContain('No such file');
    expect(values(output, 'secret')[0]).toContain('No such file');
    expect(values(output, 'above')).toEqual(['kept shared ']);
    const changed = Buffer.from(numbers.slice(0, 50_000));
    changed.fill(0, 10, 15);
    expect(readFileSync(join(shared, 'numbers')).equals(changed)).toBe(true);
    const { mtimeMs, mode } = statSync(join(shared, 'numbers'));
    expect([new Date(mtimeMs).toISOString(), mode & 0o777]).toEqual(['2001-02-03T04:05:06.000Z', 0o640]);
    expect(
      readdirSync(shared, 'buffer').some((name) => name.equals(Buffer.from('bytes-\xff', 'latin1'))),
    ).toBe(true);
    expect(values(output, 'fifo')).toEqual(['1']);
    expect(existsSync(join(shared, 'deeper'))).toBe(false);
    expect([...values(output, 'kept'), ...values(output, 'refused')]).toEqual([
      'kept',
      ...Array.from({ length: 6 }, () => 'Read-only file system'),
    ]);
    expect([readdirSync(kept), readFileSync(join(kept, 'file'), 'latin1')]).toEqual([['file'], 'kept\n']);
    expect([...values(output, 'room'), ...values(output, 'trouble'), ...notices]).toEqual(['1', '0']);
  });
});
