import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream, WritableStream } from 'node:stream/web';
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
    const [readable, writable] = [guest.readable as ReadableStream, guest.writable as WritableStream];
    socket.once('close', () => guest.close());
    await Promise.all([
      pipeline(Readable.fromWeb(readable), socket),
      pipeline(socket, Writable.fromWeb(writable), { end: true }),
    ]);
  } catch {
    socket.destroy();
  }
}
