import { HartvisorError } from '../errors/hartvisor-error.ts';

/** A page may not have memory that its threads share: its server does not send the headers for that. */
export class IsolationError extends HartvisorError {
  override readonly name = 'IsolationError';
  readonly code = 'isolation';
}

/** Facts about a page's surroundings. */
export interface PageFacts {
  /** It may share memory between threads. */
  readonly crossOriginIsolated: boolean;
  /** It came by https, or from this computer. */
  readonly isSecureContext: boolean;
  readonly origin: string;
}

/**
 * Checks that a page can run machines.
 *
 * @throws IsolationError with its server's task
 */
export function checkIsolation(page: PageFacts = globalThis): void {
  if (page.crossOriginIsolated) return;
  if (!page.isSecureContext)
    throw new IsolationError(
      `A machine needs memory that threads share, which pages have by https or from localhost alone: ${page.origin} is ` +
        'neither. Serve this page by https.',
    );
  throw new IsolationError(
    'A machine needs memory that threads share, which this page may not have: it is not cross-origin isolated. Have its ' +
      'server send "Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" with it ' +
      'and with the modules of hartvisor. In a frame, the pages around it need both too, and the frame ' +
      'allow="cross-origin-isolated".',
  );
}
