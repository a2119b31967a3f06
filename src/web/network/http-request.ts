/** Requests of HTTP/1.x (RFC 9112), as a guest sends them. */

/** Bytes of a request's head and of its body at most. */
const LONGEST_HEAD = 2 ** 16;
const LONGEST_BODY = 2 ** 24;

/** A request that is whole. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query; begins with a slash. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** Another one may follow. */
  readonly keepsAlive: boolean;
  /** The answer may come in chunks: version 1.1. */
  readonly takesChunks: boolean;
}

/** What is no request, or too much; `status` is the answer. */
export class HttpMistake extends Error {
  readonly status: 400 | 413 | 431 | 505;

  constructor(status: HttpMistake['status'], message: string) {
    super(message);
    this.status = status;
  }
}

interface Head {
  readonly request: Omit<HttpRequest, 'body'>;
  /** Undefined: in chunks. */
  readonly bodyBytes: number | undefined;
}

/** Reads requests from a stream of bytes, one after the other. */
export class RequestReader {
  #bytes = new Uint8Array();
  #head: Head | undefined;
  /** The guest waits for a word before it sends the body, and has not been told. */
  #expects = false;

  /** Bytes that wait. */
  get pending(): number {
    return this.#bytes.length;
  }

  push(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes = all;
  }

  /** The next request; undefined until it is whole. @throws HttpMistake, after which there is nothing more to read */
  take(): HttpRequest | undefined {
    this.#head ??= this.#takeHead();
    if (this.#head === undefined) return undefined;
    const { request, bodyBytes } = this.#head;
    if (bodyBytes !== undefined && bodyBytes > LONGEST_BODY)
      throw new HttpMistake(413, 'the body is too long');
    const body = bodyBytes === undefined ? this.#takeChunks() : this.#takeBytes(bodyBytes);
    if (body === undefined) return undefined;
    this.#head = undefined;
    this.#expects = false;
    return { ...request, body: body.length === 0 ? undefined : body };
  }

  /** Whether the guest is to be told now that it may send the body. */
  takeExpectation(): boolean {
    const expects = this.#expects;
    this.#expects = false;
    return expects;
  }

  #takeHead(): Head | undefined {
    const end = endOfHead(this.#bytes);
    if (end === undefined) {
      if (this.#bytes.length > LONGEST_HEAD) throw new HttpMistake(431, 'the head is too long');
      return undefined;
    }
    if (end > LONGEST_HEAD) throw new HttpMistake(431, 'the head is too long');
    const text = new TextDecoder('latin1').decode(this.#bytes.subarray(0, end));
    this.#bytes = this.#bytes.slice(end);
    const head = readHead(text);
    this.#expects = headerOf(head.request.headers, 'expect')?.toLowerCase() === '100-continue';
    return head;
  }

  #takeBytes(bytes: number): Uint8Array<ArrayBuffer> | undefined {
    if (this.#bytes.length < bytes) return undefined;
    const body = this.#bytes.slice(0, bytes);
    this.#bytes = this.#bytes.slice(bytes);
    return body;
  }

  #takeChunks(): Uint8Array<ArrayBuffer> | undefined {
    const read = readChunks(this.#bytes);
    if (read === undefined) {
      if (this.#bytes.length > LONGEST_BODY) throw new HttpMistake(413, 'the body is too long');
      return undefined;
    }
    this.#bytes = this.#bytes.slice(read.end);
    return read.body;
  }
}

/** Behind the empty line. */
function endOfHead(bytes: Uint8Array): number | undefined {
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    const next = bytes[at + 1] === 13 ? at + 2 : at + 1;
    if (bytes[next] === 10) return next + 1;
  }
  return undefined;
}

function readHead(text: string): Head {
  const [first = '', ...lines] = text.trimEnd().split(/\r?\n/);
  const [, method, target, version] = /^([A-Za-z]+) (\S+) HTTP\/(\d\.\d)$/.exec(first.trimStart()) ?? [];
  if (method === undefined || target === undefined) throw new HttpMistake(400, 'that is no request of HTTP');
  if (version !== '1.0' && version !== '1.1') throw new HttpMistake(505, 'HTTP 1.0 and 1.1 are possible');
  const headers = lines.map(readHeader);
  const connection = headerOf(headers, 'connection')?.toLowerCase() ?? '';
  const isNew = version === '1.1';
  const request = {
    ...{ method: method.toUpperCase(), target: pathOf(target), headers, takesChunks: isNew },
    keepsAlive: isNew ? !connection.includes('close') : connection.includes('keep-alive'),
  };
  return { request, bodyBytes: bodyBytesOf(headers) };
}

function readHeader(line: string): readonly [string, string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new HttpMistake(400, 'a header is none');
  return [name.toLowerCase(), value];
}

/** Of a whole address the path counts: whom the guest has connected to is known. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return path.startsWith('/') ? path : `/${path === '*' ? '' : path}`;
}

function bodyBytesOf(headers: HttpRequest['headers']): number | undefined {
  const coding = headerOf(headers, 'transfer-encoding');
  const lengths = headers.filter(([name]) => name === 'content-length').map(([, value]) => value);
  if (coding !== undefined) {
    // One of both could be meant.
    if (lengths.length > 0 || coding.toLowerCase() !== 'chunked')
      throw new HttpMistake(400, 'the length is not clear');
    return undefined;
  }
  if (lengths.some((length) => !/^\d{1,15}$/.test(length) || length !== lengths[0]))
    throw new HttpMistake(400, 'the length is not clear');
  return Number(lengths[0] ?? 0);
}

export function headerOf(headers: HttpRequest['headers'], name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1];
}

/** @returns undefined until the last chunk and its trailer are there */
function readChunks(
  bytes: Uint8Array,
): { readonly body: Uint8Array<ArrayBuffer>; readonly end: number } | undefined {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let at = 0; ; ) {
    const line = bytes.indexOf(10, at);
    if (line < 0) return undefined;
    const text = new TextDecoder('latin1').decode(bytes.subarray(at, line)).trim();
    const [, digits] = /^([\da-f]{1,8})(?:[ \t]*;.*)?$/i.exec(text) ?? [];
    if (digits === undefined) throw new HttpMistake(400, 'a chunk has no length');
    const size = Number.parseInt(digits, 16);
    at = line + 1;
    if (size === 0) return endOfChunks(bytes, at, parts, length);
    length += size;
    if (length > LONGEST_BODY) throw new HttpMistake(413, 'the body is too long');
    if (at + size + 2 > bytes.length) return undefined;
    parts.push(bytes.subarray(at, at + size));
    at += size;
    if (bytes[at] === 13) at++;
    if (bytes[at] !== 10) throw new HttpMistake(400, 'a chunk is longer than it says');
    at++;
  }
}

function endOfChunks(bytes: Uint8Array, start: number, parts: readonly Uint8Array[], length: number) {
  for (let at = start; ; ) {
    const line = bytes.indexOf(10, at);
    if (line < 0) return undefined;
    const isEmpty = line === at || (line === at + 1 && bytes[at] === 13);
    at = line + 1;
    if (!isEmpty) continue;
    const body = new Uint8Array(length);
    let done = 0;
    for (const part of parts) {
      body.set(part, done);
      done += part.length;
    }
    return { body, end: at };
  }
}
