import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { InputError } from '../../errors/input-error.ts';
import {
  CHECKER_POLICY,
  contentPolicy,
  FRAME_ISOLATION_HEADERS,
  framePolicy,
  ISOLATION_HEADERS,
} from './headers.ts';
import { chooseEncoding, type Encoding, PackedFiles } from './packed-files.ts';
import { type ByteRange, readRange } from './ranges.ts';
import type { Site, SiteFile } from './site.ts';

/** Connections at once at most: a browser makes six. */
const MOST_CONNECTIONS = 256;
/** The page that others may show in frames. */
const FOR_FRAMES = /\/embed\.html$/;
/** Modules that the page has put there as they are, see `scripts/page/checker-modules.ts`. */
const OF_CHECKER = /^\/checker\//;
/** For files whose names change with their contents: a year, the longest that is of use (RFC 9111, section 1.2.2). */
const LASTING = 'public, max-age=31536000, immutable';

/** Where a site is served. */
export interface ServeOptions {
  /** Of the host: an address or its name. */
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
}

/** A server of a site. */
export interface SiteServer {
  readonly host: string;
  readonly port: number;
  /** Of its first page. */
  readonly url: string;
  /** Ends it, with all connections. */
  close(): Promise<void>;
}

/**
 * Serves a site, with the headers that pages of machines need.
 *
 * @throws InputError if the port cannot be had
 */
export async function serveSite(site: Site, { host, port }: ServeOptions): Promise<SiteServer> {
  const packed = new PackedFiles();
  const server = createServer({ requestTimeout: 30_000 }, (request, response) => {
    // A browser that goes away in between is no fault of anybody.
    answer(site, packed, host, request, response).catch(() => response.destroy());
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw notListening(host, port, error);
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    host,
    port: address.port,
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${address.port}/`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Whether an address is of this host alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function notListening(host: string, port: number, error: unknown): InputError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `--port ${port} is taken: another program listens there. Give another one, or 0 for one that is free.`,
    EACCES: `--port ${port} needs rights that this user does not have. Give one above 1023.`,
    EADDRNOTAVAIL: `--host ${host} is no address of this machine.`,
    ENOTFOUND: `--host ${host}: nobody knows this name. Give an address of this machine, such as 127.0.0.1.`,
  };
  return new InputError(reasons[code] ?? `--host ${host} --port ${port} cannot be had (${code}).`);
}

async function answer(
  site: Site,
  packed: PackedFiles,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '', headers } = request;
  // A page of others whose name suddenly leads here (DNS rebinding) still has its own name.
  if (isLoopback(host) && !isOwnName(headers.host))
    return refuse(response, 421, 'This server has another name.');
  if (method !== 'GET' && method !== 'HEAD')
    return refuse(response, 405, 'Files can be read here, and nothing else.', { Allow: 'GET, HEAD' });
  const file = site.find(url);
  if (file === undefined) return refuse(response, 404, 'There is no such file here.');
  const encoding = headers.range === undefined ? chooseEncoding(headers['accept-encoding']) : undefined;
  const bytes = await packed.get(file, encoding);
  const usual = headersOf(file, url, bytes === undefined ? undefined : encoding);
  if (headers['if-none-match']?.split(/,\s*/).includes(usual.ETag) === true) {
    response.writeHead(304, usual).end();
    return;
  }
  if (bytes !== undefined) {
    response.writeHead(200, { ...usual, 'Content-Length': bytes.length });
    response.end(method === 'HEAD' ? undefined : bytes);
    return;
  }
  const isSame = headers['if-range'] === undefined || headers['if-range'] === usual.ETag;
  await give(file, isSame ? readRange(headers.range, file.size) : undefined, usual, method, response);
}

async function give(
  { file, size }: SiteFile,
  range: ByteRange | 'unsatisfiable' | undefined,
  usual: OutgoingHttpHeaders,
  method: string,
  response: ServerResponse,
): Promise<void> {
  if (range === 'unsatisfiable')
    return refuse(response, 416, 'The file ends before that.', { 'Content-Range': `bytes */${size}` });
  const { first, last } = range ?? { first: 0, last: size - 1 };
  const part = range === undefined ? {} : { 'Content-Range': `bytes ${first}-${last}/${size}` };
  response.writeHead(range === undefined ? 200 : 206, {
    ...usual,
    ...part,
    'Content-Length': last - first + 1,
  });
  if (method === 'HEAD' || size === 0) response.end();
  else await pipeline(createReadStream(file, { start: first, end: last }), response);
}

function headersOf(
  { type, tag, packs, isLasting }: SiteFile,
  target: string,
  encoding: Encoding | undefined,
) {
  const [path] = target.split('?', 1);
  const isForFrames = FOR_FRAMES.test(path);
  const policy = OF_CHECKER.test(path) ? CHECKER_POLICY : contentPolicy();
  return {
    ...(isForFrames ? FRAME_ISOLATION_HEADERS : ISOLATION_HEADERS),
    'Content-Security-Policy': `${policy}; ${framePolicy(isForFrames)}`,
    'Content-Type': type,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': isLasting ? LASTING : 'no-cache',
    'Accept-Ranges': 'bytes',
    ETag: `"${tag}${encoding === undefined ? '' : `-${encoding}`}"`,
    ...(packs ? { Vary: 'Accept-Encoding' } : {}),
    ...(encoding === undefined ? {} : { 'Content-Encoding': encoding }),
  };
}

function refuse(
  response: ServerResponse,
  status: number,
  text: string,
  more: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, {
    ...ISOLATION_HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    ...more,
  });
  response.end(`${text}\n`);
}

/** A name by which browsers reach loopback. */
function isOwnName(host: string | undefined): boolean {
  const name = host
    ?.replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return name !== undefined && (isLoopback(name) || name.endsWith('.localhost'));
}
