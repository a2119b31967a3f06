/** The parts of the page, each by itself, in a browser. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { checkerPlugin } from '../../scripts/page/checker-modules.ts';
import { sourcePlaces } from '../../scripts/page/source-places.ts';
import { type PageServer, servePages } from '../web/page-server.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  html: 'text/html',
  json: 'application/json',
};

/** A browser with the parts of the page. */
export interface TryPages {
  readonly browser: Browser;
  /** @param hash for example `#timeline?rate=1000` */
  open(
    hash: string,
    options?: Parameters<Browser['newPage']>[0],
  ): Promise<{ page: Page; errors: readonly string[] }>;
  close(): Promise<void>;
}

/** Whether the tests can run; says why not, else. */
export function hasChromium(): boolean {
  if (existsSync(CHROMIUM)) return true;
  console.warn(`skipped: there is no ${CHROMIUM}. npm run setup installs it; CHROMIUM names another one.`);
  return false;
}

/** Builds `page/try.html`, serves it, and starts a browser. */
export async function openTryPages(): Promise<TryPages> {
  const [server, browser] = await Promise.all([
    serveTryPage(),
    chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }),
  ]);
  return {
    browser,
    open: async (hash, options) => {
      const page = await browser.newPage(options);
      const errors: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`${server.url}try.html${hash}`);
      return { page, errors };
    },
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}

async function serveTryPage(): Promise<PageServer> {
  const root = fileURLToPath(new URL('../../page/', import.meta.url));
  const built = await build({
    ...{ root, base: './', configFile: false, logLevel: 'error', publicDir: false, worker: { format: 'es' } },
    plugins: [sourcePlaces(), checkerPlugin()],
    build: { write: false, target: 'es2024', rollupOptions: { input: `${root}try.html` } },
  });
  const server = await servePages('');
  for (const { output } of [built].flat() as readonly { readonly output?: readonly Piece[] }[]) {
    for (const piece of output ?? []) {
      const type = TYPES[piece.fileName.replace(/^.*\./, '')] ?? 'application/octet-stream';
      const content = Buffer.from(piece.type === 'chunk' ? piece.code : piece.source);
      server.contents.set(piece.fileName, (_, response) => {
        response.writeHead(200, { 'Content-Type': type }).end(content);
      });
    }
  }
  return server;
}

type Piece =
  | { readonly type: 'chunk'; readonly fileName: string; readonly code: string }
  | { readonly type: 'asset'; readonly fileName: string; readonly source: string | Uint8Array };
