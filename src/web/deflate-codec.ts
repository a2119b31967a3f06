import type { SnapshotCodec } from '../machine/snapshot/codec.ts';
import type { CodecAnswer, CodecOrder } from './codec-messages.ts';

/** Workers at most: more would wait for the page, which reads and writes. */
const MOST_THREADS = 4;

/**
 * Has a snapshot packed or unpacked by deflate, on workers that are there for so long: browsers do it on the thread that
 * asks, and a page must not stand still meanwhile.
 */
export async function withDeflate<Result>(use: (codec: SnapshotCodec) => Promise<Result>): Promise<Result> {
  const count = Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency));
  const threads = Array.from({ length: count }, () => new CodecThread());
  let next = 0;
  const ask = (bytes: Uint8Array, size?: number) => {
    next = (next + 1) % count;
    return threads[next].ask(bytes as Uint8Array<ArrayBuffer>, size);
  };
  try {
    return await use({
      name: 'deflate',
      pack: (bytes) => ask(bytes),
      unpack: (packed, size) => ask(packed, size),
    });
  } finally {
    for (const thread of threads) thread.end();
  }
}

class CodecThread {
  readonly #worker = startWorker();
  readonly #waiting = new Map<number, PromiseWithResolvers<Uint8Array<ArrayBuffer>>>();
  #next = 0;
  #failure: string | undefined;

  constructor() {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<CodecAnswer>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ('bytes' in data) waiting?.resolve(data.bytes);
      else waiting?.reject(new Error(data.why));
    });
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail(event.message || 'the module of the thread could not be loaded');
    });
  }

  ask(bytes: Uint8Array<ArrayBuffer>, size: number | undefined): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#failure !== undefined) return Promise.reject(new Error(this.#failure));
    const waiting = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const id = this.#next++;
    this.#waiting.set(id, waiting);
    this.#worker.postMessage({ id, bytes, ...(size === undefined ? {} : { size }) } satisfies CodecOrder);
    return waiting.promise;
  }

  end(): void {
    this.#worker.terminate();
    this.#fail('the thread was ended');
  }

  #fail(why: string): void {
    this.#failure = why;
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}

/** Written so that bundlers see it. */
function startWorker(): Worker {
  return new Worker(new URL('./codec-thread.ts', import.meta.url), {
    type: 'module',
    name: 'hartvisor codec',
  });
}
