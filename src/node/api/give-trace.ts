import type { BootOptions } from '../../api/boot-options.ts';
import { InputError } from '../../errors/input-error.ts';
import type { TraceConfig } from '../../machine/trace/config.ts';
import type { Closers } from '../closers.ts';
import type { NodeHost } from '../node-host.ts';

/**
 * Opens the file of a trace, where one is asked for.
 *
 * @returns the part of a machine's configuration that has it traced
 * @throws InputError if it cannot be written, or the machine cannot be traced
 */
export async function giveTrace(
  { trace = false, engine }: Pick<BootOptions, 'trace' | 'engine'>,
  host: NodeHost,
  closers: Closers,
): Promise<{ readonly trace?: TraceConfig }> {
  if (trace === false) return {};
  if (engine === 'lockstep')
    throw new InputError('trace: in lock step a machine is not traced. Leave one of both out.');
  if (trace === true) return { trace: {} };
  const { openTrace } = await import('../trace/open-trace.ts');
  const { module, close } = await openTrace(trace, undefined, 'trace:');
  closers.add(close);
  host.loadFirst(module);
  return { trace: {} };
}
