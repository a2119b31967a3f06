import { closeSync, openSync } from 'node:fs';
import { checkArgument, TEXT } from '../../errors/arguments.ts';
import { InputError } from '../../errors/input-error.ts';
import { SystemMap } from '../../trace/system-map.ts';
import { explainedError, readInputFile } from '../files.ts';
import type { ThreadModule } from '../node-host.ts';
import type { TraceFileData } from './trace-thread.ts';

/** A trace's file that is open until the process ends or it is closed. */
export interface OpenTrace {
  /** By which the thread that writes the trace gets at it. */
  readonly module: ThreadModule;
  /** Closes the file; the thread that writes it must have ended. Once at most. */
  close(): void;
}

/**
 * Makes the file for a trace, or empties the one that is there.
 *
 * @param systemMap path of the guest kernel's `System.map`, by which functions get their names
 * @param option where the path came from, for messages
 * @throws InputError that says why that is not possible
 */
export async function openTrace(path: string, systemMap?: string, option = '--trace'): Promise<OpenTrace> {
  checkArgument('path', path, TEXT);
  if (systemMap !== undefined) await checkSystemMap(systemMap);
  let file: number;
  try {
    file = openSync(path, 'w');
  } catch (error) {
    throw explainedError(error, `${option} ${path}: the trace cannot be written there`);
  }
  const own = import.meta.url;
  // Beside this file in a checkout; in a package the bundler has both in one folder.
  const url = new URL(own.endsWith('.ts') ? './trace-thread.ts' : './trace/trace-thread.js', own).href;
  const data: TraceFileData = { file, systemMap };
  return { module: { url, data }, close: () => closeSync(file) };
}

/** Before the machine starts: the thread that needs it reads it again. */
async function checkSystemMap(path: string): Promise<void> {
  checkArgument('systemMap', path, TEXT);
  const bytes = await readInputFile(path, 'The table of symbols', '--system-map');
  if (SystemMap.parse(new TextDecoder().decode(bytes)) !== undefined) return;
  throw new InputError(
    `--system-map ${path}: no line of this file names a function. Give the System.map of the guest's kernel, or the ` +
      'output of nm -n for it.',
  );
}
