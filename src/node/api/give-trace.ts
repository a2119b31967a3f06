import type { BootOptions } from '../../api/boot-options.ts';
import { InputError } from '../../errors/input-error.ts';
import type { TraceConfig } from '../../machine/trace/config.ts';
import type { NodeHost } from '../node-host.ts';

/** The part of a machine's configuration that has it traced. */
export interface GivenTrace {
  readonly config: { readonly trace?: TraceConfig };
  close(): void;
}

/**
 * Opens the file of a trace, where one is asked for.
 *
 * @throws InputError if it cannot be written, or the machine cannot be traced
 */
export async function giveTrace(
  { trace = false, engine }: Pick<BootOptions, 'trace' | 'engine'>,
  host: NodeHost,
): Promise<GivenTrace> {
  if (trace === false) return { config: {}, close: () => undefined };
  if (engine === 'lockstep')
    throw new InputError('trace: in lock step a machine is not traced. Leave one of both out.');
  if (trace === true) return { config: { trace: {} }, close: () => undefined };
  const { openTrace } = await import('../trace/open-trace.ts');
  const { module, close } = await openTrace(trace, undefined, 'trace:');
  host.loadFirst(module);
  return { config: { trace: {} }, close };
}
