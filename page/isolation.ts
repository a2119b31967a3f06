import { checkArgument, type Rule } from '../src/errors/arguments.ts';
import { errorText } from './dom.ts';

/** Where the page has tried to be isolated, so that it does not load itself for ever. */
const TRIED = 'hartvisor-isolation-tried';
const WORKER = 'isolation-worker.js';
/** Milliseconds that it has to start: it is a small file. */
const WORKER_MS = 15_000;

const ADDRESS: Rule = {
  wanted: 'the address of isolation-worker.js, as a text or a URL',
  fits: (value) => typeof value === 'string' || value instanceof URL,
};

/** The answer to the page's wish for shared memory. */
export type Isolation =
  | { readonly kind: 'isolated' }
  /** The page is loading anew, with the headers. */
  | { readonly kind: 'reloading' }
  /** In whole sentences. */
  | { readonly kind: 'refused'; readonly message: string };

/**
 * Gets the page isolated from others: by the headers of its server, or by a service worker that supplies them. The
 * worker is loaded by pages that are not isolated alone.
 *
 * @param worker address of `isolation-worker.js`: in the page's folder, or in one above it
 * @throws InputError for anything else
 */
export async function isolate(worker: string | URL = WORKER): Promise<Isolation> {
  checkArgument('worker', worker, ADDRESS);
  if (crossOriginIsolated) {
    forget();
    return { kind: 'isolated' };
  }
  if (!isSecureContext)
    return refused(
      `Browsers give pages memory that threads share by https or from localhost alone, and ${location.origin} is neither. Serve this page by https.`,
    );
  if (!('serviceWorker' in navigator))
    return refused(
      'Its server does not send the headers that shared memory needs, and this browser has no service workers here, as in private windows. Use another window or browser, or a server that sends them: hartvisor web.',
    );
  if (hasTried())
    return refused(
      window.top === window.self
        ? 'Its server does not send the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, and the service worker that would supply them did not help. Reload the page, or serve it by hartvisor web.'
        : 'It is in a frame, and this browser wants the page around it to be isolated, too: that page needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, and the frame allow="cross-origin-isolated". Or open it in a tab of its own.',
    );
  remember();
  try {
    await Promise.race([startWorker(worker), late()]);
  } catch (error) {
    return refused(
      `The service worker that supplies the headers could not be started (${errorText(error)}).`,
    );
  }
  location.reload();
  return { kind: 'reloading' };
}

async function startWorker(worker: string | URL): Promise<void> {
  await navigator.serviceWorker.register(new URL(worker, document.baseURI));
  await navigator.serviceWorker.ready;
}

/** Some browsers neither start workers in some windows nor say so. */
function late(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('it does not answer')), WORKER_MS);
  });
}

function refused(reason: string): Isolation {
  return { kind: 'refused', message: `This page cannot run a machine. ${reason}` };
}

function hasTried(): boolean {
  try {
    return sessionStorage.getItem(TRIED) !== null;
  } catch {
    // Storage is off: without it nobody knows whether this is the second time.
    return true;
  }
}

function remember(): void {
  sessionStorage.setItem(TRIED, '1');
}

function forget(): void {
  try {
    sessionStorage.removeItem(TRIED);
  } catch {
    // Storage is off.
  }
}
