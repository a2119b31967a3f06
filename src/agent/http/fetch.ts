import { InputError } from '../../errors/input-error.ts';
import type { GuestSocket } from '../tcp.ts';
import { waitFor } from '../wait-for.ts';
import { bodyOf } from './body.ts';
import { ByteReader, readHead } from './response-head.ts';

/** Headers that belong to the connection, not to the request. */
const OWN: readonly string[] = ['connection', 'host', 'keep-alive', 'transfer-encoding', 'upgrade'];

/**
 * Sends a request over a connection of its own, and reads the response (HTTP/1.1). Redirections are not followed.
 *
 * @throws AgentError if the server does not speak HTTP, or ends the connection; the reason of the request's signal
 */
export async function fetchOver(socket: GuestSocket, request: Request): Promise<Response> {
  const { method, signal } = request;
  const reader = new ByteReader(socket.readable);
  const close = () => socket.close();
  signal.addEventListener('abort', close, { once: true });
  const end = () => {
    signal.removeEventListener('abort', close);
    close();
  };
  try {
    signal.throwIfAborted();
    // A server may answer before it has all, or without.
    const sent = send(socket, request);
    sent.catch(() => undefined);
    const head = await waitFor(readHead(reader), signal);
    return new Response(bodyOf(head, method, reader, end), {
      status: head.status,
      statusText: head.statusText,
      headers: head.headers.map(([name, value]): [string, string] => [name, value]),
    });
  } catch (error) {
    end();
    throw error;
  }
}

async function send(socket: GuestSocket, request: Request): Promise<void> {
  const writer = socket.writable.getWriter();
  const encoder = new TextEncoder();
  const body = request.body?.getReader();
  await writer.write(encoder.encode(headOf(request)));
  if (body === undefined) return;
  for (let part = await body.read(); !part.done; part = await body.read()) {
    if (part.value.length === 0) continue;
    await writer.write(encoder.encode(`${part.value.length.toString(16)}\r\n`));
    await writer.write(part.value);
    await writer.write(encoder.encode('\r\n'));
  }
  await writer.write(encoder.encode('0\r\n\r\n'));
}

function headOf({ method, url, headers, body }: Request): string {
  const [, host, path] = /^https?:\/\/([^/?#]*)([^#]*)/i.exec(url) ?? [];
  if (host === undefined)
    throw new InputError(`${url} is no address of a server in the guest: http://guest/path.`);
  const lines = [
    `${method} ${path.startsWith('/') ? path : `/${path}`} HTTP/1.1`,
    `host: ${host}`,
    'connection: close',
  ];
  for (const [name, value] of headers) {
    const isLength = name === 'content-length' && body !== null;
    if (!OWN.includes(name) && !isLength) lines.push(`${name}: ${value}`);
  }
  if (body !== null) lines.push('transfer-encoding: chunked');
  return `${lines.join('\r\n')}\r\n\r\n`;
}
