import type { SnapshotCodec } from '../machine/snapshot/codec.ts';
import type { CodecAnswer, CodecOrder } from './codec-messages.ts';
import { wholeBuffer } from './whole-buffer.ts';

/** Workers at most: more would wait for the thread that reads and writes. */
const MOST_THREADS = 4;

type Packed = Uint8Array<ArrayBuffer>;

/**
 * Has a snapshot packed and unpacked by deflate, on workers that are there for so long: browsers do it on the thread
 * that asks, which has to read and write meanwhile. Pages of RAM go to their places right there.
 */
export async function withDeflate<Result>(use: (codec: SnapshotCodec) => Promise<Result>): Promise<Result> {
  // As many as there are processors: the thread that asks waits for them most of the time.
  const count = Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency));
  const threads = Array.from({ length: count }, () => new CodecThread());
  const next = () => threads.reduce((least, thread) => (thread.load < least.load ? thread : least));
  try {
    return await use({
      name: 'deflate',
      pack: (bytes) => next().pack(bytes),
      unpack: (packed, size) => next().unpack(packed as Packed, size),
      unpackPages: (packed, size, ram) => next().unpackPages(packed as Packed, size, ram),
    });
  } finally {
    for (const thread of threads) thread.end();
  }
}

interface Waiting {
  readonly bytes: number;
  resolve(answer: CodecAnswer): void;
  reject(error: Error): void;
}

class CodecThread {
  /** Bytes that it has to work at. */
  load = 0;
  readonly #worker = startWorker();
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #failure: string | undefined;

  constructor() {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<CodecAnswer>) => {
      const waiting = this.#waiting.get(data.id);
      if (waiting === undefined) return;
      this.#waiting.delete(data.id);
      this.load -= waiting.bytes;
      if ('why' in data) waiting.reject(new Error(data.why));
      else waiting.resolve(data);
    });
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail(event.message || 'the module of the thread could not be loaded');
    });
  }

  pack(bytes: Packed): Promise<Packed> {
    return this.#ask({ bytes }, bytes.length).then(bytesOf);
  }

  unpack(packed: Packed, size: number): Promise<Packed> {
    const bytes = wholeBuffer(packed);
    return this.#ask({ bytes, size }, size, [bytes.buffer]).then(bytesOf);
  }

  async unpackPages(packed: Packed, size: number, ram: Uint8Array): Promise<boolean> {
    const bytes = wholeBuffer(packed);
    const answer = await this.#ask({ bytes, size, ram }, size, [bytes.buffer]);
    return 'isPlaced' in answer && answer.isPlaced;
  }

  end(): void {
    this.#worker.terminate();
    this.#fail('the thread was ended');
  }

  #ask(order: Omit<CodecOrder, 'id'>, size: number, transfer: ArrayBuffer[] = []): Promise<CodecAnswer> {
    if (this.#failure !== undefined) return Promise.reject(new Error(this.#failure));
    const { promise, resolve, reject } = Promise.withResolvers<CodecAnswer>();
    const id = this.#next++;
    this.#waiting.set(id, { bytes: size, resolve, reject });
    this.load += size;
    this.#worker.postMessage({ id, ...order } satisfies CodecOrder, transfer);
    return promise;
  }

  #fail(why: string): void {
    this.#failure = why;
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}

function bytesOf(answer: CodecAnswer): Packed {
  if ('bytes' in answer) return answer.bytes;
  throw new Error('the thread has answered something else');
}

/** Written so that bundlers see it. */
function startWorker(): Worker {
  return new Worker(new URL('./codec-thread.ts', import.meta.url), {
    type: 'module',
    name: 'hartvisor codec',
  });
}
