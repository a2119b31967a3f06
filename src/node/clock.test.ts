import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { sharedClockOffset } from './clock.ts';

test('a thread reads a time between two readings of another', async () => {
  const here = sharedClockOffset();
  const clock = new URL('./clock.ts', import.meta.url).href;
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     import(${JSON.stringify(clock)}).then(({ sharedClockOffset }) => {
       const offset = sharedClockOffset();
       parentPort.on('message', () => parentPort.postMessage(performance.now() + offset));
       parentPort.postMessage('ready');
     });`,
    { eval: true, execArgv: [] },
  );
  await once(worker, 'message');
  for (let round = 0; round < 10; round++) {
    const before = performance.now() + here;
    worker.postMessage('time');
    const [there] = await once(worker, 'message');
    const after = performance.now() + here;
    // For the uncertainty of both offsets; the origins of the two threads' clocks are many milliseconds apart.
    expect(there).toBeGreaterThan(before - 0.05);
    expect(there).toBeLessThan(after + 0.05);
  }
  await worker.terminate();
});
