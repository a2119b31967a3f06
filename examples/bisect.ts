/**
 * Finds the first of a row of kernels with which a command fails, where the ones before it are right and those behind
 * it are not. Each kernel that is looked at boots once, and is kept as a snapshot: the next question about it takes no
 * boot.
 *
 *     npm run example -- bisect                          in a checkout; its kernels differ by their command lines
 *     npm run example -- bisect COMMAND KERNEL...        kernels of your own, the oldest one first
 *     node bisect.ts [COMMAND KERNEL...]                 beside an installed hartvisor, Node 24
 *
 * Kernels of your own get an initramfs of your own with INITRD=FILE, in which the agent of docs/agent.md runs.
 */
import { type BootOptions, boot, restore, type VmImage } from 'hartvisor';

interface Candidate {
  readonly name: string;
  readonly options: BootOptions;
}

const [given, ...kernels] = process.argv.slice(2);
const words = ['quiet', 'nohz=off', 'maxcpus=1', 'panic=5'];
const initrd = process.env.INITRD;
const own: Candidate[] = kernels.map((kernel) => ({
  name: kernel,
  options: { kernel, ...(initrd && { initrd }) },
}));
const ours: Candidate[] = words.map((_, index) => {
  const append = words.slice(0, index + 1).join(' ');
  return { name: append, options: { append } };
});
const candidates = own.length > 0 ? own : ours;
const command = given ?? '[ $(nproc) -eq 2 ]';

const images = new Map<Candidate, VmImage>();

/** A snapshot of a kernel that has booted. */
async function imageOf(candidate: Candidate): Promise<VmImage> {
  const known = images.get(candidate);
  if (known !== undefined) return known;
  await using vm = await boot({ cpus: 2, memory: '128M', ...candidate.options });
  await vm.commands.run('true');
  const image = await vm.snapshot();
  images.set(candidate, image);
  return image;
}

async function isRight(candidate: Candidate): Promise<boolean> {
  await using vm = await restore(await imageOf(candidate));
  const { exitCode } = await vm.commands.run(command, { timeoutMs: 60_000 });
  console.log(`${exitCode === 0 ? 'right' : 'wrong'}: ${candidate.name}`);
  return exitCode === 0;
}

let [right, wrong] = [-1, candidates.length];
while (wrong - right > 1) {
  const middle = Math.floor((right + wrong) / 2);
  if (await isRight(candidates[middle])) right = middle;
  else wrong = middle;
}
const first = candidates[wrong];
console.log(first === undefined ? 'No kernel is wrong.' : `The first wrong one: ${first.name}`);

// Other differences between the two, without a boot.
const pair = [candidates[right], first].filter((each) => each !== undefined);
for (const candidate of pair) {
  const image = await imageOf(candidate);
  await using vm = await restore(image);
  const { stdout } = await vm.commands.run('cat /sys/devices/system/cpu/online');
  console.log(
    `${candidate.name}: processors ${stdout.trim()}, a snapshot of ${Math.round(image.size / 2 ** 20)} MiB`,
  );
}
