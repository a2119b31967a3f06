import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InputError } from '../errors/input-error.ts';
import type { NodeHost } from './node-host.ts';
import { loadProtocol, type ProtocolModule } from './own-protocol-thread.ts';

/** Loaded by the threads of the machine; the compiler does not rewrite this ending. */
const thread = new URL(
  import.meta.url.endsWith('.ts') ? './own-protocol-thread.ts' : './own-protocol-thread.js',
  import.meta.url,
);

/**
 * Has the domains of a host use a person's protocol in the place of the one that they are started with.
 *
 * @param file a module, and behind a `#` the protocol's name if the module has several
 * @param option where the file was named, for messages
 * @throws InputError that says why it cannot be used
 */
export async function useOwnProtocol(host: NodeHost, file: string | URL, option: string): Promise<void> {
  const module = moduleOf(file, option);
  // A mistake is told before anything starts.
  await loadProtocol(module);
  host.loadFirst({ url: thread.href, data: module });
}

function moduleOf(file: string | URL, option: string): ProtocolModule {
  if (typeof file !== 'string') {
    const url = new URL(file);
    const name = decodeURIComponent(url.hash.slice(1));
    url.hash = '';
    return { url: url.href, shown: url.href, name: name === '' ? undefined : name };
  }
  const [path, name] = file.split('#');
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new InputError(`${option} ${file}: there is no such file.`);
  return { url: pathToFileURL(resolve(path)).href, shown: path, name };
}
