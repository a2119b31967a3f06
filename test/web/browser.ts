/** One browser for all tests of a file. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { bundleWeb } from '../../scripts/bundle-web.ts';
import { built } from '../built.ts';
import { type PageServer, servePages } from './page-server.ts';

/** The browser of the tests. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Milliseconds for anything that a browser does: a guest that boots takes a while on a busy host. */
export const PATIENCE_MS = 120_000;

/** A browser, and the server of the pages in it. */
export interface TestBrowser {
  readonly server: PageServer;
  /** The built `hartvisor/web`. */
  readonly folder: string;
  /** A page of `page/checks.ts`, from {@link server} unless another one is given. */
  open(url?: string): Promise<OpenPage>;
  close(): Promise<void>;
}

/** A page with its checks. */
export interface OpenPage {
  readonly page: Page;
  /** The errors that its console has reported so far. */
  readonly errors: readonly string[];
  /** Runs one of its checks. */
  run(check: string, given?: string): Promise<unknown>;
}

/** Whether the tests can run; says why not, else. `npm run setup` installs Debian's Chromium. */
export function hasBrowser(): boolean {
  if (existsSync(CHROMIUM)) return true;
  console.warn(`skipped: there is no ${CHROMIUM}. npm run setup installs it; CHROMIUM names another one.`);
  return false;
}

/** How Chromium is started. */
export const LAUNCH = { executablePath: CHROMIUM, args: ['--no-sandbox'], timeout: PATIENCE_MS };

const CHECKS = fileURLToPath(new URL('page/checks.ts', import.meta.url));

/**
 * Builds `hartvisor/web`, and starts a server and a browser.
 *
 * @param script of its pages: has an object `checks` of functions that can be called
 * @param modules that the script imports by their names, as they are: their files
 */
export async function openBrowser(
  script = CHECKS,
  modules: Readonly<Record<string, string>> = {},
): Promise<TestBrowser> {
  const [folder, profile] = ['built', 'profile'].map((name) =>
    mkdtempSync(join(tmpdir(), `hartvisor-web-${name}-`)),
  );
  const [server, context] = await Promise.all([
    servePages(folder),
    // With files on a disk: those of a private window have no limit that tests could set.
    chromium.launchPersistentContext(profile, LAUNCH),
    buildPages(folder, script, modules),
  ]);
  context.setDefaultTimeout(PATIENCE_MS);
  const open = async (url = server.url) => {
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(url);
    return {
      page,
      errors,
      run: (check: string, given = '') => page.evaluate(`checks.${check}(${JSON.stringify(given)})`),
    };
  };
  const close = async () => {
    await context.close();
    server.close();
    for (const each of [folder, profile]) rmSync(each, { recursive: true, force: true });
  };
  return { server, folder, open, close };
}

/**
 * Puts the built `hartvisor/web` and a script of pages into a folder.
 *
 * @param script of the pages: has an object `checks` of functions that can be called
 * @param modules that the script imports by their names, as they are: their files
 */
export async function buildPages(
  folder: string,
  script = CHECKS,
  modules: Readonly<Record<string, string>> = {},
): Promise<void> {
  cpSync(await built('web', bundleWeb), folder, { recursive: true });
  for (const [name, file] of Object.entries(modules)) cpSync(file, join(folder, `${name}.js`));
  await bundleChecks(script, folder, Object.keys(modules));
}

/** They import the built package, which lies beside them. */
async function bundleChecks(checks: string, folder: string, modules: readonly string[]): Promise<void> {
  const bundle = await rolldown({
    platform: 'browser',
    input: { checks },
    external: [/src\/web\/index\.ts$/, ...modules],
  });
  const paths = (id: string) => `./${modules.includes(id) ? id : 'index'}.js`;
  await bundle.write({ dir: folder, entryFileNames: '[name].js', paths });
  await bundle.close();
}
