import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { InputError } from '../errors/input-error.ts';
import type { TerminalInput } from '../node/terminal.ts';

/**
 * Passes on all of a guest's output, as fast as its reader takes it.
 *
 * @returns whether it was read to its end; false if nobody reads any more
 * @throws InputError if it cannot be written for another reason, such as a full disk
 */
export async function passOutput(from: ReadableStream<Uint8Array>, to: Writable): Promise<boolean> {
  const reader = from.getReader();
  let isClosed = false;
  let failure: Error | undefined;
  const close = (reason?: unknown) => {
    isClosed = true;
    if (reason instanceof Error && !isUnread(reason, to)) failure ??= reason;
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
    else
      await new Promise<void>((resolve) =>
        to.write('', (error) => resolve(error ? close(error) : undefined)),
      );
  } finally {
    to.off('error', close);
    to.off('close', close);
  }
  if (failure !== undefined)
    throw new InputError(`The command's output cannot be written: ${failure.message}.`);
  return !isClosed;
}

/** Whether an output fails for want of a reader, as that of a pipe or of a terminal that is gone. */
function isUnread(error: Error, output: Writable): boolean {
  if ('isTTY' in output && output.isTTY === true) return true;
  const code = 'code' in error ? String(error.code) : '';
  return code === 'EPIPE' || code === 'ECONNRESET' || code.startsWith('ERR_STREAM_');
}

/**
 * Passes on all input, then its end, until the guest takes no more.
 *
 * @param fail is told why the rest of the input cannot be read: the guest is given no end, which it would believe
 * @returns stops it
 */
export function passInput(
  from: TerminalInput,
  to: WritableStream<Uint8Array>,
  fail: (error: Error) => void,
): () => void {
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
  // That of a terminal ends where it is gone, or another program's.
  from.on('error', (error: Error) => (from.isTTY === true ? onEnd() : fail(error)));
  return stop;
}
