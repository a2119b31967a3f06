/** One browser for all tests of a file. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { bundleWeb } from '../../scripts/bundle-web.ts';
import { type PageServer, servePages } from './page-server.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A browser, and the server of the pages in it. */
export interface TestBrowser {
  readonly browser: Browser;
  readonly server: PageServer;
  /** The built `hartvisor/web`. */
  readonly folder: string;
  /** A page of {@link server}, in which `hartvisor` is the module. What its console reports as errors is in `errors`. */
  open(path?: string): Promise<OpenPage>;
  close(): Promise<void>;
}

/** A page, and its errors so far. */
export interface OpenPage {
  readonly page: Page;
  readonly errors: readonly string[];
}

/** Whether the tests can run; says why not, else. `npm run setup` installs Debian's Chromium. */
export function hasBrowser(): boolean {
  if (existsSync(CHROMIUM)) return true;
  console.warn(`skipped: there is no ${CHROMIUM}. npm run setup installs it; CHROMIUM names another one.`);
  return false;
}

/** Builds `hartvisor/web`, and starts a server and a browser. */
export async function openBrowser(): Promise<TestBrowser> {
  const folder = mkdtempSync(join(tmpdir(), 'hartvisor-web-'));
  const [server, browser] = await Promise.all([
    servePages(folder),
    chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }),
    bundleWeb(folder),
  ]);
  const open = async (path = '') => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(server.url + path);
    return { page, errors };
  };
  const close = async () => {
    await browser.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { browser, server, folder, open, close };
}
