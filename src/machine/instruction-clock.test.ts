import { expect, test } from 'vitest';
import { Scheduler } from '../hypervisor/scheduler.ts';
import { InstructionClock, SkippingSleep } from './instruction-clock.ts';

test('time goes by instructions, ten a tick', () => {
  const clock = new InstructionClock();
  let instructions = 0;
  clock.follow(() => instructions);
  expect(clock.ticks()).toBe(0);
  instructions = 1_000_009;
  expect(clock.ticks()).toBe(100_000);
  expect(clock.wallNanoseconds()).toBe(1_767_225_600_010_000_000n);
});

test('sleep moves the clock on instead of taking time', () => {
  const clock = new InstructionClock();
  const words = new Int32Array(new SharedArrayBuffer(Scheduler.wordsFor(1) * 4));
  const scheduler = new Scheduler(words, 1, (...place) => new SkippingSleep(...place, clock));
  scheduler.sleep(scheduler.sequence, 12.00001);
  expect(clock.ticks()).toBe(120_001);
  // Something has happened in between: no sleep.
  const { sequence } = scheduler;
  scheduler.announce(1);
  scheduler.sleep(sequence, 1000);
  expect(clock.ticks()).toBe(120_001);
});
