/** One thread of a counterexample, on a thread of the browser: see `replay-thread.ts`. */
import { type ReplayStart, runReplayThread } from '../../src/verify/threaded/replay-thread.ts';

addEventListener('message', ({ data }: MessageEvent<ReplayStart>) => {
  runReplayThread(data).then(
    (result) => postMessage({ result }),
    (error: unknown) => postMessage({ error: String(error) }),
  );
});
