import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Uart16550 } from './device.ts';
import { EVENT, Uart16550Host } from './host.ts';
import { OUTPUT_CAPACITY } from './words.ts';

const THR = 0;

/** A port whose events are heard at once, and the pieces in which its output arrives. */
class Wire {
  readonly pieces: string[] = [];
  readonly host: Uart16550Host;
  events = 0;
  /** Fulfilled when the terminal has taken its output; undefined: at once. */
  taken: Promise<void> | undefined;
  readonly #uart: Uart16550;

  constructor() {
    this.#uart = new Uart16550(new Int32Array(new SharedArrayBuffer(Uart16550.WORDS * 4)), {
      irq: { set: () => undefined },
      onOutput: () => {
        this.events++;
        this.host.hear(EVENT.output);
      },
    });
    this.host = new Uart16550Host(this.#uart, {
      output: (bytes) => {
        this.pieces.push(String.fromCharCode(...bytes));
        return this.taken;
      },
    });
  }

  type(text: string): void {
    for (const letter of text) this.#uart.write(THR, 1, letter.charCodeAt(0));
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('output', () => {
  test('comes at once after a silence, and then together with what follows soon', () => {
    const wire = new Wire();
    wire.type('$ hello');
    expect(wire.pieces).toEqual(['$']);
    vi.runAllTimers();
    expect(wire.pieces).toEqual(['$', ' hello']);
    expect(wire.events).toBe(2);
    vi.advanceTimersByTime(1000);
    wire.type('!');
    expect(wire.pieces).toEqual(['$', ' hello', '!']);
  });

  test('waits for no timer when there is much of it', () => {
    const wire = new Wire();
    wire.type('x'.repeat(4 * OUTPUT_CAPACITY));
    expect(wire.pieces.join('').length).toBeGreaterThan(3 * OUTPUT_CAPACITY);
    expect(wire.events).toBeLessThan(20);
    vi.runAllTimers();
    expect(wire.pieces.join('').length).toBe(4 * OUTPUT_CAPACITY);
  });

  test('comes before a pause, and none during it', () => {
    const wire = new Wire();
    wire.type('before');
    wire.host.pause();
    expect(wire.pieces).toEqual(['b', 'efore']);
    wire.type('late');
    vi.runAllTimers();
    expect(wire.pieces).toEqual(['b', 'efore']);
    wire.host.resume();
    expect(wire.pieces).toEqual(['b', 'efore', 'late']);
  });

  test('comes before the end', () => {
    const wire = new Wire();
    wire.type('end');
    wire.host.finish();
    expect(wire.pieces).toEqual(['e', 'nd']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('waits for a terminal that is busy', async () => {
    const wire = new Wire();
    const { promise, resolve } = Promise.withResolvers<void>();
    wire.taken = promise;
    wire.type('abc');
    vi.runAllTimers();
    expect(wire.pieces).toEqual(['a']);
    resolve();
    await vi.runAllTimersAsync();
    expect(wire.pieces).toEqual(['a', 'bc']);
  });
});
