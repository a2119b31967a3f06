/**
 * Saves a Linux that works on a disk and talks to the host by its network, again and again, and goes on with it in
 * another machine: what it has written is read back and compared all the time, and in the end its file system is
 * checked.
 *
 *     node scripts/linux-snapshot-soak.ts [--cycles 200] [--minutes M] [--cpus 2] [--seed N] [--keep]
 *
 * The disk is a copy-on-write file over an empty ext4 (qemu-img and mke2fs make them, e2fsck looks at the end). Every
 * third time the machine goes through a file, else through an image in memory. The network is a server of the host that
 * echoes what it gets: connections are cut by each move, and are begun anew. The exit status is 0 if all was well.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { boot, restore, type Vm } from '../src/node/index.ts';

/** Milliseconds between two moves at most. */
const LONGEST_STAY = 1500;
const MEMORY = '160M';
const DISK_MIB = 256;
/** For what the guest is asked, on a machine that is busy with other things. */
const PATIENCE = { timeoutMs: 240_000 };

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '100000' },
    cpus: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'hartvisor-linux-soak-'));
let seed = Number(values.seed);

/** Below `end`. */
function random(end: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * end);
}

/** A worker of the guest: each counts its rounds in a file, and tells of a fault in another one. */
const worker = {
  // Files of random content with their sums, written by way of the disk, of which the oldest goes.
  disk: `
mkdir -p /data/files
round=0
while [ ! -e /tmp/stop ]; do
  round=$((round + 1)); name=/data/files/$((round % 8))
  head -c $((4096 * (1 + round % 200))) /dev/urandom > $name.new && mv $name.new $name && md5sum $name > $name.sum
  sync; echo 3 > /proc/sys/vm/drop_caches
  for sum in /data/files/*.sum; do md5sum -c -s $sum || echo "round $round: $sum" >> /tmp/wrong; done
  echo $round > /tmp/disk-rounds
done
echo done > /tmp/disk-done`,
  // Bytes that a server of the host sends back. A connection that is reset has failed, and never has other bytes.
  net: `
round=0; whole=0
head -c 200000 /dev/urandom > /tmp/sent; wanted=$(md5sum < /tmp/sent)
while [ ! -e /tmp/stop ]; do
  round=$((round + 1))
  timeout 20 nc HOST PORT < /tmp/sent > /tmp/got 2> /dev/null
  size=$(stat -c %s /tmp/got)
  if [ $size = 200000 ]; then
    whole=$((whole + 1)); [ "$(md5sum < /tmp/got)" = "$wanted" ] || echo "net round $round: other bytes" >> /tmp/wrong
  elif ! head -c $size /tmp/sent | cmp -s - /tmp/got; then echo "net round $round: other bytes of $size" >> /tmp/wrong; fi
  echo $round $whole > /tmp/net-rounds
done
echo done > /tmp/net-done`,
};

function makeDisk(): string {
  const [raw, disk] = [join(folder, 'base.raw'), join(folder, 'disk.qcow2')];
  execFileSync('mke2fs', ['-q', '-t', 'ext4', raw, `${DISK_MIB}M`]);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', raw, disk]);
  return disk;
}

/** Sends back what it gets. @returns its port, and what ends it */
async function echoServer(): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: address.port, close };
}

async function say(vm: Vm, command: string): Promise<string> {
  const { stdout, stderr, exitCode } = await vm.commands.run(command, PATIENCE);
  if (exitCode !== 0) throw new Error(`${command} in the guest: ${stderr}`);
  return stdout.trim();
}

/** The machine goes on as another one, and is gone itself: only one may write to the disk. */
async function move(vm: Vm, throughFile: boolean, options: Parameters<typeof restore>[1]): Promise<Vm> {
  const threads = 1 + random(Number(values.cpus));
  await vm.pause();
  if (throughFile) {
    const file = join(folder, 'machine');
    await vm.save(file);
    await vm.stop();
    return restore(file, { ...options, threads });
  }
  const image = await vm.snapshot();
  await vm.stop();
  return restore(image, { ...options, threads });
}

async function run(): Promise<void> {
  const disk = makeDisk();
  const server = await echoServer();
  const network = { allow: [`127.0.0.1:${server.port}`] };
  const options = { disk, network };
  let vm = await boot({ cpus: Number(values.cpus), memory: MEMORY, ...options });
  const host = '10.0.2.2';
  const net = worker.net.replace('HOST', host).replace('PORT', `${server.port}`);
  await say(vm, 'mkdir -p /data && mount -t ext4 /dev/vda /data');
  for (const [name, script] of Object.entries({ ...worker, net })) {
    await vm.files.write(`/tmp/${name}.sh`, script);
    await say(vm, `setsid sh /tmp/${name}.sh > /tmp/${name}.log 2>&1 < /dev/null & exit 0`);
  }
  const until = performance.now() + Number(values.minutes) * 60_000;
  const cycles = Number(values.cycles);
  let done = 0;
  for (; done < cycles && performance.now() < until; done++) {
    await delay(random(LONGEST_STAY));
    vm = await move(vm, done % 3 === 0, options);
    const state = await say(
      vm,
      'cat /tmp/wrong 2> /dev/null; cat /tmp/disk-rounds /tmp/net-rounds 2> /dev/null || true',
    );
    if (/round \d/.test(state)) throw new Error(`after ${done + 1} moves something was wrong:\n${state}`);
    if ((done + 1) % 10 === 0) {
      const [disks = '0', nets = '0 0'] = state.split('\n');
      console.log(
        `${done + 1} moves: ${disks} rounds on the disk, ${nets.replace(' ', ' connections, ')} of them whole`,
      );
    }
  }
  await say(
    vm,
    'touch /tmp/stop; while [ ! -e /tmp/disk-done ] || [ ! -e /tmp/net-done ]; do sleep 0.1; done',
  );
  const end = await say(
    vm,
    'cat /tmp/wrong 2> /dev/null; dmesg | grep -iE "EXT4-fs error|I/O error|BUG|WARN|stall"; umount /data',
  );
  await vm.stop();
  server.close();
  if (end !== '') throw new Error(`the guest reports:\n${end}`);
  const raw = join(folder, 'end.raw');
  execFileSync('qemu-img', ['check', '-q', disk]);
  execFileSync('qemu-img', ['convert', '-O', 'raw', disk, raw]);
  execFileSync('e2fsck', ['-fn', raw], { stdio: ['ignore', 'ignore', 'inherit'] });
  console.log(`${done} moves: nothing was wrong, and the file system is clean`);
}

try {
  await run();
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  if (values.keep) console.log(`kept: ${folder}`);
  else rmSync(folder, { recursive: true });
}
process.exit();
