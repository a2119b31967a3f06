import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PanicWatch } from './panic-watch.ts';

const reason = 'VFS: Unable to mount root fs on unknown-block(0,0)';
const panicLine = `[    2.345678] Kernel panic - not syncing: ${reason}\r\n`;
const endLine = `[    2.400000] ---[ end Kernel panic - not syncing: ${reason} ]---\r\n`;
const log = `[    2.3] starting\r\n${panicLine}[    2.35] Call Trace:\r\n${endLine}`;

function watch(...pieces: string[]): PanicWatch {
  const panic = new PanicWatch();
  for (const piece of pieces) panic.see(new TextEncoder().encode(piece));
  return panic;
}

test('a panic is seen, with its reason, wherever the output is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: log.length })), (cuts) => {
      const places = [0, ...cuts.sort((left, right) => left - right), log.length];
      const pieces = places.slice(1).map((end, index) => log.slice(places[index], end));
      const panic = watch(...pieces);
      expect([panic.reason, panic.halted]).toEqual([reason, true]);
    }),
  );
});

test('time stamps may be missing, and threads may be named', () => {
  expect(watch(`Kernel panic - not syncing: ${reason}\n`).reason).toBe(reason);
  expect(watch(`[    1.0][    T1] Kernel panic - not syncing: ${reason}\n`).reason).toBe(reason);
});

test('words about a panic are no panic', () => {
  expect(watch('# grep "Kernel panic - not syncing: x" log\r\n').reason).toBeUndefined();
  expect(watch('[    1.0] Kernel panic averted\r\n').reason).toBeUndefined();
});

test('a kernel that has not said its last word has not halted', () => {
  expect(watch(panicLine).halted).toBe(false);
});

test('a guest that goes on talking has not halted: somebody read an old log', () => {
  expect(watch(log, '~ # ').halted).toBe(false);
  expect(watch(log, '~ # ', 'reboot\r\n').halted).toBe(false);
  expect(watch(log, '\r\n').halted).toBe(true);
});

test('a panic far up in the output is not why the guest resets now', () => {
  const lines = (count: number) => '[   99.0] something else\r\n'.repeat(count);
  expect(watch(panicLine, lines(400)).reason).toBe(reason);
  expect(watch(panicLine, lines(401)).reason).toBeUndefined();
});

test('after an old panic, the next one counts', () => {
  const panic = watch(
    panicLine,
    'x\n'.repeat(500),
    '[  300.0] Kernel panic - not syncing: Fatal exception\n',
  );
  expect(panic.reason).toBe('Fatal exception');
});

test('output without line ends does not pile up', () => {
  const panic = watch(...Array.from({ length: 100 }, () => 'x'.repeat(10_000)), '\n', panicLine);
  expect(panic.reason).toBe(reason);
});
