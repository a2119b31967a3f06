import { InputError } from '../../src/errors/input-error.ts';

/** A benchmark of the guest program in `guest/`. */
export interface LinuxBenchmark {
  readonly name: string;
  /** For people: what an iteration is. */
  readonly about: string;
}

const of = (name: string, about: string): LinuxBenchmark => ({ name, about });

/** All of them, in the order in which the guest runs them. */
export const linuxBenchmarks: readonly LinuxBenchmark[] = [
  of('syscall', 'a system call that does nothing (getppid)'),
  of('page-fault', 'a fresh page: mapped, touched, unmapped (256 at a time)'),
  of('protect', 'a page write-protected, released and written to (256 at a time)'),
  of('fork', 'a process forked, ended and waited for'),
  of('fork-4m', 'the same with 4 MiB of memory, of which the child writes to 1 MiB'),
  of('exec', 'a process forked that executes a program'),
  of('switch', 'a byte to another process of the same vCPU and back'),
  of('wake', 'a byte to a process of another vCPU and back, both idle between (2 vCPUs)'),
  of('ipi', 'an interrupt to a busy vCPU and its answer (membarrier, 2 vCPUs)'),
  of('shootdown', 'a page protected and released while another vCPU uses the memory (2 vCPUs)'),
  of('sleep', 'a sleep of 1 microsecond: timer set, vCPU idle, interrupt'),
  of('copy', '4 KiB copied in user mode'),
  of('pipe-copy', '4 KiB through a pipe, copied in and out by the kernel'),
  of('compute', '1000 steps of integer work in a process'),
  of('compute-2', 'the same in each of two processes on two vCPUs at once (2 vCPUs)'),
  of('tick', 'what a timer interrupt with a signal takes from a busy process'),
];

/**
 * Finds benchmarks by name.
 *
 * @param names separated by commas; undefined means all
 * @throws InputError when there is none of a name
 */
export function selectBenchmarks(names: string | undefined): readonly LinuxBenchmark[] {
  if (names === undefined) return linuxBenchmarks;
  const wanted = names.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !linuxBenchmarks.some((benchmark) => benchmark.name === name));
  if (unknown !== undefined) {
    const known = linuxBenchmarks.map(({ name }) => name).join(', ');
    throw new InputError(`--benchmarks: there is no Linux benchmark "${unknown}". There are ${known}.`);
  }
  return linuxBenchmarks.filter(({ name }) => wanted.includes(name));
}
