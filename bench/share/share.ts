/**
 * A shared folder: the same kernel, initrd, vCPUs and memory on hartvisor (as many threads as vCPUs), which has it over
 * virtio-fs, and on QEMU with its 9p, in turns.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initramfs } from '../../src/boot/initramfs.ts';
import { debianModules, MODULES_PATH } from '../../src/node/debian/debian-modules.ts';
import { type Contender, hartvisorCommand, prepareField, qemuCommand } from '../contenders.ts';
import { debianFiles } from '../debian-files.ts';
import { measuredRun, RunFailure, type TimedLine } from '../measured-run.ts';
import type { ShareOptions } from '../options.ts';
import { describeSetting, readSetting, type Setting } from '../setting.ts';
import { formatSeconds } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { takeTurns } from '../turns.ts';
import { formatWorkRows, type WorkRow, workRows } from '../work-rows.ts';
import { guestPrograms } from './programs.ts';
import { ARCHIVE_FILES, makeTree, SOURCES } from './tree.ts';

/** In the order in which they are loaded. */
const MODULES = ['netfs', '9pnet', '9pnet_virtio', '9p'];
const TAG = 'share';
const words = 'console=ttyS0 earlycon=sbi panic=-1 quiet';

/** Things that are done in the guest, each with its commands. */
const WORK = [
  {
    name: 'status',
    about: 'git status',
    script: 'cd /mnt/tree && git status --short 2> /dev/null',
  },
  { name: 'again', about: 'the same again', script: 'cd /mnt/tree && git status --short 2> /dev/null' },
  {
    name: 'untar',
    about: `untar, ${ARCHIVE_FILES} files`,
    script: 'mkdir /mnt/untarred && tar xf /archive.tar -C /mnt/untarred',
  },
  {
    name: 'compile',
    about: `compile, ${SOURCES} files`,
    script: `cd /mnt/sources && for source in *.c; do
      cc1 -quiet -march=rv64gc -mabi=lp64d -Iinclude -O1 $source -o \${source%.c}.s && riscv64-linux-gnu-as -march=rv64gc -mabi=lp64d \${source%.c}.s -o \${source%.c}.o
    done`,
  },
  { name: 'remove', about: `rm -r, ${ARCHIVE_FILES} files`, script: 'rm -r /mnt/untarred' },
] as const;

/** Everything that was measured. */
export interface ShareResult {
  /** In the working tree. */
  readonly files: number;
  readonly setting: Setting;
  readonly rows: readonly WorkRow[];
}

interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly folder: string;
}

/**
 * Measures a shared folder.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when QEMU or the guest is missing; RunFailure when a guest does not do its work
 */
export async function runShareBench(
  options: ShareOptions,
  onProgress: (line: string) => void,
): Promise<ShareResult> {
  using directory = temporaryDirectory('share');
  const field = await prepareField(options, directory.path, onProgress);
  const guest = await guestFiles(directory.path, options, onProgress);
  const rows: WorkRow[] = [];
  for (const vcpus of options.smp) {
    const runs = await takeTurns(field, options.runs, async (contender, turn) => {
      const seconds = await runOnce(contender, vcpus, guest, options);
      onProgress(`turn ${turn + 1}/${options.runs}, ${vcpus} vCPUs, ${contender.label}: ${timesIn(seconds)}`);
      return seconds;
    });
    rows.push(...workRows(field, vcpus, WORK, runs));
  }
  return { setting: readSetting(field), files: options.files, rows };
}

async function guestFiles(
  directory: string,
  options: ShareOptions,
  onProgress: (line: string) => void,
): Promise<GuestFiles> {
  const files = await debianFiles(onProgress);
  onProgress('Fetching the programs of the guest, and making its files');
  const folder = join(directory, 'folder');
  const archive = join(directory, 'archive.tar');
  makeTree(folder, archive, options.files);
  const initrd = join(directory, 'initrd');
  writeFileSync(
    initrd,
    initramfs({
      busybox: readFileSync(files.busyboxPath),
      run: script(),
      extraFiles: [
        ...(await guestPrograms()),
        ...(await debianModules(files.version, MODULES)),
        { path: 'archive.tar', data: readFileSync(archive) },
        // Files of the host may be another user's.
        { path: 'root/.gitconfig', data: '[safe]\n\tdirectory = *\n' },
      ],
    }),
  );
  return { kernel: files.kernelPath, initrd, folder };
}

/** The work, with a line before and after each. QEMU's guest is told by a word of its command line to use 9p. */
function script(): string {
  const load = `for module in ${MODULES.join(' ')}; do insmod /${MODULES_PATH}/$module.ko; done`;
  const work = WORK.map(
    ({ name, script }) => `echo "begin ${name}"\n(${script}) || exit 1\necho "end ${name}"`,
  );
  return `export HOME=/root
if grep -q share=9p /proc/cmdline; then
  ${load}; mount -t 9p -o trans=virtio,version=9p2000.L ${TAG} /mnt
else
  mount -t virtiofs ${TAG} /mnt
fi
${work.join('\n')}
`;
}

async function runOnce(
  contender: Contender,
  vcpus: number,
  guest: GuestFiles,
  options: ShareOptions,
): Promise<ReadonlyMap<string, number>> {
  for (const left of ['untarred', ...madeBySources()])
    rmSync(join(guest.folder, left), { recursive: true, force: true });
  const run = await measuredRun(commandFor(contender, vcpus, guest, options), {
    timeout: options.timeout,
    lines: /^(begin|end) \w+$/,
  });
  const seconds = new Map(WORK.flatMap(({ name }) => timeOf(name, run.lines)));
  if (run.status === 0 && seconds.size === WORK.length) return seconds;
  throw new RunFailure(
    `The guest of ${contender.label} did ${seconds.size} of ${WORK.length} kinds of work (${timesIn(seconds)}); ` +
      `status ${run.status}; ` +
      `the end of its output: ${run.output.slice(-2000).trim()}`,
  );
}

function timesIn(seconds: ReadonlyMap<string, number>): string {
  return [...seconds].map(([name, each]) => `${name} ${formatSeconds(each)} s`).join(', ');
}

function madeBySources(): readonly string[] {
  return Array.from({ length: SOURCES }, (_, at) => [
    `sources/source-${at}.s`,
    `sources/source-${at}.o`,
  ]).flat();
}

function timeOf(name: string, lines: readonly TimedLine[]): (readonly [string, number])[] {
  const [begin, end] = ['begin', 'end'].map((word) => lines.find(({ text }) => text === `${word} ${name}`));
  return begin === undefined || end === undefined ? [] : [[name, end.at.wall - begin.at.wall]];
}

function commandFor(
  contender: Contender,
  vcpus: number,
  { kernel, initrd, folder }: GuestFiles,
  options: ShareOptions,
) {
  if (contender.kind === 'qemu') {
    const shape = ['-smp', `${vcpus}`, '-m', options.memory];
    const device = ['-virtfs', `local,path=${folder},mount_tag=${TAG},security_model=none`];
    const files = ['-kernel', kernel, '-initrd', initrd];
    return qemuCommand(contender, ...shape, ...device, ...files, '-append', `${words} share=9p`);
  }
  const shape = ['--smp', `${vcpus}`, '--pcpus', `${vcpus}`, '--memory', options.memory];
  const files = ['--kernel', kernel, '--initrd', initrd];
  return hartvisorCommand(
    contender,
    'run',
    ...shape,
    '--share',
    `${folder}:${TAG}`,
    ...files,
    '--append',
    words,
  );
}

/** The result for people. */
export function formatShareResult(result: ShareResult): string {
  const labels = result.setting.contenders.map(({ label }) => label);
  return [
    "A shared folder: speed relative to QEMU's 9p (above 1: faster than QEMU)",
    describeSetting(result.setting),
    `${result.files} files in the working tree; medians of ${result.rows[0]?.samples[labels[0]].length ?? 0} turns`,
    '',
    formatWorkRows('work', labels, result.rows),
  ].join('\n');
}
