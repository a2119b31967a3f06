/** The first module of a worker that packs and unpacks: browsers do that on the thread that asks for it. */
import type { CodecAnswer, CodecOrder } from './codec-messages.ts';
import { pack, unpack } from './deflate.ts';

/** What a dedicated worker has around it; the compiler is told of pages alone. */
interface CodecScope {
  postMessage(answer: CodecAnswer, transfer: readonly ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<CodecOrder>) => void): void;
}

const scope = globalThis as unknown as CodecScope;
scope.addEventListener('message', ({ data: { id, bytes, size } }) => {
  const job = size === undefined ? pack(bytes) : unpack(bytes, size);
  job.then(
    (done) => scope.postMessage({ id, bytes: done }, [done.buffer]),
    (error: unknown) =>
      scope.postMessage({ id, why: error instanceof Error ? error.message : String(error) }, []),
  );
});
