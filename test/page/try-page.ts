/** The parts of the page, each by itself, in a browser. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { checkerPlugin } from '../../scripts/page/checker-modules.ts';
import { sourcePlaces } from '../../scripts/page/source-places.ts';
import { built } from '../built.ts';
import { LAUNCH, PATIENCE_MS } from '../web/browser.ts';
import { type PageServer, servePages } from '../web/page-server.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.html': 'text/html',
  '.json': 'application/json',
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

/** Builds `page/try.html`, serves it, and starts a browser. */
export async function openTryPages(): Promise<TryPages> {
  const [server, browser] = await Promise.all([serveTryPage(), chromium.launch(LAUNCH)]);
  return {
    browser,
    open: async (hash, options) => {
      const page = await browser.newPage(options);
      page.setDefaultTimeout(PATIENCE_MS);
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
  const folder = await built('try-page', buildTryPage);
  const server = await servePages('');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    server.contents.set(relative(folder, path), (_, response) => {
      response.writeHead(200, { 'Content-Type': type }).end(readFileSync(path));
    });
  }
  return server;
}

async function buildTryPage(folder: string): Promise<void> {
  const root = fileURLToPath(new URL('../../page/', import.meta.url));
  await build({
    ...{ root, base: './', configFile: false, logLevel: 'error', publicDir: false, worker: { format: 'es' } },
    plugins: [sourcePlaces(), checkerPlugin()],
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: 'es2024',
      rollupOptions: { input: `${root}try.html` },
    },
  });
}
