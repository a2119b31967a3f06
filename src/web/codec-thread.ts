/** The first module of a worker that packs and unpacks: browsers do that on the thread that asks for it. */
import type { CodecAnswer, CodecOrder } from './codec-messages.ts';
import { pack, unpack, unpackPages } from './deflate.ts';

/** The surroundings of a dedicated worker; the compiler is told of pages alone. */
interface CodecScope {
  postMessage(answer: CodecAnswer, transfer: readonly ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<CodecOrder>) => void): void;
}

const scope = globalThis as unknown as CodecScope;
scope.addEventListener('message', ({ data }) => {
  carryOut(data).catch((error: unknown) =>
    scope.postMessage({ id: data.id, why: error instanceof Error ? error.message : String(error) }, []),
  );
});

async function carryOut({ id, bytes, size, ram }: CodecOrder): Promise<void> {
  if (size !== undefined && ram !== undefined) {
    scope.postMessage({ id, isPlaced: await unpackPages(bytes, size, ram) }, []);
    return;
  }
  const done = await (size === undefined ? pack(bytes) : unpack(bytes, size));
  scope.postMessage({ id, bytes: done }, [done.buffer]);
}
