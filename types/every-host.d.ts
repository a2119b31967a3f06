/**
 * The globals beside the language that Node and pages share, and that portable rooms may use. `tsconfig.portable.json`
 * compiles those rooms with these instead of the libraries of Node or of browsers, so that neither leaks in.
 */
declare const performance: { now(): number; readonly timeOrigin: number };

interface TimerId {
  readonly timerId: unique symbol;
}
declare function setTimeout(callback: () => void, milliseconds?: number): TimerId;
declare function clearTimeout(timer: TimerId | undefined): void;
declare function setInterval(callback: () => void, milliseconds?: number): TimerId;
declare function clearInterval(timer: TimerId | undefined): void;

declare const crypto: { getRandomValues<T extends ArrayBufferView<ArrayBuffer>>(array: T): T };
declare function structuredClone<T>(value: T): T;

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  readonly href: string;
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
  throwIfAborted(): void;
}

type BufferSource = ArrayBuffer | ArrayBufferView<ArrayBuffer>;
interface ReadableStreamReader<T> {
  read(): Promise<{ readonly done: false; readonly value: T } | { readonly done: true; readonly value?: T }>;
  cancel(reason?: unknown): Promise<void>;
}
interface ReadableStreamDefaultController<T> {
  readonly desiredSize: number | null;
  enqueue(chunk: T): void;
  close(): void;
  error(reason?: unknown): void;
}
declare class ReadableStream<T> {
  constructor(
    source: {
      start?(controller: ReadableStreamDefaultController<T>): void;
      pull?(controller: ReadableStreamDefaultController<T>): Promise<void> | void;
      cancel?(reason?: unknown): Promise<void> | void;
    },
    strategy?: { readonly highWaterMark?: number; size?(chunk?: T): number },
  );
  getReader(): ReadableStreamReader<T>;
}
interface WritableStreamWriter<T> {
  write(chunk: T): Promise<void>;
  close(): Promise<void>;
}
declare class WritableStream<T> {
  constructor(sink: {
    write?(chunk: T): Promise<void> | void;
    close?(): Promise<void> | void;
    abort?(reason?: unknown): Promise<void> | void;
  });
  getWriter(): WritableStreamWriter<T>;
}
declare class CompressionStream {
  constructor(format: 'gzip' | 'deflate' | 'deflate-raw');
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<BufferSource>;
}
declare class DecompressionStream extends CompressionStream {}

declare function queueMicrotask(callback: () => void): void;
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}
declare function fetch(
  url: string,
  init?: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
    readonly cache?: 'no-store';
  },
): Promise<FetchResponse>;
declare class Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Iterable<[string, string]>;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  readonly signal: AbortSignal;
}
declare class Response {
  constructor(
    body: ReadableStream<Uint8Array> | null,
    init: { readonly status: number; readonly statusText: string; readonly headers: [string, string][] },
  );
}
