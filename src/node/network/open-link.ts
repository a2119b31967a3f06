import { closeSync } from 'node:fs';
import type { NetworkFacts } from '../../devices/descriptor.ts';
import { checkArgument, type OptionRules, optionsOf, SWITCH, TEXT } from '../../errors/arguments.ts';
import { InputError } from '../../errors/input-error.ts';
import { MAC, PORT } from '../../network/arguments.ts';
import type { Mac } from '../../network/ethernet.ts';
import type { ThreadModule } from '../node-host.ts';
import { openDump } from './dump.ts';
import type { LinkStart } from './link-thread.ts';
import { tryStreams } from './open-network.ts';

/** A cable to the card of another machine, by a TCP stream in the form of QEMU's `-netdev socket`. */
export interface LinkOptions extends Omit<LinkStart, 'dump'> {
  readonly mac: Mac;
  /** A file for all frames, in libpcap's format. */
  readonly dump: string | undefined;
}

const OPTIONS: OptionRules<LinkOptions> = { mac: MAC, dump: TEXT, listens: SWITCH, host: TEXT, port: PORT };
const LINK = optionsOf(OPTIONS, 'a link: { mac, dump, listens, host, port }', [
  ...(['mac', 'listens', 'host', 'port'] as const),
]);

/** A link that is ready to be opened by the threads of a machine. */
export interface PreparedLink {
  readonly facts: NetworkFacts;
  readonly module: ThreadModule;
  /** Closes all that is open, when the threads of the machine have ended. */
  close(): void;
}

/**
 * Prepares a link. The machine at its other end may come later, and go.
 *
 * @throws InputError when nobody can listen there, or the file for frames cannot be written
 */
export async function prepareLink(options: LinkOptions): Promise<PreparedLink> {
  checkArgument('options', options, LINK);
  const { mac, dump, ...start } = options;
  if (start.listens) await tryPlace(start);
  const descriptor = dump === undefined ? undefined : openDump(dump);
  const own = import.meta.url;
  // Beside this file in a checkout; in a package the bundler has both in one folder.
  const url = new URL(own.endsWith('.ts') ? './link-thread.ts' : './network/link-thread.js', own).href;
  const data: LinkStart = { ...start, dump: descriptor };
  return {
    facts: { mac, plain: true },
    module: { url, data },
    close: () => {
      if (descriptor !== undefined) closeSync(descriptor);
    },
  };
}

async function tryPlace({ host, port }: Pick<LinkStart, 'host' | 'port'>): Promise<void> {
  try {
    await tryStreams(host, port);
  } catch (error) {
    throw new InputError(
      `listen: nobody can listen at ${host}:${port}: ${(error as Error).message}. Give a port that is free, above 1023, ` +
        'and an address of this host.',
    );
  }
}
