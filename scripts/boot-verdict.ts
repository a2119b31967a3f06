import { greeting } from '../src/boot/initramfs.ts';

/** One combination of vCPUs and pCPUs. */
export interface Shape {
  readonly vcpus: number;
  readonly pcpus: number;
}

/** How one boot ended. */
export interface Boot {
  /** Exit status of the command; undefined when it was killed. */
  readonly status: number | undefined;
  /** Everything that it printed. */
  readonly log: string;
  /** Wall time from start to end. */
  readonly seconds: number;
}

/** The line that {@link guestCommand} makes a healthy guest print. */
const processors = (vcpus: number) => `processors up: ${vcpus}`;

/** The command that each guest runs before it powers off. */
export const guestCommand = 'echo processors up: $(nproc); cat /proc/interrupts';

/** The kernel's word on who carries its interrupts between processors. */
const BY_MESSAGES = /riscv-imsic: .*providing IPIs using interrupt \d+/;
/** A row of /proc/interrupts: interrupts between processors of one kind, counted for each processor. */
const IPI_ROW = /^ *IPI\d+: +((?:\d+ +)+)/gm;
/** A device's interrupt that the APLIC makes a message of. */
const DEVICE_ROW = /^ *\d+: +(?:\d+ +)+APLIC-MSI/m;

/** Words that a kernel prints when something went wrong on the way. */
const TROUBLE = /rcu stall|rcu: INFO|detected stalls|soft lockup|Oops|\bBUG\b|WARNING|Kernel panic/;

/**
 * Lists what is wrong with a boot; a good one has an empty list.
 *
 * @param messages interrupts have to come by messages, as with `--aia aplic-imsic`
 */
export function faultsOf({ status, log }: Boot, { vcpus }: Shape, messages = false): string[] {
  const faults: string[] = [];
  if (status !== 0) faults.push(status === undefined ? 'did not end' : `exit status ${status}`);
  if (!log.includes(greeting)) faults.push('userspace was not reached');
  else if (!log.includes(processors(vcpus))) faults.push(`no line "${processors(vcpus)}"`);
  if (messages && faults.length === 0) faults.push(...messageFaults(log, vcpus));
  const trouble = troubleIn(log);
  if (trouble !== undefined) faults.push(`in the log: ${trouble}`);
  return faults;
}

/** Signs of messages missing in the log of a boot where interrupts come by them. */
function messageFaults(log: string, vcpus: number): string[] {
  const faults: string[] = [];
  if (!BY_MESSAGES.test(log)) faults.push('the IMSIC does not provide IPIs');
  if (!DEVICE_ROW.test(log)) faults.push('no device interrupts by messages');
  const counts = [...log.matchAll(IPI_ROW)].map(([, row]) => row.trim().split(/ +/).map(Number));
  const reached = counts
    .reduce<number[]>((sums, row) => row.map((count, cpu) => count + (sums[cpu] ?? 0)), [])
    .filter((count) => count > 0).length;
  if (vcpus > 1 && reached < vcpus) faults.push(`IPIs reached ${reached} of ${vcpus} processors`);
  return faults;
}

/** The first line with words that a kernel prints only in trouble. */
export function troubleIn(log: string): string | undefined {
  return log
    .split(/\r?\n/)
    .find((line) => TROUBLE.test(line))
    ?.trim();
}

/** Reads shapes such as `1x1,4x2`: vCPUs x pCPUs. @throws RangeError for anything else */
export function parseShapes(text: string): Shape[] {
  return text.split(',').map((part) => {
    const [, vcpus, pcpus] = /^([1-9]\d*)x([1-9]\d*)$/.exec(part) ?? [];
    if (vcpus === undefined || pcpus === undefined) {
      throw new RangeError(`"${part}" is not of the form VCPUSxPCPUS, such as 4x2`);
    }
    return { vcpus: Number(vcpus), pcpus: Number(pcpus) };
  });
}

/** All boots of one shape, for the table. */
export interface Row extends Shape {
  readonly good: number;
  /** Wall times of all boots, good or not. */
  readonly seconds: readonly number[];
}

/** The summary as text: one line a shape, wall times in seconds. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ vcpus, pcpus, good, seconds }) => {
    const sorted = seconds.toSorted((a, b) => a - b);
    const times = [sorted[0] ?? 0, median(sorted), sorted.at(-1) ?? 0].map((time) => time.toFixed(1));
    return [`${vcpus}`, `${pcpus}`, `${good} of ${seconds.length}`, ...times];
  });
  const lines = [['smp', 'pcpus', 'good', 'min s', 'median s', 'max s'], ...cells];
  return lines
    .map((line) => line.map((cell, column) => cell.padStart(column === 2 ? 11 : 9)).join(''))
    .join('\n');
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? 0;
  const high = sorted[Math.floor(middle)] ?? low;
  return (low + high) / 2;
}
