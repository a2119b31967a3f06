import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { AgentError } from '../../agent/agent-error.ts';
import type { GuestSocket } from '../../agent/tcp.ts';
import type { OpenForward } from '../../api/platform.ts';
import { InputError } from '../../errors/input-error.ts';

/** Connections of a port at once at most. */
const MOST_CONNECTIONS = 256;

/**
 * Listens at a port of the host, and leads each connection to one of the guest.
 *
 * @throws InputError if that port cannot be had
 */
export async function listen(
  host: string,
  port: number,
  connect: () => Promise<GuestSocket>,
): Promise<OpenForward> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Its end is told by the pipes.
    socket.on('error', () => undefined);
    void lead(socket, connect);
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.unref();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new InputError(
      `The port ${port} of ${host} cannot be had on this host (${reason}). Give another one.`,
    );
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    host,
    port: address.port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function lead(socket: Socket, connect: () => Promise<GuestSocket>): Promise<void> {
  try {
    const guest = await connect();
    socket.once('close', () => guest.close());
    if (socket.destroyed) guest.close();
    const [, isTaken] = await Promise.all([sendToHost(guest, socket), sendToGuest(socket, guest)]);
    if (!isTaken) socket.destroySoon();
  } catch (error) {
    // A client that got an end in place of a reset would take what it has for all.
    if (error instanceof AgentError && error.code === 'ECONNRESET') socket.resetAndDestroy();
    else socket.destroy();
  }
}

async function sendToHost(guest: GuestSocket, socket: Socket): Promise<void> {
  const reader = guest.readable.getReader();
  // Called when all before is with the host's system, or the socket is closed.
  const written = () => new Promise<void>((resolve) => void socket.write('', () => resolve()));
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      if (!socket.write(part.value)) await written();
    socket.end();
  } catch (error) {
    await written();
    throw error;
  }
}

/** @returns whether all was taken, up to the end */
async function sendToGuest(socket: Socket, guest: GuestSocket): Promise<boolean> {
  const writer = guest.writable.getWriter();
  try {
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) await writer.write(bytes);
    await writer.close();
    return true;
  } catch (error) {
    if (!(error instanceof AgentError && error.code === 'EPIPE')) throw error;
    // The server reads no more, and may still answer.
    socket.resume();
    return false;
  }
}
