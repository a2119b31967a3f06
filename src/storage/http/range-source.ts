/** A file behind a URL, as it was when it was first asked for. It can be sent by `postMessage`. */
export interface RemoteFile {
  readonly url: string;
  /** Bytes. */
  readonly size: number;
  /** By which it is known again: its `ETag`, or its `Last-Modified`; undefined if the server says neither. */
  readonly mark: string | undefined;
}

/** Milliseconds, and numbers of tries. */
export interface Patience {
  /** Without a byte, after which a request is given up. */
  readonly stall: number;
  readonly tries: number;
  /** Between tries. */
  readonly pause: number;
}

export const PATIENCE: Patience = { stall: 10_000, tries: 3, pause: 1000 };

/** A mistake that another try does not mend: the file is another one now, or cannot be read in parts. */
class Final extends Error {}

/**
 * Asks a server for a file's size, and whether it gives parts of it.
 *
 * @throws Error with the fault, for people, without the URL
 */
export async function connect(url: string, patience: Patience = PATIENCE): Promise<RemoteFile> {
  return withPatience(patience, async () => {
    const { headers } = await request(url, 0, new Uint8Array(1), patience);
    const size = Number(/^bytes 0-0\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]);
    if (!Number.isSafeInteger(size)) throw new Final('the server does not say how large it is');
    return { url, size, mark: markOf(headers) };
  });
}

/**
 * Fetches a part of a file.
 *
 * @throws Error where the server gives no answer, or the file has changed
 */
export async function fetchPart(
  { url, size, mark }: RemoteFile,
  offset: number,
  into: Uint8Array,
  patience: Patience = PATIENCE,
): Promise<void> {
  await withPatience(patience, async () => {
    const { headers } = await request(url, offset, into, patience);
    const range = headers.get('content-range') ?? '';
    if (markOf(headers) !== mark || !range.endsWith(`/${size}`))
      throw new Final('the file has been changed on the server since the start');
    if (range !== `bytes ${offset}-${offset + into.length - 1}/${size}`)
      throw new Error('the server gave another part than the one that was asked for');
  });
}

async function withPatience<T>({ tries, pause }: Patience, work: () => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn++) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Final || turn >= tries) throw error;
    }
    await new Promise<void>((resolve) => setTimeout(resolve, pause));
  }
}

type Answer = Awaited<ReturnType<typeof fetch>>;

/** One try. @returns the answer, whose body is in `into` */
async function request(url: string, offset: number, into: Uint8Array, { stall }: Patience): Promise<Answer> {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => abort.abort(new Error(`the server has sent nothing for ${stall / 1000} seconds`)),
      stall,
    );
  };
  try {
    wait();
    const range = `bytes=${offset}-${offset + into.length - 1}`;
    const response = await fetch(url, { headers: { range }, signal: abort.signal, cache: 'no-store' });
    checkStatus(response.status);
    await readBody(response, into, wait);
    return response;
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : reasonOf(error);
  } finally {
    clearTimeout(timer);
    // An answer that is longer than it should be is not read to its end.
    abort.abort();
  }
}

function checkStatus(status: number): void {
  if (status === 206) return;
  if (status === 200) throw new Final('the server gives it as a whole only, without ranges');
  if (status === 416) throw new Final('the file has been changed on the server since the start, or is empty');
  const text = `the server answers with status ${status}`;
  throw status >= 500 || status === 429 ? new Error(text) : new Final(text);
}

async function readBody({ body }: Answer, into: Uint8Array, onBytes: () => void): Promise<void> {
  const reader = body?.getReader();
  let done = 0;
  while (done < into.length) {
    const piece = await reader?.read();
    if (piece?.value === undefined) throw new Error('the answer of the server was too short');
    onBytes();
    into.set(piece.value.subarray(0, into.length - done), done);
    done += piece.value.length;
  }
}

function markOf(headers: Answer['headers']): string | undefined {
  return headers.get('etag') ?? headers.get('last-modified') ?? undefined;
}

/** `fetch` says "fetch failed", and the cause beside it. */
function reasonOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? new Error(`the server cannot be reached: ${cause.message}`) : error;
}
