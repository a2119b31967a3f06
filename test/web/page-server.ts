import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

/** The content at a path: bytes, or an answer of its own. */
export type Content =
  | Uint8Array
  | string
  | ((request: IncomingMessage, response: ServerResponse) => void | Promise<void>);

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.html': 'text/html',
  '.wasm': 'application/wasm',
};

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

/** The page of `page/checks.ts`: its module script has run when it is loaded. */
const PAGE = `<!doctype html>
<title>hartvisor</title>
<script type="module" src="dist/checks.js"></script>
`;

/** A server on loopback for tests in a browser. */
export interface PageServer {
  /** Ends with a slash. */
  readonly url: string;
  /** By path without the slash at its front; more can be added at any time. */
  readonly contents: Map<string, Content>;
  close(): void;
}

/**
 * Serves pages.
 *
 * @param folder files of it are served below `dist/`
 * @param isolated sends what shared memory needs
 */
export async function servePages(folder: string, isolated = true): Promise<PageServer> {
  const contents = new Map<string, Content>();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname.slice(1);
    if (isolated) for (const [name, value] of Object.entries(ISOLATION)) response.setHeader(name, value);
    const content = contents.get(path) ?? (await fileOf(folder, path));
    if (typeof content === 'function') return content(request, response);
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[extname(path)] ?? (path === '' ? 'text/html' : 'application/octet-stream');
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': content.length }).end(content);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // An icon, which browsers ask for on their own.
  contents.set('favicon.ico', '');
  contents.set('', PAGE);
  return {
    ...{ url: `http://127.0.0.1:${port}/`, contents },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Gives parts of a file, as they are asked for. */
export function inRanges(bytes: Uint8Array): Content {
  return ({ headers }, response) => {
    const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    const part = bytes.subarray(Number(first), Number(last) + 1);
    const end = Number(first) + part.length - 1;
    response
      .writeHead(206, { ETag: '"1"', 'Content-Range': `bytes ${first}-${end}/${bytes.length}` })
      .end(part);
  };
}

async function fileOf(folder: string, path: string): Promise<Uint8Array | undefined> {
  if (!/^dist(\/[\w-][\w.-]*)+$/.test(path)) return undefined;
  return readFile(join(folder, path.slice('dist/'.length))).catch(() => undefined);
}
