/** A server of one file, in a thread of its own: whoever reads from it here waits. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const bytes = Buffer.from(workerData as Uint8Array);
let mark = '"1"';
const server = createServer((request, response) => {
  const [from, to] =
    /^bytes=(\d+)-(\d+)$/
      .exec(request.headers.range ?? '')
      ?.slice(1)
      .map(Number) ?? [];
  const part = bytes.subarray(from, to + 1);
  const range = `bytes ${from}-${from + part.length - 1}/${bytes.length}`;
  response.writeHead(206, { ETag: mark, 'Content-Range': range }).end(part);
});
parentPort?.on('message', (text: string) => {
  mark = text;
  parentPort?.postMessage('changed');
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
