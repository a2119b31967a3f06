import { checkArgument, checkOptions } from '../errors/arguments.ts';
import { AgentError, guestError } from './agent-error.ts';
import { ABORTABLE, type Abortable, PORT } from './arguments.ts';
import type { AgentConnection } from './connection.ts';
import { IncomingBytes, WINDOW } from './incoming.ts';
import { OutgoingBytes } from './outgoing.ts';
import { PayloadWriter } from './payload.ts';
import { CHANNEL, FRAME, PROTOCOL } from './protocol.ts';
import { waitFor } from './wait-for.ts';

/** 127.0.0.1 in the order of the network. */
const LOOPBACK = 0x0100_007f;

/** A connection to a server in the guest. */
export interface GuestSocket {
  /** Fails with ECONNRESET, behind all that came before, where the server resets the connection. */
  readonly readable: ReadableStream<Uint8Array>;
  /** To close it tells the server the end of its input; to abort it resets the connection. */
  readonly writable: WritableStream<Uint8Array>;
  /** Ends it at once: by a reset, unless the server has the end of its input. */
  close(): void;
}

/**
 * Connects to a server that listens at a TCP port of the guest's own address, 127.0.0.1. The guest needs no network.
 *
 * @throws AgentError if nobody listens there (`ECONNREFUSED`); InputError for a number that no port has; the reason of
 * `signal`
 */
export async function connectTcp(
  connection: AgentConnection,
  port: number,
  options: Abortable,
): Promise<GuestSocket> {
  checkArgument('port', port, PORT);
  checkOptions(options, ABORTABLE);
  const { signal } = options;
  await connection.ready(signal);
  const payload = new PayloadWriter().u32(LOOPBACK).u32(port).u32(WINDOW).payload;
  let what = `The guest's port ${port} cannot be reached`;
  const started = Promise.withResolvers<void>();
  let incoming: IncomingBytes | undefined;
  let outgoing: OutgoingBytes | undefined;
  const fail = (error: Error) => {
    started.reject(error);
    incoming?.fail(error);
    outgoing?.fail(error);
  };
  const stream = connection.open(
    { type: FRAME.CONNECT, payload, windows: [{ channel: CHANNEL.OUT, bytes: WINDOW }] },
    {
      started: () => {
        what = `The connection to the guest's port ${port} has failed`;
        started.resolve();
      },
      data: (_, bytes) => incoming?.push(bytes),
      end: (channel) => {
        if (channel === CHANNEL.OUT) incoming?.end();
        else outgoing?.fail(new AgentError('EPIPE', `The guest's port ${port} takes nothing any more.`));
      },
      credit: (_, bytes) => outgoing?.grant(bytes),
      done: (errno) => {
        if (errno !== 0) fail(guestError(errno, what));
        else incoming?.end();
      },
      failed: fail,
    },
  );
  const close = () => {
    const error = new AgentError('ECANCELED', 'The connection was closed.');
    incoming?.abandon(error);
    fail(error);
    stream.cancel();
  };
  incoming = new IncomingBytes(stream, CHANNEL.OUT, connection.hold, close);
  outgoing = new OutgoingBytes(connection, stream, PROTOCOL.INPUT_WINDOW);
  await waitFor(started.promise, signal, close);
  const source = incoming;
  return {
    get readable() {
      return source.stream;
    },
    writable: outgoing.stream(close),
    close,
  };
}
