import { parseArgs } from 'node:util';
import { InputError } from '../src/errors/input-error.ts';
import { type Kernel, kernels, selectKernels } from './cpu/kernels.ts';

/** What all comparisons with QEMU may be told. */
interface CommonOptions {
  /** Turns: how often each side runs. */
  readonly runs: number;
  /** QEMU's program. */
  readonly qemu: string;
  /** The Node that runs hartvisor. */
  readonly node: string;
  /** Print the result for programs, not for people. */
  readonly json: boolean;
  /** Seconds after which one run is given up. */
  readonly timeout: number;
}

export interface CpuOptions extends CommonOptions {
  readonly kernels: readonly Kernel[];
  /** The cross compiler; undefined looks for Debian's two. */
  readonly compiler: string | undefined;
}

export interface BootOptions extends CommonOptions {
  /** A kernel and an initrd in place of Debian's. */
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  /** Words for the kernel's command line, behind those that every guest gets. */
  readonly append: string;
  /** Numbers of vCPUs to measure with. */
  readonly smp: readonly number[];
  /** As QEMU's -m takes it. */
  readonly memory: string;
}

const common = {
  runs: { type: 'string', default: '5' },
  qemu: { type: 'string', default: 'qemu-system-riscv64' },
  node: { type: 'string', default: process.execPath },
  json: { type: 'boolean', default: false },
} as const;

/** How to use the benchmarks. */
export const usage = `npm run bench -- cpu | boot | irq [options]

  cpu    CPU kernels on the bare machine, against QEMU (TCG)
  boot   Linux from start to its first userspace line and to power-off, against QEMU (TCG)
  irq    an interrupt round of each protocol, against the same in C

Options of cpu and boot:
  --runs N          turns, in each of which both sides run once (default: 5)
  --qemu PATH       QEMU (default: qemu-system-riscv64)
  --node PATH       the Node that runs hartvisor (default: this one)
  --timeout SECONDS give up after this time of one run (default: 300)
  --json            print the result as JSON
Options of cpu:
  --kernels A,B     only these; "chase" and "stream" mean all of their sizes
  --cc PATH         C compiler for RISC-V (default: riscv64-linux-gnu-gcc or riscv64-unknown-elf-gcc)
Options of boot:
  --kernel FILE, --initrd FILE   in place of Debian's; the initrd has to print "hartvisor: userspace is up"
                    and to power off by itself, or for the word hartvisor.run=true
  --append WORDS    more words for the kernel
  --smp N,M         numbers of vCPUs (default: 1,2)
  --memory SIZE     as 512M (default: 512M)

CPU kernels:
${kernels.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n')}
`;

/** Reads the options of `cpu`. @throws InputError that says what is possible */
export function readCpuOptions(args: readonly string[]): CpuOptions {
  const values = parse(args, {
    ...common,
    kernels: { type: 'string' },
    cc: { type: 'string' },
    timeout: { type: 'string', default: '300' },
  });
  return { ...readCommon(values), kernels: selectKernels(values.kernels), compiler: values.cc };
}

/** Reads the options of `boot`. @throws InputError that says what is possible */
export function readBootOptions(args: readonly string[]): BootOptions {
  const values = parse(args, {
    ...common,
    kernel: { type: 'string' },
    initrd: { type: 'string' },
    append: { type: 'string', default: '' },
    smp: { type: 'string', default: '1,2' },
    memory: { type: 'string', default: '512M' },
    timeout: { type: 'string', default: '300' },
  });
  const { kernel, initrd, append, memory } = values;
  if ((kernel === undefined) !== (initrd === undefined)) {
    throw new InputError('--kernel and --initrd belong together. Give both, or neither for those of Debian.');
  }
  if (!/^\d+[MG]$/.test(memory)) {
    throw new InputError(`--memory ${memory} is not a size for both machines. Write for example 512M or 1G.`);
  }
  const smp = values.smp.split(',').map((text) => wholeNumber(text, '--smp', 64));
  return { ...readCommon(values), kernel, initrd, append, smp, memory };
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

function readCommon(values: {
  readonly runs: string;
  readonly qemu: string;
  readonly node: string;
  readonly json: boolean;
  readonly timeout: string;
}): CommonOptions {
  const { qemu, node, json } = values;
  const runs = wholeNumber(values.runs, '--runs', 1000);
  const timeout = wholeNumber(values.timeout, '--timeout', 86_400);
  return { runs, qemu, node, json, timeout };
}

function wholeNumber(text: string, option: string, maximum: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= maximum) return value;
  throw new InputError(`${option} ${text} is not possible: give a whole number, 1 to ${maximum}.`);
}
