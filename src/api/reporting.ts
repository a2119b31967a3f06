import { waitFor } from '../agent/wait-for.ts';
import { Listener } from '../errors/listener.ts';

/** Options of a call that tells of its progress, and can be given up. */
interface ReportOptions<Progress> {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a listener a part of the call that tells it: its error gives the call up as the signal does, and the call is
 * not over before it is.
 *
 * @param work is given the options with a listener that never fails, and a signal for both
 * @param drop is given what the work came to when the call had been given up
 * @throws the error of the listener; the reason of the signal, at once
 */
export async function reporting<Progress, Options extends ReportOptions<Progress>, Result>(
  options: Options & ReportOptions<Progress>,
  work: (options: Options) => Promise<Result>,
  drop: (result: Result) => void,
): Promise<Result> {
  const end = new AbortController();
  const stop = () => end.abort(options.signal?.reason);
  if (options.signal?.aborted === true) stop();
  else options.signal?.addEventListener('abort', stop);
  const listener = new Listener(options.onProgress ?? (() => undefined));
  const fail = (error: unknown) => end.abort(error);
  const onProgress = (progress: Progress): void => {
    if (!end.signal.aborted) listener.tell(progress)?.catch(fail);
  };
  const working = work({ ...options, onProgress, signal: end.signal });
  try {
    const result = await waitFor(working, end.signal);
    await waitFor(Promise.resolve(listener.heard), end.signal);
    // The work may have been done all the same.
    end.signal.throwIfAborted();
    return result;
  } catch (error) {
    working.then(drop, () => undefined);
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}
