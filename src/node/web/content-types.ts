import { extname } from 'node:path';

/** Media types of a site's files, and whether it is text or the like, which gets smaller when it is packed. */
const TYPES: Readonly<Record<string, readonly [type: string, packs: boolean]>> = {
  '.html': ['text/html; charset=utf-8', true],
  '.css': ['text/css; charset=utf-8', true],
  '.js': ['text/javascript; charset=utf-8', true],
  '.json': ['application/json', true],
  '.map': ['application/json', true],
  '.svg': ['image/svg+xml', true],
  '.txt': ['text/plain; charset=utf-8', true],
  '.wasm': ['application/wasm', true],
  '.webmanifest': ['application/manifest+json', true],
  '.png': ['image/png', false],
  '.woff2': ['font/woff2', false],
};

/** How a file is told to a browser. */
export interface ContentType {
  readonly type: string;
  /** It is worth to be packed on its way. */
  readonly packs: boolean;
}

/** The type of a file by the ending of its name; bytes unless it is known. */
export function contentTypeOf(name: string): ContentType {
  const [type, packs] = TYPES[extname(name).toLowerCase()] ?? ['application/octet-stream', false];
  return { type, packs };
}
