import type { Server } from 'node:net';

/** Servers that have not been closed. */
const open = new Set<Server>();

/**
 * Closes a server at the end of the process, unless that was done before. Else a socket that it has in the file system
 * stays there, and nobody can listen at that place again.
 */
export function closeAtExit(server: Server): void {
  // One listener, however many servers a process has.
  if (open.size === 0) {
    process.off('exit', closeAll);
    process.on('exit', closeAll);
  }
  open.add(server);
  server.once('close', () => open.delete(server));
}

function closeAll(): void {
  for (const server of open) server.close();
}
