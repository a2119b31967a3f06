import { closeSync, openSync } from 'node:fs';
import { explainedError } from '../files.ts';
import type { ThreadModule } from '../node-host.ts';
import type { TraceFileData } from './trace-thread.ts';

/** A trace's file that is open until the process ends or it is closed. */
export interface OpenTrace {
  /** By which the thread that writes the trace gets at it. */
  readonly module: ThreadModule;
  close(): void;
}

/**
 * Makes the file for a trace, or empties the one that is there.
 *
 * @throws InputError that says why that is not possible
 */
export function openTrace(path: string): OpenTrace {
  let file: number;
  try {
    file = openSync(path, 'w');
  } catch (error) {
    throw explainedError(error, `--trace ${path}: the trace cannot be written there`);
  }
  const own = import.meta.url;
  // Beside this file in a checkout; in a package the bundler has both in one folder.
  const url = new URL(own.endsWith('.ts') ? './trace-thread.ts' : './trace/trace-thread.js', own).href;
  const data: TraceFileData = { file };
  return { module: { url, data }, close: () => closeSync(file) };
}
