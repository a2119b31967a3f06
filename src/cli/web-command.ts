import { statSync } from 'node:fs';
import { InputError } from '../errors/input-error.ts';
import { packageFile } from '../node/package-files.ts';
import { onEndingSignal } from '../node/signals.ts';
import { exportSite } from '../node/web/export-site.ts';
import { type PageGuest, pageGuest } from '../node/web/page-guest.ts';
import { Site } from '../node/web/site.ts';
import { isLoopback, type SiteServer, serveSite } from '../node/web/site-server.ts';
import { EXIT_STATUS } from './exit-status.ts';
import { fetchProgress } from './fetch-progress.ts';
import { warn } from './warn.ts';

/** Options of `hartvisor web` as the parser gives them. */
export interface WebCommandOptions {
  readonly port?: string | undefined;
  readonly host: string;
  readonly cold?: true | undefined;
  readonly output?: string | undefined;
}

/** Where the page is: in the package, and in a checkout, which can have both. */
const FOLDERS = ['dist/page', 'build/web'] as const;
/** Taken unless another one is asked for, and if it is free. */
const USUAL_PORT = 8123;

/**
 * `hartvisor web`: serves the page until a signal ends it, or writes it as a folder.
 *
 * @returns the exit status
 * @throws InputError for options that cannot be used, and where there is no page or no guest
 */
export async function webCommand(options: WebCommandOptions): Promise<number> {
  const { output, port, host, cold } = options;
  const wanted = port === undefined ? undefined : readPort(port);
  const page = findPage();
  const progress = fetchProgress(process.stderr);
  const makeGuest = () =>
    pageGuest({ cold: cold === true, onProgress: progress.report }).finally(progress.done);
  if (output === undefined) return servePage(page, host, wanted, makeGuest);
  exportSite(page, output, await makeGuest());
  process.stdout.write(`${output}\n`);
  return EXIT_STATUS.success;
}

async function servePage(
  page: string,
  host: string,
  port: number | undefined,
  makeGuest: () => Promise<PageGuest>,
): Promise<number> {
  const site = Site.ofFolder(page);
  // Before the guest is made, which can take a minute: a port that is taken is known at once.
  const server = await serve(site, host, port);
  const ended = new Promise<void>((resolve) => {
    onEndingSignal(() => resolve());
  });
  const addGuest = async () => {
    const { files } = await makeGuest();
    for (const [name, file] of files) site.add(`/guest/${name}`, file);
    process.stdout.write(`${server.url}\n`);
    if (!isLoopback(host))
      warn(
        'Others reach this page, too. Browsers run machines in it by https or from localhost alone (docs/page.md).',
      );
  };
  try {
    await Promise.race([addGuest().then(() => ended), ended]);
  } finally {
    await server.close();
  }
  return EXIT_STATUS.success;
}

async function serve(site: Site, host: string, port: number | undefined): Promise<SiteServer> {
  if (port !== undefined) return serveSite(site, { host, port });
  try {
    return await serveSite(site, { host, port: USUAL_PORT });
  } catch {
    // For each reason, a free port has it as well, or is an answer.
    return serveSite(site, { host, port: 0 });
  }
}

/** The page that was built last. */
function findPage(): string {
  const found = FOLDERS.map(packageFile)
    .map((folder) => ({
      folder,
      built: statSync(`${folder}/index.html`, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .filter(({ built }) => built > 0)
    .sort((one, other) => other.built - one.built);
  if (found.length > 0) return found[0].folder;
  throw new InputError('The page is not built in this checkout. Build it: npm run build:web');
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= 0xffff) return port;
  throw new InputError(`--port ${text} is no port. Give 1 to 65535, or 0 for one that is free.`);
}
