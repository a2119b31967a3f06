/** The first ones are slow, as their code is new to the engine. */
const attempts = 64;

/**
 * Milliseconds to add to this thread's `performance.now()` for a time that all threads of the process share: the
 * system's monotonic clock, as `process.hrtime` gives it.
 *
 * `performance.now` counts from the start of its own thread, but it is cheaper than `hrtime` and allocates nothing; so
 * each thread finds out once how far the two are apart, from the attempt that was disturbed least.
 */
export function sharedClockOffset(): number {
  let offset = 0;
  let narrowest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = performance.now();
    const [seconds, nanoseconds] = process.hrtime();
    const after = performance.now();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    offset = seconds * 1000 + nanoseconds / 1e6 - (before + after) / 2;
  }
  return offset;
}
