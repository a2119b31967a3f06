/** Loaded by the threads of a machine that is traced. */
import { readFileSync, writeSync } from 'node:fs';
import type { WorkerHost } from '../../machine/thread.ts';
import { explainedError } from '../files.ts';

/** A file that is open for a trace. */
export interface TraceFileData {
  /** Its descriptor, which belongs to the whole process. */
  readonly file: number;
  /** The path of the guest kernel's `System.map`. */
  readonly systemMap: string | undefined;
}

/** Gives a thread the trace's file. */
export function extendHost({ file, systemMap }: TraceFileData): Partial<WorkerHost> {
  return {
    openTrace: () => ({
      write: (bytes) => {
        try {
          for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeSync(file, rest));
        } catch (error) {
          throw explainedError(error, 'its file cannot be written');
        }
      },
      // Its opener closes it.
      close: () => undefined,
      systemMap: systemMap === undefined ? undefined : readFileSync(systemMap, 'utf8'),
    }),
  };
}
