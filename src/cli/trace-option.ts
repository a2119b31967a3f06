import { InputError } from '../errors/input-error.ts';
import type { TraceConfig } from '../machine/trace/config.ts';
import type { NodeHost } from '../node/node-host.ts';

/** The words for a trace, as they were typed. */
export interface TraceWords {
  readonly trace?: string | undefined;
  readonly systemMap?: string | undefined;
  readonly engine?: string | undefined;
}

/**
 * Opens the file for a trace, for the machine that the host is going to start.
 *
 * @returns the part of the machine's configuration
 * @throws InputError if it cannot be written, or the machine cannot be traced
 */
export async function giveTrace(
  { trace, systemMap, engine }: TraceWords,
  host: NodeHost,
): Promise<{ readonly trace?: TraceConfig }> {
  if (trace === undefined) {
    if (systemMap === undefined) return {};
    throw new InputError('--system-map names functions in a trace. Give --trace as well, or leave it out.');
  }
  if (engine === 'lockstep')
    throw new InputError('--trace: in lock step a machine is not traced. Leave --engine lockstep out.');
  const { openTrace } = await import('../node/trace/open-trace.ts');
  host.loadFirst((await openTrace(trace, systemMap)).module);
  return { trace: {} };
}
