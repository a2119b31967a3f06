import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { TerminalInput } from '../node/terminal.ts';

/**
 * Passes on all of a guest's output, as fast as its reader takes it.
 *
 * @returns whether it was read to its end; false if nobody reads any more
 */
export async function passOutput(from: ReadableStream<Uint8Array>, to: Writable): Promise<boolean> {
  const reader = from.getReader();
  let isClosed = false;
  const close = () => {
    isClosed = true;
  };
  to.once('error', close);
  to.once('close', close);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (isClosed) break;
      // Whichever comes first: an error ends the wait as well.
      if (!to.write(part.value)) await once(to, 'drain').catch(close);
    }
    if (isClosed) await reader.cancel();
    else await new Promise((resolve) => to.write('', resolve));
  } finally {
    to.off('error', close);
    to.off('close', close);
  }
  return !isClosed;
}

/** Passes on all input, then its end, until the guest takes no more. @returns stops it */
export function passInput(from: TerminalInput, to: WritableStream<Uint8Array>): () => void {
  const writer = to.getWriter();
  const stop = () => {
    from.off('data', onData);
    from.off('end', onEnd);
    from.pause();
  };
  const onData = (bytes: Uint8Array) => {
    from.pause();
    writer.write(bytes).then(() => from.resume(), stop);
  };
  const onEnd = () => void writer.close().catch(() => undefined);
  from.on('data', onData);
  from.on('end', onEnd);
  // Input that cannot be read is input that ends.
  from.on('error', onEnd);
  return stop;
}
