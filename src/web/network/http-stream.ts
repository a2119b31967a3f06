import type { HostStream, StreamListener } from '../../network/host.ts';
import { type BodyRoom, HttpMistake, type HttpRequest, headerOf, RequestReader } from './http-request.ts';

/** Headers that belong to one connection (RFC 9110, section 7.6.1), or that browsers set themselves. */
const NOT_SENT = [
  ...[
    'host',
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ],
  ...[
    'content-length',
    'expect',
    'accept-encoding',
    'cookie',
    'origin',
    'referer',
    'user-agent',
    'date',
    'via',
  ],
];
/** The same of answers, whose bodies come unpacked. */
const NOT_GIVEN = [
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'trailer',
];

/** Asks a server. @throws an error with the reason why there is no answer */
export type Ask = (request: HttpRequest, signal: AbortSignal) => Promise<Response>;

/**
 * The server at the other end of a guest's connection: reads requests of HTTP, has them asked, and gives the answers,
 * one after the other.
 */
export class HttpStream implements HostStream {
  readonly #listener: StreamListener;
  readonly #ask: Ask;
  readonly #reader: RequestReader;
  readonly #abort = new AbortController();
  #isBusy = false;
  #hasEnded = false;
  #isOver = false;
  #paused: PromiseWithResolvers<void> | undefined;

  /** @param room for the bodies of all such streams */
  constructor(listener: StreamListener, ask: Ask, room: BodyRoom) {
    this.#reader = new RequestReader(room);
    this.#listener = listener;
    this.#ask = ask;
    queueMicrotask(() => listener.connected());
  }

  get pending(): number {
    return this.#reader.pending;
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#reader.push(bytes);
    void this.#work();
  }

  end(): void {
    this.#hasEnded = true;
    if (!this.#isBusy) this.#close();
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  reset(): void {
    this.#isOver = true;
    this.#reader.end();
    this.#abort.abort();
    this.resume();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (!this.#isOver) {
        const before = this.#reader.pending;
        const request = this.#reader.take();
        if (this.#reader.pending < before) this.#listener.drained();
        if (request === undefined) break;
        await this.#serve(request);
        if (!request.keepsAlive) this.#close();
      }
      if (this.#reader.takeExpectation()) this.#give('HTTP/1.1 100 Continue\r\n\r\n');
    } catch (error) {
      if (error instanceof HttpMistake) this.#refuse(error.status, error.message);
      this.#close();
    } finally {
      this.#isBusy = false;
      if (this.#hasEnded) this.#close();
    }
  }

  async #serve(request: HttpRequest): Promise<void> {
    let response: Response;
    try {
      response = await this.#ask(request, this.#abort.signal);
    } catch (error) {
      this.#refuse(502, error instanceof Error ? error.message : String(error), request.keepsAlive);
      return;
    }
    const { body, status } = response;
    const hasBody = body !== null && request.method !== 'HEAD' && status !== 204 && status !== 304;
    const chunked = hasBody && request.takesChunks;
    this.#give(headText(response, request, hasBody, chunked));
    if (!hasBody) return;
    for await (const piece of body) {
      await this.#paused?.promise;
      if (this.#isOver) return;
      if (piece.length === 0) continue;
      if (chunked) this.#give(`${piece.length.toString(16)}\r\n`);
      this.#listener.data(piece);
      if (chunked) this.#give('\r\n');
    }
    if (chunked) this.#give('0\r\n\r\n');
    else this.#close();
  }

  #refuse(status: number, why: string, keepsAlive = false): void {
    const text = new TextEncoder().encode(`${why}\n`);
    this.#give(
      `HTTP/1.1 ${status} ${status === 502 ? 'Bad Gateway' : 'Bad Request'}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
        `Content-Length: ${text.length}\r\nConnection: ${keepsAlive ? 'keep-alive' : 'close'}\r\n\r\n`,
    );
    if (!this.#isOver) this.#listener.data(text);
  }

  #give(text: string): void {
    if (!this.#isOver) this.#listener.data(new TextEncoder().encode(text));
  }

  /** No more requests are read. */
  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reader.end();
    this.#listener.ended();
    if (this.#hasEnded) this.#listener.closed();
  }
}

/** The headers that a request is asked with. */
export function headersToSend({ headers }: HttpRequest): [string, string][] {
  const ofConnection = (headerOf(headers, 'connection') ?? '').toLowerCase().split(/\s*,\s*/);
  return headers
    .filter(([name]) => !NOT_SENT.includes(name) && !ofConnection.includes(name))
    .map(([name, value]) => [name, value]);
}

function headText(response: Response, request: HttpRequest, hasBody: boolean, chunked: boolean): string {
  const { status, statusText, headers } = response;
  const lines = [...headers]
    .filter(([name]) => !NOT_GIVEN.includes(name))
    .map(([name, value]) => `${name}: ${value}`);
  const length = hasBody ? [] : ['content-length: 0'];
  const isHead = request.method === 'HEAD' || status === 204 || status === 304;
  const keeps = request.keepsAlive && (chunked || !hasBody);
  return [
    `HTTP/1.1 ${status} ${statusText}`,
    ...lines,
    ...(chunked ? ['transfer-encoding: chunked'] : isHead ? [] : length),
    `connection: ${keeps ? 'keep-alive' : 'close'}`,
    '\r\n',
  ].join('\r\n');
}
