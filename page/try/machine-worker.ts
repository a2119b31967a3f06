/** Plays a made-up machine on a thread of its own, in real time, so that it does not disturb what is measured. */
import { MOMENT_ROW } from '../../src/trace/moments.ts';
import { SyntheticMachine, type SyntheticOptions } from './synthetic.ts';

/** Milliseconds between two batches, as of a machine that is traced. */
const BATCH_MS = 50;

/** Settings of a play. */
export interface Play extends SyntheticOptions {
  /** Milliseconds; then nothing more happens. */
  readonly end: number;
}

addEventListener('message', ({ data }: MessageEvent<Play>) => {
  const machine = new SyntheticMachine(data);
  postMessage(machine.subject);
  const began = performance.now();
  const timer = setInterval(() => {
    const time = Math.min(performance.now() - began, data.end);
    const batch = machine.until(time);
    if (batch.rows.length >= MOMENT_ROW) postMessage(batch, { transfer: [batch.rows.buffer] });
    if (time === data.end) clearInterval(timer);
  }, BATCH_MS);
});
