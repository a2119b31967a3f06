import { readInputFile } from '../files.ts';
import { packageFile } from '../package-files.ts';

/** The program of the guest's agent, for RV64. @throws InputError if it is not in the package */
export function agentProgram(): Promise<Uint8Array<ArrayBuffer>> {
  return readInputFile(packageFile('guests/agent/agent.elf'), "The guest's agent", '--guest');
}
