/**
 * Hostile descriptors for all virtio devices, many more than a test makes: no call may throw, nothing outside of the
 * guest's RAM may change, a device that was stopped has to work after a reset, and memory has to stay flat.
 *
 *     node scripts/ring-fuzz.ts [--millions N] [--seed S] [DEVICE...]
 *
 * One million descriptors for each device with a seed of the clock unless given. Meanwhile another thread writes over
 * the rings, so that chains change while they are read; `--quiet` leaves it out, and a seed then decides on everything.
 * The exit status is 1 if something is wrong, with the seed.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { createHostile, HOSTILE_DEVICES } from '../test/devices/hostile-devices.ts';
import { HostileGuest } from '../test/devices/hostile-guest.ts';

/** Descriptors after which the surroundings are looked at, and another guest begins. */
const ROUND = 100_000;
const LARGEST_GROWTH = 64e6;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    millions: { type: 'string', default: '1' },
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
    quiet: { type: 'boolean', default: false },
  },
});
const wanted = Number(values.millions) * 1e6;
const seed = Number(values.seed);
const names = positionals.length > 0 ? positionals : Object.keys(HOSTILE_DEVICES);

/** Writes over words of the rings and tables until it is ended. */
const SCRIBBLER = `
  const { workerData: { words, from, count } } = require('node:worker_threads');
  for (let state = 1; ; ) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    if ((state & 63) === 0) Atomics.store(words, from + (state >>> 8) % count, state % 5 === 0 ? state : 0x80000000 | (state & 0xffff));
  }`;

for (const name of names) {
  const rig = createHostile(name);
  const words = new Int32Array(rig.memory.linear.buffer);
  const from = rig.memory.offsetOf(rig.memory.base, 4) / 4;
  const scribbler = values.quiet
    ? undefined
    : new Worker(SCRIBBLER, { eval: true, workerData: { words, from, count: 0x9400 / 4 } });
  let [descriptors, stops, served, early] = [0, 0, 0, 0];
  try {
    for (let round = 0; descriptors < wanted; round++) {
      const requests = rig.requests?.(seed + round);
      const guest = new HostileGuest(rig.registers, rig.memory, rig.queues, seed + round, requests);
      while (guest.descriptors < ROUND) {
        guest.step();
        rig.pump();
      }
      descriptors += guest.descriptors;
      stops += guest.stops;
      served += guest.served;
      const wrong = rig.trouble();
      if (wrong !== undefined) throw new Error(wrong);
      const { rss } = process.memoryUsage();
      if (descriptors <= wanted / 4 || round === 0) early = rss;
      else if (rss > early + LARGEST_GROWTH) throw new Error(`${rss - early} bytes more are resident`);
      // Events of other threads happen, and what is due.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (stops === 0 || served === 0) throw new Error('the guest has reached nothing');
    // The other thread writes over the index that is counted by, too.
    const back = values.quiet ? `${served} requests came back` : 'changed meanwhile';
    console.log(`${name}: ${descriptors} descriptors, ${back}, stopped ${stops} times: good`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`${name}: seed ${seed}, behind ${descriptors} descriptors:`, error);
  } finally {
    await scribbler?.terminate();
  }
}
