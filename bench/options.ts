import { parseArgs } from 'node:util';
import { InputError } from '../src/errors/input-error.ts';
import { readCpu, type Xlen } from '../src/machine/cpu.ts';
import type { ContenderOptions } from './contenders.ts';
import { type Kernel, kernels, selectKernels } from './cpu/kernels.ts';
import { type DiskFormat, diskBenchmarks, diskFormats } from './disk/benchmarks.ts';
import { type LinuxBenchmark, linuxBenchmarks, selectBenchmarks } from './linux/benchmarks.ts';
import { type GuestProgram, guestPrograms, selectPrograms } from './programs/programs.ts';
import { vectorKernels } from './vector/kernels.ts';

/** Options of all comparisons with QEMU. */
interface CommonOptions extends ContenderOptions {
  /** Turns: how often each side runs. */
  readonly runs: number;
  /** Print the result for programs, not for people. */
  readonly json: boolean;
  /** Seconds after which one run is given up. */
  readonly timeout: number;
}

export interface CpuOptions extends CommonOptions {
  readonly kernels: readonly Kernel[];
  /** How often a program does its kernel's work. */
  readonly times: number;
  /** Width of the harts. */
  readonly xlen: Xlen;
  /** The cross compiler; undefined looks for Debian's two. */
  readonly compiler: string | undefined;
}

/** Options of `bench -- sweep`: as those of `cpu`, but that it has kernels of its own. */
export interface SweepOptions extends Omit<CpuOptions, 'kernels'> {
  /** A file for a picture of the speeds, as SVG. */
  readonly plot: string | undefined;
}

/** The shape of a Linux guest. */
interface GuestOptions extends CommonOptions {
  /** A kernel in place of Debian's. */
  readonly kernel: string | undefined;
  /** Numbers of vCPUs to measure with. */
  readonly smp: readonly number[];
  /** As QEMU's -m takes it. */
  readonly memory: string;
}

export interface BootOptions extends GuestOptions {
  /** Goes with the kernel. */
  readonly initrd: string | undefined;
  /** Words for the kernel's command line, behind those that every guest gets. */
  readonly append: string;
}

/** Options of `bench -- net`. */
export type NetOptions = Omit<GuestOptions, 'kernel'>;

/** Options of `bench -- share`. */
export interface ShareOptions extends NetOptions {
  /** In the working tree. */
  readonly files: number;
}

/** Options of `bench -- programs`. */
export interface ProgramsOptions extends NetOptions {
  readonly programs: readonly GuestProgram[];
}

/** Options of `bench -- overcommit`. */
export interface OvercommitOptions extends NetOptions {
  /** Threads of hartvisor, whatever the number of vCPUs. */
  readonly pcpus: number;
}

/** Guests of `bench -- trace`. */
export const traceGuests = ['linux', 'tick'] as const;

/** Options of `bench -- trace`. */
export interface TraceOptions {
  readonly runs: number;
  readonly guests: readonly (typeof traceGuests)[number][];
  /** A folder with another version, to be run without a trace. */
  readonly checkout: string | undefined;
}

/** Options of `bench -- web`. */
export interface WebOptions extends Pick<CpuOptions, 'kernels' | 'times' | 'compiler' | 'runs'> {
  /** Boots Linux, too. */
  readonly linux: boolean;
  /** Measures against v86 in place of Node. */
  readonly v86: boolean;
  /** The compiler for guests of v86. */
  readonly pcCompiler: string;
}

export interface LinuxOptions extends GuestOptions {
  readonly benchmarks: readonly LinuxBenchmark[];
  /** Guest time that each of them is to take, about as much again for finding the number of iterations. */
  readonly milliseconds: number;
  readonly compiler: string | undefined;
}

export interface DiskOptions extends CommonOptions {
  readonly memory: string;
  readonly formats: readonly DiskFormat[];
  /** Names. */
  readonly benchmarks: readonly string[];
  /** Guest time that each of them is to take. */
  readonly milliseconds: number;
  readonly compiler: string | undefined;
}

const common = {
  runs: { type: 'string', default: '5' },
  qemu: { type: 'string' },
  node: { type: 'string', default: process.execPath },
  engine: { type: 'string' },
  checkout: { type: 'string' },
  json: { type: 'boolean', default: false },
  timeout: { type: 'string', default: '300' },
} as const;

const guest = {
  kernel: { type: 'string' },
  smp: { type: 'string', default: '1,2' },
  memory: { type: 'string', default: '512M' },
} as const;

/** How to use the benchmarks. */
export const usage = `npm run bench -- cpu | vector | sweep | boot | programs | overcommit | linux | disk | net | share | agent | irq | regions | snapshot | timeline | trace | debug | web [options]

  cpu    CPU kernels on the bare machine, against QEMU (TCG)
  vector the same with vector instructions, on harts of VLEN = 256
  sweep  the same work with more and more instructions, calls, pages and memory, against QEMU; fails on a step
  boot   Linux from start to its first userspace line and to power-off, against QEMU (TCG)
  programs  GCC, Python, Perl, OpenSSL, SQLite, gzip, xz and zstd of Debian in a Linux guest, against QEMU (TCG)
  overcommit  a boot, hackbench and make -j64 with 2 and with 64 vCPUs on 2 threads, and the same on QEMU
  linux  system calls, page faults, switches, interrupts and throughput within Linux, against QEMU (TCG)
  disk   a disk of a Linux guest, raw and as a qcow2 image, against QEMU (TCG)
  net    TCP both ways, round trips and connections of a Linux guest, against QEMU's user network
  share  git status, untar, compile in a shared folder of a Linux guest, against QEMU's 9p
  agent  commands, outputs and files by the guest's agent, against the same agent with QEMU
  irq    an interrupt round of each protocol, against the same in C
  timeline  the page’s timeline with 10^5 events a second in a browser: frames, memory, processor time
  snapshot  the default guest saved and restored, against its boot, and memory of 20 machines
  regions  how fast guest code becomes WebAssembly: the compiler alone, in new processes and later
  trace    what --trace costs: CPU time with it and without
  debug    what a debugger costs: a loop with points elsewhere, and steps and hits a second
  web      the same machines in a tab of Chromium, against Node: kernels, a boot of Linux, a start from an image

Options of cpu, vector, sweep, boot, programs, overcommit, linux, disk, net, share and agent (which has no --node, --engine, --checkout):
  --runs N          turns, in each of which all sides run once (default: 5; of sweep 1, of overcommit 3)
  --qemu LIST       QEMU programs, or "trixie" for the one of that Debian release, fetched with its libraries; all
                    others are compared with the first (default: qemu-system-riscv64, or riscv32)
  --node LIST       programs of Node that run hartvisor, or versions as 26, fetched by npm (default: this one)
  --engine LIST     engines, each measured with each Node (default: hartvisor's choice)
  --checkout LIST   folders with other versions of hartvisor, each measured in turns with this one
  --timeout SECONDS give up after this time of one run (default: 300)
  --json            print the result as JSON
Options of boot, programs, overcommit, linux, net, share and agent:
  --smp N,M         numbers of vCPUs (default: 1,2; of overcommit 2,64, each compared with the first)
  --memory SIZE     as 512M (default: 512M; of overcommit 1G)
Options of overcommit:
  --pcpus N         threads of hartvisor (default: 2)
Options of boot and linux:
  --kernel FILE     in place of Debian's; boot needs an initrd with it
Options of programs:
  --programs A,B    only these
Options of trace:
  --runs N          as above
  --guests A,B      linux, tick (default: both)
  --checkout FOLDER another version of hartvisor, without a trace, in the same turns
Options of web: --runs, --kernels (or none), --times and --cc as above, and
  --no-linux        kernels alone
  --v86             against v86 in the same Chromium: kernels and system calls in Linux, the same C for both guests
  --cc-pc NAME      compiles for v86's guest, of 32 bits (default: gcc)
Options of boot:
  --initrd FILE     goes with --kernel; it has to print "hartvisor: userspace is up" and to power off by itself, or for
                    the word hartvisor.run=true
  --append WORDS    more words for the kernel
Options of linux:
  --benchmarks A,B  only these
  --ms N            milliseconds that each is to take in the guest (default: 500)
  --aia LIST        interrupt controllers: none, aplic-imsic; all sides are measured with each (Linux 6.12 hangs on
                    two vCPUs of QEMU 7.2 with aplic-imsic; use --qemu trixie)
Options of disk, beside --memory and --ms:
  --formats A,B     only these: raw, qcow2
  --benchmarks A,B  only these
Options of share:
  --files N         files in the working tree of git (default: 500)
Options of cpu, vector, sweep, linux and disk:
  --cc PATH         C compiler for RISC-V (default: riscv64-linux-gnu-gcc or riscv64-unknown-elf-gcc)
Options of cpu, vector and sweep (sweep has no --kernels, and does the work 2 times by default; --cpu is cpu's):
  --kernels A,B     only these; "chase" and "stream" mean all of their sizes
  --cpu rv32        harts of 32 bits, in hartvisor, in QEMU, and to compile for (default: rv64)
  --times N         do each kernel's work, about a second of QEMU's, N times in a run (default: 5); 1 shows what
                    compiling costs
Options of sweep:
  --plot FILE       draw the speeds of hartvisor, as SVG

Kernels of vectors:
${vectorKernels.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n')}

CPU kernels:
${kernels.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n')}

Linux benchmarks:
${linuxBenchmarks.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n')}

Programs:
${guestPrograms.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n')}

Disk benchmarks:
${Object.entries(diskBenchmarks)
  .map(([name, about]) => `  ${name.padEnd(14)} ${about}`)
  .join('\n')}
`;

/** Reads the options of `cpu`. @throws InputError with the possible values */
export function readCpuOptions(args: readonly string[]): CpuOptions {
  const values = parse(args, {
    ...common,
    kernels: { type: 'string' },
    times: { type: 'string', default: '5' },
    cc: { type: 'string' },
    cpu: { type: 'string' },
  });
  const { xlen } = readCpu(values.cpu);
  return {
    ...readCommon(values, xlen),
    xlen,
    kernels: selectKernels(values.kernels),
    times: wholeNumber(values.times, '--times', 1000),
    compiler: values.cc,
  };
}

/** Reads the options of `vector`. @throws InputError with the possible values */
export function readVectorOptions(args: readonly string[]): CpuOptions {
  const { kernels, times, cc, ...values } = parse(args, {
    ...common,
    kernels: { type: 'string' },
    times: { type: 'string', default: '5' },
    cc: { type: 'string' },
  });
  return {
    ...{ ...readCommon(values), xlen: 64, compiler: cc },
    kernels: selectKernels(kernels, vectorKernels),
    times: wholeNumber(times, '--times', 1000),
  };
}

/** Reads the options of `web`. @throws InputError with the possible values */
export function readWebOptions(args: readonly string[]): WebOptions {
  const values = parse(args, {
    runs: { type: 'string', default: '3' },
    kernels: { type: 'string', default: 'crc,quicksort,sha256,bytecode,nbody,virtual,strings,stream-1024k' },
    times: { type: 'string', default: '2' },
    'no-linux': { type: 'boolean', default: false },
    v86: { type: 'boolean', default: false },
    'cc-pc': { type: 'string', default: 'gcc' },
    cc: { type: 'string' },
  });
  return {
    kernels: values.kernels === 'none' ? [] : selectKernels(values.kernels),
    times: wholeNumber(values.times, '--times', 1000),
    runs: wholeNumber(values.runs, '--runs', 1000),
    compiler: values.cc,
    linux: !values['no-linux'],
    v86: values.v86,
    pcCompiler: values['cc-pc'],
  };
}

/** Reads the options of `sweep`. @throws InputError with the possible values */
export function readSweepOptions(args: readonly string[]): SweepOptions {
  const { times, cc, plot, ...values } = parse(args, {
    ...common,
    runs: { type: 'string', default: '1' },
    times: { type: 'string', default: '2' },
    cc: { type: 'string' },
    plot: { type: 'string' },
  });
  return { ...readCommon(values), xlen: 64, times: wholeNumber(times, '--times', 1000), compiler: cc, plot };
}

/** Reads the options of `boot`. @throws InputError with the possible values */
export function readBootOptions(args: readonly string[]): BootOptions {
  const values = parse(args, {
    ...common,
    ...guest,
    initrd: { type: 'string' },
    append: { type: 'string', default: '' },
  });
  const { initrd, append } = values;
  if ((values.kernel === undefined) !== (initrd === undefined)) {
    throw new InputError('--kernel and --initrd belong together. Give both, or neither for those of Debian.');
  }
  return { ...readCommon(values), ...readGuest(values), initrd, append };
}

/** Reads the options of `net`. @throws InputError with the possible values */
export function readNetOptions(args: readonly string[]): NetOptions {
  const { kernel: _, ...own } = guest;
  const values = parse(args, { ...common, ...own });
  return { ...readCommon(values), ...readGuest(values) };
}

/** Reads the options of `overcommit`. @throws InputError with the possible values */
export function readOvercommitOptions(args: readonly string[]): OvercommitOptions {
  const values = parse(args, {
    ...{ ...common, runs: { type: 'string', default: '3' }, pcpus: { type: 'string', default: '2' } },
    smp: { type: 'string', default: '2,64' },
    memory: { type: 'string', default: '1G' },
  });
  const options = {
    ...{ ...readCommon(values), ...readGuest(values) },
    pcpus: wholeNumber(values.pcpus, '--pcpus', 64),
  };
  if (options.smp.length > 1) return options;
  throw new InputError(`--smp ${values.smp}: give at least two numbers, such as 2,64, to be compared.`);
}

/** Reads the options of `programs`. @throws InputError with the possible values */
export function readProgramsOptions(args: readonly string[]): ProgramsOptions {
  const { kernel: _, ...own } = guest;
  const values = parse(args, { ...common, ...own, programs: { type: 'string' } });
  return { ...readCommon(values), ...readGuest(values), programs: selectPrograms(values.programs) };
}

/** Reads the options of `share`. @throws InputError with the possible values */
export function readShareOptions(args: readonly string[]): ShareOptions {
  const { kernel: _, ...own } = guest;
  const values = parse(args, { ...common, ...own, files: { type: 'string', default: '500' } });
  return { ...readCommon(values), ...readGuest(values), files: wholeNumber(values.files, '--files', 1e6) };
}

/** Reads the options of `linux`. @throws InputError with the possible values */
export function readLinuxOptions(args: readonly string[]): LinuxOptions {
  const values = parse(args, {
    ...common,
    ...guest,
    benchmarks: { type: 'string' },
    aia: { type: 'string' },
    ms: { type: 'string', default: '500' },
    cc: { type: 'string' },
  });
  const benchmarks = selectBenchmarks(values.benchmarks);
  const milliseconds = wholeNumber(values.ms, '--ms', 60_000);
  const aias = values.aia === undefined ? [] : list(values.aia, '--aia');
  return { ...readCommon(values), ...readGuest(values), benchmarks, milliseconds, compiler: values.cc, aias };
}

/** Reads the options of `disk`. @throws InputError with the possible values */
export function readDiskOptions(args: readonly string[]): DiskOptions {
  const values = parse(args, {
    ...common,
    memory: guest.memory,
    formats: { type: 'string', default: diskFormats.join(',') },
    benchmarks: { type: 'string', default: Object.keys(diskBenchmarks).join(',') },
    ms: { type: 'string', default: '1000' },
    cc: { type: 'string' },
  });
  const pick = <Name extends string>(
    option: '--formats' | '--benchmarks',
    text: string,
    known: readonly Name[],
  ) =>
    list(text, option).map((name) => {
      const found = known.find((each) => each === name);
      if (found !== undefined) return found;
      throw new InputError(`${option} ${text}: there is no "${name}". There are ${known.join(', ')}.`);
    });
  return {
    ...readCommon(values),
    memory: readGuest({ ...values, smp: '1' }).memory,
    formats: pick('--formats', values.formats, diskFormats),
    benchmarks: pick('--benchmarks', values.benchmarks, Object.keys(diskBenchmarks)),
    milliseconds: wholeNumber(values.ms, '--ms', 60_000),
    compiler: values.cc,
  };
}

/** Reads the options of `trace`. @throws InputError with the possible values */
export function readTraceOptions(args: readonly string[]): TraceOptions {
  const values = parse(args, {
    runs: common.runs,
    guests: { type: 'string', default: traceGuests.join(',') },
    checkout: { type: 'string' },
  });
  const guests = list(values.guests, '--guests').map((name) => {
    const found = traceGuests.find((each) => each === name);
    if (found !== undefined) return found;
    throw new InputError(
      `--guests ${name}: there is none of that name. There are ${traceGuests.join(', ')}.`,
    );
  });
  return { runs: wholeNumber(values.runs, '--runs', 1000), guests, checkout: values.checkout };
}

function parse<const T extends NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    if (error instanceof TypeError) {
      throw new InputError(`${error.message}\nnpm run bench without arguments lists the options.`);
    }
    throw error;
  }
}

function readCommon(
  values: {
    readonly runs: string;
    readonly qemu?: string | undefined;
    readonly node: string;
    readonly engine?: string | undefined;
    readonly checkout?: string | undefined;
    readonly json: boolean;
    readonly timeout: string;
  },
  xlen: Xlen = 64,
): CommonOptions {
  return {
    runs: wholeNumber(values.runs, '--runs', 1000),
    timeout: wholeNumber(values.timeout, '--timeout', 86_400),
    json: values.json,
    qemus: list(values.qemu ?? `qemu-system-riscv${xlen}`, '--qemu'),
    nodes: list(values.node, '--node'),
    engines: values.engine === undefined ? [] : list(values.engine, '--engine'),
    checkouts: values.checkout === undefined ? [] : list(values.checkout, '--checkout'),
  };
}

function readGuest(values: {
  readonly kernel?: string | undefined;
  readonly smp: string;
  readonly memory: string;
}): Pick<GuestOptions, 'kernel' | 'smp' | 'memory'> {
  const { kernel, memory } = values;
  if (!/^\d+[MG]$/.test(memory)) {
    throw new InputError(`--memory ${memory} is not a size for both machines. Write for example 512M or 1G.`);
  }
  return { kernel, memory, smp: values.smp.split(',').map((text) => wholeNumber(text, '--smp', 64)) };
}

function list(text: string, option: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes(''))
    throw new InputError(`${option} ${text} has an empty place: give names, separated by commas.`);
  return names;
}

function wholeNumber(text: string, option: string, maximum: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= maximum) return value;
  throw new InputError(`${option} ${text} is not possible: give a whole number, 1 to ${maximum}.`);
}
