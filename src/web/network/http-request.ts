/** Requests of HTTP/1.x (RFC 9112), as a guest sends them. */

/** Bytes of a request's head and of its body at most. */
const LONGEST_HEAD = 2 ** 16;
const LONGEST_BODY = 2 ** 24;
/** Of a line with the length of a chunk, and of one in a trailer. */
const LONGEST_LINE = 2 ** 12;

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

/** The bytes are no request, or too many; `status` is the answer. */
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

/** The next part of a request. `left` bytes of data are on their way. */
type Part =
  | { readonly kind: 'head' | 'chunk' | 'chunkEnd' | 'trailer' }
  | { readonly kind: 'data'; left: number; readonly next: 'chunkEnd' | 'whole' }
  | { readonly kind: 'whole' };

/** Room for the bodies of all connections of a guest together. */
export class BodyRoom {
  #left: number;

  /** @param bytes at once */
  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** @throws HttpMistake where there is not so much */
  take(bytes: number): void {
    if (bytes > this.#left) throw new HttpMistake(413, 'the bodies of all requests are too long together');
    this.#left -= bytes;
  }

  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}

/** Reads requests from a stream of bytes, one after the other. */
export class RequestReader {
  readonly #room: BodyRoom;
  /** Bytes of it that this reader has. */
  #taken = 0;
  /** The bytes that wait to be read: of a body none, so that a guest is not kept from sending the rest. */
  #bytes = new Uint8Array();
  #part: Part = { kind: 'head' };
  #request: Head['request'] | undefined;
  #body: Uint8Array[] = [];
  #bodyBytes = 0;
  /** The guest waits for a word before it sends the body, and has not been told. */
  #expects = false;

  constructor(room: BodyRoom) {
    this.#room = room;
  }

  /** Nothing more is read. */
  end(): void {
    this.#body = [];
    this.#giveBack();
  }

  #giveBack(): void {
    this.#room.giveBack(this.#taken);
    this.#taken = 0;
  }

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
    while (this.#part.kind !== 'whole') {
      const next = this.#read(this.#part);
      if (next === undefined) return undefined;
      this.#part = next;
    }
    const request = this.#request;
    if (request === undefined) throw new Error('a request has a head');
    const body = joined(this.#body.splice(0), this.#bodyBytes);
    this.#giveBack();
    this.#part = { kind: 'head' };
    this.#bodyBytes = 0;
    this.#expects = false;
    return { ...request, body: body.length === 0 ? undefined : body };
  }

  /** Whether the guest is to be told now that it may send the body. */
  takeExpectation(): boolean {
    const expects = this.#expects;
    this.#expects = false;
    return expects;
  }

  /** Reads a part. @returns the bytes behind it; undefined where more have to come first */
  #read(part: Exclude<Part, { kind: 'whole' }>): Part | undefined {
    switch (part.kind) {
      case 'head':
        return this.#readHead();
      case 'data':
        return this.#readData(part);
      case 'chunk':
        return this.#readChunk();
      case 'chunkEnd': {
        const line = this.#takeLine();
        if (line === undefined) return undefined;
        if (line !== '') throw new HttpMistake(400, 'a chunk is longer than it says');
        return { kind: 'chunk' };
      }
      case 'trailer': {
        const line = this.#takeLine();
        return line === undefined ? undefined : { kind: line === '' ? 'whole' : 'trailer' };
      }
    }
  }

  #readHead(): Part | undefined {
    const end = endOfHead(this.#bytes);
    if ((end ?? this.#bytes.length) > LONGEST_HEAD) throw new HttpMistake(431, 'the head is too long');
    if (end === undefined) return undefined;
    const { request, bodyBytes } = readHead(this.#takeText(end));
    this.#request = request;
    this.#expects = headerOf(request.headers, 'expect')?.toLowerCase() === '100-continue';
    if (bodyBytes === undefined) return { kind: 'chunk' };
    return this.#dataOf(bodyBytes, 'whole');
  }

  #readChunk(): Part | undefined {
    const line = this.#takeLine();
    if (line === undefined) return undefined;
    const [, digits] = /^([\da-f]{1,8})(?:[ \t]*;.*)?$/i.exec(line) ?? [];
    if (digits === undefined) throw new HttpMistake(400, 'a chunk has no length');
    const bytes = Number.parseInt(digits, 16);
    return bytes === 0 ? { kind: 'trailer' } : this.#dataOf(bytes, 'chunkEnd');
  }

  #dataOf(bytes: number, next: 'chunkEnd' | 'whole'): Part {
    this.#bodyBytes += bytes;
    if (this.#bodyBytes > LONGEST_BODY) throw new HttpMistake(413, 'the body is too long');
    return { kind: 'data', left: bytes, next };
  }

  #readData(part: Extract<Part, { kind: 'data' }>): Part | undefined {
    const piece = this.#bytes.subarray(0, part.left);
    this.#bytes = this.#bytes.subarray(piece.length);
    this.#room.take(piece.length);
    this.#taken += piece.length;
    if (piece.length > 0) this.#body.push(piece);
    part.left -= piece.length;
    return part.left > 0 ? undefined : { kind: part.next };
  }

  /** A short line, without its end. */
  #takeLine(): string | undefined {
    const end = this.#bytes.indexOf(10);
    if ((end < 0 ? this.#bytes.length : end) > LONGEST_LINE) throw new HttpMistake(400, 'a line is too long');
    return end < 0 ? undefined : this.#takeText(end + 1).trim();
  }

  #takeText(bytes: number): string {
    const text = new TextDecoder('latin1').decode(this.#bytes.subarray(0, bytes));
    this.#bytes = this.#bytes.subarray(bytes);
    return text;
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
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
