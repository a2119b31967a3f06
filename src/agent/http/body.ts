import { type ByteReader, notHttp, type ResponseHead } from './response-head.ts';

/** Statuses of responses that have no body. */
const EMPTY: readonly number[] = [204, 205, 304];
/** Bytes of a body that are handed on together. */
const PIECE = 64 << 10;

/**
 * The body of a response, however its length is told (RFC 9112, section 6.3).
 *
 * @param request its signal ends the body with the signal's reason
 * @param onEnd nobody needs the connection any more
 * @returns null if there is none
 */
export function bodyOf(
  { status, headers }: ResponseHead,
  { method, signal }: Pick<Request, 'method' | 'signal'>,
  reader: ByteReader,
  onEnd: () => void,
): ReadableStream<Uint8Array> | null {
  if (method === 'HEAD' || EMPTY.includes(status)) {
    onEnd();
    return null;
  }
  const header = (name: string) => headers.find(([key]) => key === name)?.[1];
  const length = header('content-length');
  const isChunked = header('transfer-encoding')?.toLowerCase().includes('chunked') === true;
  const next = isChunked ? chunks(reader) : length === undefined ? rest(reader) : counted(reader, length);
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const bytes = await next();
        if (bytes !== undefined) controller.enqueue(bytes);
        else {
          controller.close();
          onEnd();
        }
      } catch (error) {
        controller.error(signal.aborted ? signal.reason : error);
        onEnd();
      }
    },
    cancel: onEnd,
  });
}

type Next = () => Promise<Uint8Array | undefined>;

function rest(reader: ByteReader): Next {
  return () => reader.some(PIECE);
}

function counted(reader: ByteReader, text: string): Next {
  let left = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return async () => {
    if (Number.isNaN(left)) throw notHttp(`its content-length is ${JSON.stringify(text.slice(0, 40))}`);
    if (left === 0) return undefined;
    const bytes = await reader.some(Math.min(left, PIECE));
    if (bytes === undefined) throw notHttp('the response ends too early');
    left -= bytes.length;
    return bytes;
  };
}

/** RFC 9112, section 7.1. */
function chunks(reader: ByteReader): Next {
  let left = 0;
  let isFirst = true;
  return async () => {
    if (left === 0) {
      if (!isFirst && (await reader.line()) !== '') throw notHttp('a chunk is longer than it says');
      isFirst = false;
      const size = /^([0-9a-fA-F]{1,12})(?:[ \t]*;.*)?$/.exec(await reader.line())?.[1];
      if (size === undefined) throw notHttp('a chunk has no size');
      left = Number.parseInt(size, 16);
      if (left === 0) return undefined;
    }
    const bytes = await reader.some(Math.min(left, PIECE));
    if (bytes === undefined) throw notHttp('the response ends too early');
    left -= bytes.length;
    return bytes;
  };
}
