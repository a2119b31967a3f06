/** Loaded by the threads of a machine that has shared folders. */
import type { WorkerHost } from '../../machine/thread.ts';
import { NodeFolder, type NodeFolderOptions } from './node-folder.ts';

/** Gives a thread the shared folders, whose descriptors belong to the whole process. */
export function extendHost(shares: readonly NodeFolderOptions[]): Partial<WorkerHost> {
  const opened: NodeFolder[] = [];
  return {
    openShare: (index) => {
      const folder = new NodeFolder(shares[index]);
      opened.push(folder);
      return folder;
    },
    closeShares: () => {
      for (const folder of opened.splice(0)) folder.closeAll();
    },
  };
}
