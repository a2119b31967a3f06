import { AgentError } from '../agent-error.ts';

/** A part of a body, or its end, which has no value. */
interface Part {
  readonly value?: Uint8Array | undefined;
}

type Next = () => Promise<Part>;

/** Bytes of a body behind which no more parts are read before the head is sent. */
const MOST_AT_ONCE = 64 << 10;
/** Methods of which servers expect a body, also an empty one. */
const EMPTY: readonly string[] = ['POST', 'PUT', 'PATCH'];

/** The body of a request, and the header that says where it ends (RFC 9112, section 6). */
export interface FramedBody {
  /** No header for a request that has no body, and of which nobody expects one. */
  readonly header: string | undefined;
  /** Its bytes on the wire. @throws the error of the body; AgentError where it is not as long as it says */
  bytes(): AsyncGenerator<Uint8Array>;
}

/**
 * Servers of HTTP/1.0, and such as Python's http.server, know no chunks: a body that is there at once, as a text is, is
 * sent with its length, as is one whose length the caller has given.
 *
 * @param next reads the body; undefined if there is none
 */
export async function framed(
  { method, headers }: Pick<Request, 'method' | 'headers'>,
  next: Next | undefined,
): Promise<FramedBody> {
  if (next === undefined) {
    const header = EMPTY.includes(method) ? 'content-length: 0' : undefined;
    return { header, bytes: async function* () {} };
  }
  const parts: Uint8Array[] = [];
  const left = await readAtOnce(next, parts);
  if (left === undefined) {
    const length = parts.reduce((sum, { length }) => sum + length, 0);
    return {
      header: `content-length: ${length}`,
      bytes: async function* () {
        yield* parts;
      },
    };
  }
  const all = async function* () {
    yield* parts;
    for (let part = await left.first; part.value !== undefined; part = await next()) yield part.value;
  };
  const given = [...headers].find(([name]) => name === 'content-length')?.[1];
  if (given === undefined || !/^\d{1,15}$/.test(given))
    return { header: 'transfer-encoding: chunked', bytes: () => chunks(all()) };
  return { header: `content-length: ${given}`, bytes: () => counted(all(), Number(given)) };
}

/** @returns the part that is not there yet, or one behind so many bytes; undefined if there is no more */
async function readAtOnce(next: Next, parts: Uint8Array[]): Promise<{ first: Promise<Part> } | undefined> {
  const later = new Promise<void>((resolve) => setTimeout(resolve));
  for (let bytes = 0; ; ) {
    const pending = next();
    const part = await Promise.race([pending, later]);
    if (part !== undefined && part.value === undefined) return undefined;
    if (part?.value === undefined || bytes > MOST_AT_ONCE) {
      // It may fail before somebody waits for it.
      pending.catch(() => undefined);
      return { first: pending };
    }
    parts.push(part.value);
    bytes += part.value.length;
  }
}

async function* chunks(all: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const bytes of all) {
    if (bytes.length === 0) continue;
    yield encoder.encode(`${bytes.length.toString(16)}\r\n`);
    yield bytes;
    yield encoder.encode('\r\n');
  }
  yield encoder.encode('0\r\n\r\n');
}

async function* counted(all: AsyncGenerator<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  const differs = (word: string) =>
    new AgentError('EPROTO', `The body of the request has ${word} bytes than its content-length, ${length}.`);
  for await (const bytes of all) {
    left -= bytes.length;
    if (left < 0) throw differs('more');
    yield bytes;
  }
  if (left > 0) throw differs('fewer');
}
