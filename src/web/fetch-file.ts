import type { BootProgress } from '../api/boot-options.ts';
import { InputError } from '../errors/input-error.ts';

/** How a file is fetched. */
export interface FetchFileOptions {
  /** Bytes at most; a server that gives more is not listened to any longer. */
  readonly most: number;
  /** The base of the address, unless that is the page. */
  readonly base?: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BootProgress) => void) | undefined;
}

/** Bytes of memory that are taken because a server says so. */
const MOST_AT_ONCE = 2 ** 28;

/** More than any kernel or initrd has. */
export const LARGEST_GUEST_FILE = 2 ** 30;

/**
 * Fetches a whole file.
 *
 * @param what its role, as a message begins with it: `The kernel`
 * @throws InputError that names the file and the reason; the reason of `signal`
 */
export async function fetchFile(
  url: string,
  what: string,
  options: FetchFileOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { pieces, totalBytes = 0 } = await openFile(url, what, options);
  // Filled as they come: to join them at the end would keep a page from all else for too long.
  let whole = new Uint8Array(Math.min(totalBytes, MOST_AT_ONCE));
  let size = 0;
  for await (const piece of pieces) {
    if (size + piece.length > whole.length) {
      const larger = new Uint8Array(Math.max(2 * whole.length, size + piece.length));
      larger.set(whole);
      whole = larger;
    }
    whole.set(piece, size);
    size += piece.length;
  }
  if (size === 0) throw new InputError(`${what} ${url} is empty. Build or copy it again.`);
  return whole.subarray(0, size);
}

/** As {@link fetchFile}, piece by piece as they come. */
export async function* fetchPieces(
  url: string,
  what: string,
  options: FetchFileOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield* (await openFile(url, what, options)).pieces;
}

async function openFile(url: string, what: string, options: FetchFileOptions) {
  const answer = await ask(url, what, options);
  return { pieces: piecesOf(answer, url, what, options), totalBytes: answer.totalBytes };
}

async function* piecesOf(
  { body, totalBytes }: Answer,
  url: string,
  what: string,
  { most, signal, onProgress }: FetchFileOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  try {
    // Ends the request, too, when the reader does not come for the rest.
    for await (const piece of body) {
      bytes += piece.length;
      if (bytes > most) throw new InputError(`${what} ${url} has more than ${most} bytes. Check the file.`);
      onProgress?.({
        message: `Fetching ${url}`,
        bytes,
        ...(totalBytes === undefined ? {} : { totalBytes }),
      });
      yield piece;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof InputError) throw error;
    throw new InputError(`${what} ${url} was cut off after ${bytes} bytes. Is the network there? Try again.`);
  }
}

interface Answer {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly totalBytes: number | undefined;
}

async function ask(url: string, what: string, { signal, base }: FetchFileOptions): Promise<Answer> {
  const response = await fetch(absolute(url, what, base), signal === undefined ? {} : { signal }).catch(
    () => {
      signal?.throwIfAborted();
      throw new InputError(
        `${what} ${url} cannot be fetched: ${navigator.onLine ? 'its server does not answer, or lets no page of another origin have it (CORS)' : 'this computer is offline'}.`,
      );
    },
  );
  if (!response.ok)
    throw new InputError(`${what} ${url} cannot be fetched: its server answers ${response.status}.`);
  const { body, headers } = response;
  if (headers.get('content-type')?.startsWith('text/html') === true) {
    await body?.cancel();
    throw new InputError(`${what} ${url} is a web page and no file. Check the address.`);
  }
  if (body === null) throw new InputError(`${what} ${url} is empty. Build or copy it again.`);
  // With a packed body the length is that of the packed bytes.
  const length = headers.get('content-encoding') === null ? headers.get('content-length') : null;
  return { body, totalBytes: length === null ? undefined : Number(length) };
}

/** The base of addresses that a page gives. */
export function baseAddress(): string {
  return globalThis.document?.baseURI ?? globalThis.location.href;
}

/** An address as a page gives it. @throws TypeError for a text that is none */
export function absoluteUrl(url: string, base: string = baseAddress()): URL {
  return new URL(url, base);
}

function absolute(url: string, what: string, base: string | undefined): URL {
  try {
    return absoluteUrl(url, base);
  } catch {
    throw new InputError(`${what} ${url} is no address that can be fetched.`);
  }
}
