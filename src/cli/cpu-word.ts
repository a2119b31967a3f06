import { InputError } from '../errors/input-error.ts';
import { CPUS, DEFAULT_CPU, type Xlen } from '../machine/cpu.ts';

/**
 * Reads the word of `--cpu`.
 *
 * @returns the width of the harts
 * @throws InputError that says which words there are
 */
export function readCpu(name: string = DEFAULT_CPU): Xlen {
  const found = Object.entries(CPUS).find(([cpu]) => cpu === name);
  if (found !== undefined) return found[1];
  throw new InputError(
    `--cpu ${name}: there are no such harts; there are ${Object.keys(CPUS).join(' and ')}.`,
  );
}
