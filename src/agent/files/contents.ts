import { AgentError, guestError } from '../agent-error.ts';
import type { AgentConnection } from '../connection.ts';
import { IncomingBytes } from '../incoming.ts';
import { OutgoingBytes, type Source, sendAll } from '../outgoing.ts';
import { CHANNEL, FRAME, type FrameType, PROTOCOL } from '../protocol.ts';
import { waitFor } from '../wait-for.ts';

/** Bytes of a file that may be on their way. */
const WINDOW = 1 << 20;

/** The file and the range to read. */
export interface Reading {
  readonly type: FrameType;
  /** Begins with the part that depends on the window. */
  readonly payload: (window: number) => Uint8Array;
  /** For people, as the beginning of a sentence: `/etc/x cannot be read`. */
  readonly what: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads all of it.
 *
 * @param most bytes
 * @throws AgentError (`too-much-output` if there are more); the reason of `signal`
 */
export async function readAll(
  connection: AgentConnection,
  reading: Reading,
  most: number,
): Promise<Uint8Array> {
  const { type, payload, what, signal } = reading;
  await connection.ready(signal);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const parts: Uint8Array[] = [];
  let length = 0;
  let taken = 0;
  const stream = connection.open(
    { type, payload: payload(WINDOW), windows: [{ channel: CHANNEL.OUT, bytes: WINDOW }] },
    {
      data: (channel, bytes) => {
        parts.push(bytes);
        length += bytes.length;
        taken += bytes.length;
        if (length > most) {
          parts.length = 0;
          reject(
            new AgentError(
              'too-much-output',
              `${what}: it has more than ${most} bytes. Give more as maxBytes.`,
            ),
          );
          stream.cancel();
        } else if (taken >= WINDOW / 4) {
          stream.grant(channel, taken);
          taken = 0;
        }
      },
      done: (errno) => (errno === 0 ? resolve() : reject(guestError(errno, what))),
      failed: reject,
    },
  );
  await waitFor(promise, signal, () => stream.cancel());
  return joined(parts, length);
}

/** Reads it as a web stream, which fails with the reason of `signal` when that comes. */
export async function readStream(
  connection: AgentConnection,
  { type, payload, what, signal }: Reading,
): Promise<ReadableStream<Uint8Array>> {
  await connection.ready(signal);
  signal?.throwIfAborted();
  let incoming: IncomingBytes | undefined;
  const abort = () => {
    incoming?.abandon(signal?.reason);
    stream.cancel();
  };
  const over = () => signal?.removeEventListener('abort', abort);
  const stream = connection.open(
    { type, payload: payload(WINDOW), windows: [{ channel: CHANNEL.OUT, bytes: WINDOW }] },
    {
      data: (_, bytes) => incoming?.push(bytes),
      done: (errno) => {
        over();
        if (errno === 0) incoming?.end();
        else incoming?.fail(guestError(errno, what));
      },
      failed: (error) => {
        over();
        incoming?.fail(error);
      },
    },
  );
  signal?.addEventListener('abort', abort, { once: true });
  incoming = new IncomingBytes(stream, CHANNEL.OUT, connection.hold, () => stream.cancel());
  return incoming.stream;
}

/** The file and the place to write to. */
export interface Writing {
  readonly payload: Uint8Array;
  readonly data: Source;
  readonly what: string;
  readonly signal: AbortSignal | undefined;
}

/** Writes a file. @throws AgentError; the error of the source; the reason of `signal` */
export async function writeAll(connection: AgentConnection, writing: Writing): Promise<void> {
  const { payload, data, what, signal } = writing;
  await connection.ready(signal);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let outgoing: OutgoingBytes | undefined;
  const fail = (error: Error) => {
    reject(error);
    outgoing?.fail(error);
  };
  const stream = connection.open(
    { type: FRAME.WRITE, payload },
    {
      credit: (_, bytes) => outgoing?.grant(bytes),
      done: (errno) => (errno === 0 ? resolve() : fail(guestError(errno, what))),
      failed: fail,
    },
  );
  outgoing = new OutgoingBytes(connection, stream, PROTOCOL.WRITE_WINDOW);
  sendAll(outgoing, data).catch((error: unknown) => {
    reject(error);
    stream.cancel();
  });
  await waitFor(promise, signal, () => {
    outgoing?.fail(new AgentError('ECANCELED', `${what}: it was given up.`));
    stream.cancel();
  });
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
