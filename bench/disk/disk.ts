/**
 * Measures a disk of a Linux guest by the guest's own clock: the same kernel, the same program of ours as its only
 * process, and the same file on hartvisor and on QEMU, in turns. All transfers pass the guest's page cache by, and find
 * the file in that of the host.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withParentDirectories, writeCpio } from '../../src/boot/cpio.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { debianModules } from '../../test/machine/debian-modules.ts';
import { compile, findCompiler } from '../compiler.ts';
import { type Contender, type Field, hartvisorCommand, prepareField, qemuCommand } from '../contenders.ts';
import { type GuestReport, readReport, reportLine } from '../linux/report.ts';
import { measuredRun } from '../measured-run.ts';
import type { DiskOptions } from '../options.ts';
import { describeSetting, readSetting, type Setting } from '../setting.ts';
import { median, type Spread } from '../statistics.ts';
import { formatRatio, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { type Samples, speedsAgainst, takeTurns } from '../turns.ts';
import type { DiskFormat } from './benchmarks.ts';

/** One benchmark with a disk of one format. */
export interface DiskRow {
  readonly format: DiskFormat;
  readonly benchmark: string;
  /** Seconds of an iteration, by the guest's clock. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Relative to the yardstick: above 1 is faster. */
  readonly speed: Readonly<Record<string, Spread>>;
}

/** Everything that was measured. */
export interface DiskResult {
  readonly setting: Setting;
  readonly turns: number;
  readonly rows: readonly DiskRow[];
}

interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
}

/** Bytes of the disk. */
const DISK_BYTES = 2 ** 28;

/**
 * Measures the benchmarks.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when a program or the kernel is missing; RunFailure when a run fails
 */
export async function runDiskBench(
  options: DiskOptions,
  onProgress: (line: string) => void,
): Promise<DiskResult> {
  const compiler = findCompiler(options.compiler);
  using directory = temporaryDirectory('disk');
  const files = await guestFiles(compiler, directory.path);
  const field = await prepareField(options, directory.path, onProgress);
  const setting = readSetting(field);
  const rows: DiskRow[] = [];
  for (const format of options.formats) {
    const guest = { ...files, disk: makeDisk(format, directory.path) };
    const samples = await takeTurns(field, options.runs, async (contender, turn) => {
      const limits = { timeout: options.timeout, lines: reportLine };
      // Whoever comes first would read it into the page cache for the other.
      readFileSync(guest.disk);
      const run = await measuredRun(commandFor(contender, guest, format, options), limits);
      const report = readReport(run, `the guest on ${contender.label} with a ${format} disk`, false);
      onProgress(`turn ${turn + 1}/${options.runs}, ${format}, ${contender.label}`);
      return report;
    });
    rows.push(...options.benchmarks.map((benchmark) => judge(format, benchmark, field, samples)));
  }
  return { setting, turns: options.runs, rows };
}

function judge(format: DiskFormat, benchmark: string, field: Field, samples: Samples<GuestReport>): DiskRow {
  const time = (report: GuestReport) => report.benchmarks.get(benchmark)?.guest ?? Number.NaN;
  const seconds = Object.fromEntries(
    Object.entries(samples).map(([label, reports]) => [label, median(reports.map(time))]),
  );
  return { format, benchmark, seconds, speed: speedsAgainst(field, samples, time) };
}

async function guestFiles(compiler: string, directory: string): Promise<Omit<GuestFiles, 'disk'>> {
  const found = await debianModules(['virtio_blk']);
  if (found === undefined) throw new InputError("There is no driver: Debian's kernel cannot be fetched.");
  const sources = ['disk/guest/main.c', ...['linux.c', 'measure.c', 'report.c', 'start.S'].map(shared)];
  const elf = join(directory, 'init.elf');
  const paths = sources.map((name) => fileURLToPath(new URL(`../${name}`, import.meta.url)));
  // The kernel maps code and data with different rights, so they must not share a page.
  compile(compiler, ['-Wl,-z,separate-code', ...paths], elf, 'bench/disk/guest');
  const initrd = join(directory, 'initrd');
  writeFileSync(
    initrd,
    writeCpio(
      withParentDirectories([
        // Without devtmpfs the kernel opens this one for /init.
        { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
        { kind: 'file', path: 'init', mode: 0o755, data: readFileSync(elf) },
        ...found.modules.map(({ path, data }) => ({
          ...({ kind: 'file', path, mode: 0o644 } as const),
          data: typeof data === 'string' ? Buffer.from(data) : data,
        })),
      ]),
    ),
  );
  return { kernel: found.guest.kernelPath, initrd };
}

const shared = (name: string) => `linux/guest/${name}`;

/** A disk without holes, and with nothing that compresses. */
function makeDisk(format: DiskFormat, directory: string): string {
  const raw = join(directory, 'disk.raw');
  const piece = new Uint8Array(2 ** 16);
  crypto.getRandomValues(piece);
  writeFileSync(raw, Buffer.alloc(DISK_BYTES, piece));
  if (format === 'raw') return raw;
  if (spawnSync('qemu-img', ['--version']).status !== 0)
    throw new InputError('The image is made by qemu-img, which is missing. Install qemu-utils (Debian).');
  const image = join(directory, 'disk.qcow2');
  execFileSync('qemu-img', ['convert', '-O', 'qcow2', raw, image]);
  return image;
}

function commandFor(contender: Contender, guest: GuestFiles, format: DiskFormat, options: DiskOptions) {
  const words = `console=ttyS0 earlycon=sbi panic=-1 quiet -- ${options.milliseconds} ${options.benchmarks.join(',')}`;
  const { kernel, initrd, disk } = guest;
  const drive = `file=${disk.replaceAll(',', ',,')},format=${format},if=virtio`;
  if (contender.kind === 'qemu') {
    const shape = ['-smp', '1', '-m', options.memory, '-drive', drive];
    return qemuCommand(contender, ...shape, '-kernel', kernel, '-initrd', initrd, '-append', words);
  }
  const shape = ['--smp', '1', '--pcpus', '1', '--memory', options.memory, '--drive', drive];
  return hartvisorCommand(
    contender,
    'run',
    ...shape,
    '--kernel',
    kernel,
    '--initrd',
    initrd,
    '--append',
    words,
  );
}

/** The result for people. */
export function formatDiskResult({ setting, turns, rows }: DiskResult): string {
  const [yardstick, ...others] = setting.contenders.map(({ label }) => label);
  const micros = (seconds: number) => (seconds * 1e6).toFixed(1);
  const cells = ({ format, benchmark, seconds, speed }: DiskRow) => [
    `${format} ${benchmark}`,
    micros(seconds[yardstick]),
    ...others.flatMap((label) => {
      const { median: middle, min, max } = speed[label];
      return [micros(seconds[label]), formatRatio(middle), `${formatRatio(min)}..${formatRatio(max)}`];
    }),
  ];
  return [
    "Disk: speed relative to QEMU (above 1: faster than QEMU), by the guest's clock",
    describeSetting(setting),
    `medians of ${turns} turns`,
    '',
    formatTable([
      [
        'format, benchmark',
        `${yardstick} us`,
        ...others.flatMap((label) => [`${label} us`, 'speed', 'min..max']),
      ],
      ...rows.map(cells),
    ]),
  ].join('\n');
}
