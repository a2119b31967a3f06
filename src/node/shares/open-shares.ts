import { accessSync, closeSync, constants, readFileSync } from 'node:fs';
import type { ShareFacts } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import type { ThreadModule } from '../node-host.ts';
import { type NodeFolderOptions, openRoot } from './node-folder.ts';
import { checkShareOptions, type ShareOptions } from './share-options.ts';

/** Descriptors that all shared folders may take together, where the process may have more. */
const MOST_DESCRIPTORS = 1 << 16;
/** Those that a process may have if it does not say so. */
const USUAL_LIMIT = 1024;

/** Shared folders that are open until the process ends or they are closed. */
export interface OpenShares {
  readonly facts: readonly ShareFacts[];
  /** By which threads get at them. */
  readonly module: ThreadModule;
  /** Closes all that is open, when the threads of the machine have ended. */
  close(): void;
}

/**
 * Opens folders that are to be shared.
 *
 * @throws InputError that names the folder that cannot be used, the reason, and a remedy
 */
export function openShares(options: readonly ShareOptions[]): OpenShares {
  checkShareOptions(options);
  if (process.platform !== 'linux')
    throw new InputError(
      'Folders are shared on Linux only. Make a disk of the files, or send them by network.',
    );
  const roots: number[] = [];
  const close = () => {
    for (const root of roots.splice(0)) closeSync(root);
  };
  try {
    for (const { folder } of options) {
      roots.push(explained(folder, () => openRoot(folder)));
      // A descriptor that only holds the folder needs no rights to it, and gives none.
      explained(folder, () => accessSync(folder, constants.R_OK | constants.X_OK));
    }
  } catch (error) {
    close();
    throw error;
  }
  // Half of the process's limit: files, sockets and the machine's threads need some, too.
  const all = Math.min(MOST_DESCRIPTORS, Math.floor(descriptorLimit() / 2));
  const mostDescriptors = Math.floor(all / Math.max(1, options.length));
  const facts = options.map(({ folder, tag, readOnly }) => ({ name: folder, tag, readOnly }));
  const own = import.meta.url;
  // Beside this file in a checkout; in a package the bundler has both in one folder.
  const url = new URL(own.endsWith('.ts') ? './share-thread.ts' : './shares/share-thread.js', own).href;
  const data: readonly NodeFolderOptions[] = roots.map((root) => ({ root, mostDescriptors }));
  return { facts, module: { url, data }, close };
}

/** Puts the fault of a folder into words. */
function explained<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT')
      throw new InputError(
        `The folder ${folder} cannot be shared: there is none. Make it first: mkdir ${folder}`,
      );
    if (code === 'ENOTDIR')
      throw new InputError(`${folder} cannot be shared: this is no folder. Share the one that it is in.`);
    if (code === 'EACCES')
      throw new InputError(`The folder ${folder} cannot be shared: you may not look into it.`);
    throw new InputError(`The folder ${folder} cannot be shared: ${(error as Error).message}.`);
  }
}

/** Descriptors that this process may have. */
function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? USUAL_LIMIT : Number(soft);
  } catch {
    return USUAL_LIMIT;
  }
}
