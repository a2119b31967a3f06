import { InputError } from '../errors/input-error.ts';
import type { WorkerHost } from '../machine/worker.ts';
import { loadPlugin } from '../verify/plugin.ts';
import type { Protocol } from '../verify/public.ts';
import { provideVerify } from './public-imports.ts';

/** A module with a protocol; can be sent by `postMessage`. */
export interface ProtocolModule {
  readonly url: string;
  /** The module's name in messages. */
  readonly shown: string;
  /** Which of its protocols; it has one only, if this is left out. */
  readonly name?: string | undefined;
}

/** Has the pCPU of this thread use a person's protocol. */
export async function extendHost(module: ProtocolModule): Promise<Pick<WorkerHost, 'standIn'>> {
  const protocol = await loadProtocol(module);
  return { standIn: () => protocol };
}

/**
 * Loads a person's protocol.
 *
 * @throws InputError that says why there is none
 */
export async function loadProtocol({ url, shown, name }: ProtocolModule): Promise<Protocol> {
  const end = provideVerify();
  const { protocols } = await loadPlugin(url, shown).finally(end);
  const names = protocols.map((each) => each.name).join(', ');
  if (name !== undefined) {
    const found = protocols.find((each) => each.name === name);
    if (found !== undefined) return found;
    throw new InputError(`${shown} has no protocol "${name}"; it has ${names === '' ? 'none' : names}.`);
  }
  const [only, ...others] = protocols;
  if (only === undefined) throw new InputError(`${shown} exports no protocol.`);
  if (others.length === 0) return only;
  throw new InputError(
    `${shown} exports several protocols: ${names}. Name one behind a "#": ${shown}#${only.name}`,
  );
}
