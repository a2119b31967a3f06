import { InputError } from '../../errors/input-error.ts';
import { AgentError } from '../agent-error.ts';
import type { GuestSocket } from '../tcp.ts';
import { waitFor } from '../wait-for.ts';
import { bodyOf } from './body.ts';
import { type FramedBody, framed } from './request-body.ts';
import { ByteReader, readHead } from './response-head.ts';

/** Headers that belong to the connection, not to the request. */
const OWN: readonly string[] = [
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
];

/**
 * Sends a request over a connection of its own, and reads the response (HTTP/1.1). Redirections are not followed.
 *
 * @throws InputError for another address than one of http:; AgentError if the server does not speak HTTP, or ends the
 *   connection; the reason of the request's signal, or of its body
 */
export async function fetchOver(socket: GuestSocket, request: Request): Promise<Response> {
  const { signal } = request;
  const reader = new ByteReader(socket.readable);
  const writer = socket.writable.getWriter();
  let isSent = false;
  const body = request.body?.getReader();
  let isClosed = false;
  const close = () => {
    isClosed = true;
    socket.close();
    // It may be waited for yet, and nobody wants it any more.
    body?.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener('abort', close, { once: true });
  const end = () => {
    signal.removeEventListener('abort', close);
    // To a server that has all of the request, nothing is amiss that a reset would tell it of.
    if (isSent) writer.close().catch(() => undefined);
    close();
  };
  try {
    signal.throwIfAborted();
    const { promise: failure, reject: fail } = Promise.withResolvers<never>();
    // A server may answer before it has all, or without.
    const sent = () => {
      isSent = true;
    };
    const next = async () => {
      const part = await body?.read();
      // To be cancelled is no end, which the server would take for that of the whole.
      if (isClosed) throw new AgentError('ECANCELED', 'The connection was closed.');
      return part ?? {};
    };
    const lines = headOf(request);
    const framing = framed(request, body === undefined ? undefined : next);
    send(writer, lines, framing, fail).then(sent, () => undefined);
    const head = await waitFor(Promise.race([readHead(reader), failure]), signal);
    return new Response(bodyOf(head, request, reader, end), {
      status: head.status,
      statusText: head.statusText,
      headers: head.headers.map(([name, value]): [string, string] => [name, value]),
    });
  } catch (error) {
    end();
    throw error;
  }
}

/** @param fail is told why the rest of the body cannot be had, for which the server would wait */
async function send(
  writer: ReturnType<GuestSocket['writable']['getWriter']>,
  lines: readonly string[],
  framing: Promise<FramedBody>,
  fail: (reason: unknown) => void,
): Promise<void> {
  // Of writing it is not: the server may have said all that it has to say.
  const had = <T>(part: Promise<T>) =>
    part.catch((error: unknown) => {
      fail(error);
      throw error;
    });
  const { header, bytes } = await had(framing);
  const head = [...lines, ...(header === undefined ? [] : [header])];
  await writer.write(new TextEncoder().encode(`${head.join('\r\n')}\r\n\r\n`));
  const parts = bytes();
  for (let part = await had(parts.next()); part.done !== true; part = await had(parts.next()))
    await writer.write(part.value);
}

/** The lines of the head but the one that says how long the body is. */
function headOf({ method, url, headers }: Request): string[] {
  const [, host, path] = /^http:\/\/([^/?#]*)([^#]*)/i.exec(url) ?? [];
  if (host === undefined) {
    const other = url.startsWith('https:') ? url.replace('https', 'http') : 'an address of http:';
    throw new InputError(`Servers in the guest are asked by plain HTTP, not by ${url}: give ${other}.`);
  }
  const lines = [
    `${method} ${path.startsWith('/') ? path : `/${path}`} HTTP/1.1`,
    `host: ${host}`,
    'connection: close',
  ];
  for (const [name, value] of headers) if (!OWN.includes(name)) lines.push(`${name}: ${value}`);
  return lines;
}
