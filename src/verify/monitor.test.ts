import { describe, expect, test } from 'vitest';
import { Monitor } from './monitor.ts';
import type { SpecEvent, SpecViolation } from './spec-event.ts';
import { messageNumber } from './world/word-names.ts';

const SOFT = 2;
const EXT = 10;
const bits = (...irqs: number[]) => irqs.reduce((all, irq) => all | (1 << irq), 0);
const call = (thread: string, irq: number, set = true): SpecEvent => ({ is: 'call', thread, irq, set });
const back = (thread: string): SpecEvent => ({ is: 'return', thread });
const flush = (...irqs: number[]): SpecEvent => ({ is: 'flush', lo: bits(...irqs), hi: 0 });
const flushed = (...irqs: number[]): SpecEvent => ({ is: 'flushed', lo: bits(...irqs), hi: 0 });

function run(...events: SpecEvent[]): { monitor: Monitor; end: number | SpecViolation } {
  const monitor = new Monitor([SOFT], [EXT]);
  let end: number | SpecViolation = monitor.initial;
  for (const event of events) {
    if (typeof end !== 'number') break;
    end = monitor.next(end, event);
  }
  return { monitor, end };
}

function verdictOf(...events: SpecEvent[]): string {
  const { monitor, end } = run(...events);
  if (typeof end !== 'number') return end.property;
  return monitor.unsettled(end, [SOFT], 0, 0).length === 0 ? 'settled' : 'waits';
}

describe('edges', () => {
  test('one set is delivered once', () => {
    expect(verdictOf(call('S', SOFT), back('S'), flush(), flushed(SOFT))).toBe('settled');
    expect(verdictOf(call('S', SOFT), back('S'), flush(), flushed(SOFT), flush(), flushed(SOFT))).toBe('P2');
  });

  test('a set that returned and was never delivered waits', () => {
    expect(verdictOf(call('S', SOFT), back('S'))).toBe('waits');
    expect(verdictOf(call('S', SOFT), back('S'), flush(), flushed())).toBe('waits');
  });

  test('nothing comes from nowhere', () => {
    expect(verdictOf(flush(), flushed(SOFT))).toBe('P2');
  });

  test('two sets may merge, and may be delivered twice, and not three times', () => {
    const sets = [call('S', SOFT), back('S'), call('S', SOFT), back('S')];
    expect(verdictOf(...sets, flush(), flushed(SOFT))).toBe('settled');
    const overlapping = [call('S', SOFT), flush(), flushed(SOFT), back('S'), call('S', SOFT)];
    expect(verdictOf(...overlapping, flush(), flushed(SOFT), back('S'))).toBe('settled');
    expect(verdictOf(...overlapping, flush(), flushed(SOFT), flush(), flushed(SOFT))).toBe('P2');
  });

  test('a set that overlaps a flush may be in it or after it', () => {
    expect(verdictOf(flush(), call('S', SOFT), flushed(SOFT))).toBe('settled');
    expect(verdictOf(flush(), call('S', SOFT), flushed(), back('S'), flush(), flushed(SOFT))).toBe('settled');
  });

  test('a set merges with what the guest has not cleared', () => {
    expect(verdictOf(call('S', SOFT), back('S'), flush(SOFT), flushed(SOFT))).toBe('settled');
  });

  test('a flush must not erase what the guest has', () => {
    expect(verdictOf(flush(SOFT), flushed())).toBe('P1');
  });
});

describe('levels', () => {
  test('a flush shows a value that the level had during it', () => {
    expect(verdictOf(call('D', EXT), back('D'), flush(), flushed(EXT))).toBe('settled');
    expect(verdictOf(call('D', EXT), back('D'), flush(), flushed())).toBe('P3');
    expect(verdictOf(call('D', EXT), flush(), flushed())).toBe('settled');
    expect(
      verdictOf(flush(), call('D', EXT), back('D'), call('D', EXT, false), back('D'), flushed(EXT)),
    ).toBe('settled');
  });

  test('a derived level changes at once', () => {
    const high: SpecEvent = { is: 'effect', irq: EXT, high: true };
    expect(verdictOf(high, flush(), flushed())).toBe('P3');
    expect(verdictOf(flush(), high, flushed())).toBe('settled');
    const { monitor, end } = run(high);
    expect(typeof end === 'number' && monitor.isHigh(end, EXT)).toBe(true);
    expect(typeof end === 'number' && monitor.unsettled(end, [EXT], 0, 0)).toEqual([EXT]);
    expect(typeof end === 'number' && monitor.unsettled(end, [EXT], bits(EXT), 0)).toEqual([]);
  });

  test('of two overlapping calls either may be the last', () => {
    const both = [call('A', EXT), call('B', EXT, false), back('A'), back('B')];
    const { monitor, end } = run(...both);
    expect(typeof end === 'number' && monitor.unsettled(end, [EXT], 0, 0)).toEqual([]);
    expect(typeof end === 'number' && monitor.unsettled(end, [EXT], bits(EXT), 0)).toEqual([]);
  });
});

describe('under weak memory', () => {
  const look: SpecEvent = { is: 'look' };
  const ahead: SpecEvent = { is: 'ahead', thread: 'S' };
  const kept: SpecEvent = { is: 'kept', thread: 'S' };

  test('a flush shows a value that the level had since the vCPU was up to date last', () => {
    expect(verdictOf(look, call('D', EXT), back('D'), flush(), flushed())).toBe('settled');
    expect(verdictOf(look, call('D', EXT), back('D'), flush(), flushed(EXT))).toBe('settled');
    expect(verdictOf(look, call('D', EXT), back('D'), look, flush(), flushed())).toBe('P3');
    expect(verdictOf(look, flush(), flushed(), call('D', EXT), back('D'), flush(), flushed())).toBe(
      'settled',
    );
  });

  test('a look in the middle of a flush says nothing of what the flush has read before', () => {
    expect(verdictOf(look, flush(), call('D', EXT), back('D'), look, flushed())).toBe('settled');
    expect(verdictOf(flush(), call('D', EXT), back('D'), look, flushed())).toBe('settled');
  });

  test('an edge is not taken before the flush begins', () => {
    const unset = [call('S', SOFT, false), back('S')];
    expect(verdictOf(look, call('S', SOFT), back('S'), ...unset, flush(), flushed(SOFT))).toBe('P2');
  });

  test('a store ahead of its turn may be that of the next call', () => {
    const early = [ahead, flush(), flushed(SOFT)];
    expect(verdictOf(...early, call('S', SOFT), kept, back('S'))).toBe('settled');
    expect(verdictOf(...early, kept)).toBe('P2');
    expect(verdictOf(...early, call('S', EXT), kept, back('S'))).toBe('P2');
    expect(verdictOf(...early, call('T', SOFT), back('T'), kept)).toBe('P2');
    expect(verdictOf(...early, flush(), flushed(SOFT))).toBe('P2');
    expect(verdictOf(ahead, flush(), flushed(EXT), call('S', EXT), kept, back('S'))).toBe('settled');
  });

  test('two stores ahead of their turn may be those of two calls, in any order', () => {
    const both = [flush(), flushed(SOFT, EXT)];
    const calls = [call('S', EXT), kept, back('S'), call('S', SOFT), kept, back('S')];
    expect(verdictOf(ahead, ahead, ...both, ...calls)).toBe('settled');
    expect(verdictOf(ahead, ...both, ahead, ...calls)).toBe('P2');
    expect(verdictOf(ahead, ahead, ...both, kept, ...calls.slice(0, 3), kept)).toBe('P2');
    // The store of the second call may take effect first, and alone.
    expect(
      verdictOf(ahead, flush(), flushed(SOFT), call('S', EXT, false), back('S'), call('S', SOFT), kept),
    ).toBe('settled');
  });

  test('of one call, it is nothing more', () => {
    const within = [call('S', SOFT), ahead, flush(), flushed(SOFT)];
    expect(verdictOf(...within, kept, back('S'))).toBe('settled');
    expect(verdictOf(...within, flush(), flushed(SOFT), kept, back('S'))).toBe('P2');
    expect(verdictOf(ahead, kept, call('S', SOFT), back('S'))).toBe('waits');
  });
});

describe('messages in an interrupt file', () => {
  const [LOW, HIGH] = [messageNumber(3), messageNumber(70)];
  const claim = (...wanted: number[]): SpecEvent => ({ is: 'claim', wanted });
  const claimed = (irq = 0): SpecEvent => ({ is: 'claimed', irq });
  const send = (irq: number) => [call('M', irq), back('M')];

  function outcome(...events: SpecEvent[]): string {
    const monitor = new Monitor([SOFT, LOW, HIGH], [EXT]);
    let end: number | SpecViolation = monitor.initial;
    for (const event of events) {
      if (typeof end !== 'number') break;
      end = monitor.next(end, event);
    }
    if (typeof end !== 'number') return end.property;
    const waits = monitor.unsettled(end, [LOW, HIGH], 0, 0);
    return waits.length === 0 ? 'settled' : 'waits';
  }

  test('one message is claimed once', () => {
    expect(outcome(...send(LOW), claim(LOW, HIGH), claimed(LOW))).toBe('settled');
    expect(outcome(...send(LOW), claim(LOW, HIGH), claimed(LOW), claim(LOW, HIGH), claimed(LOW))).toBe('P2');
    expect(outcome(...send(LOW))).toBe('waits');
  });

  test('a flush takes no message, and a claim no interrupt', () => {
    expect(outcome(...send(LOW), flush(), flushed())).toBe('waits');
    expect(
      outcome(...send(LOW), call('S', SOFT), back('S'), claim(LOW), claimed(LOW), flush(), flushed(SOFT)),
    ).toBe('settled');
  });

  test('the claim takes what was on top at some moment of it', () => {
    expect(outcome(...send(LOW), ...send(HIGH), claim(LOW, HIGH), claimed(HIGH))).toBe('P9');
    expect(outcome(...send(HIGH), claim(LOW, HIGH), ...send(LOW), claimed(HIGH))).toBe('waits');
    expect(outcome(claim(LOW, HIGH), ...send(LOW), ...send(HIGH), claimed(HIGH))).toBe('P9');
    expect(outcome(claim(LOW, HIGH), ...send(HIGH), ...send(LOW), claimed(HIGH))).toBe('waits');
  });

  test('what is not wanted is not on top', () => {
    expect(outcome(...send(LOW), ...send(HIGH), claim(HIGH), claimed(HIGH))).toBe('waits');
  });

  test('it finds nothing only when there was nothing', () => {
    expect(outcome(claim(LOW), claimed())).toBe('settled');
    expect(outcome(claim(LOW), ...send(LOW), claimed())).toBe('waits');
    expect(outcome(...send(LOW), claim(LOW), claimed())).toBe('P1');
    expect(outcome(...send(LOW), claim(HIGH), claimed())).toBe('waits');
  });

  test('the guest may withdraw one', () => {
    expect(outcome(...send(LOW), call('V', LOW, false), back('V'))).toBe('settled');
  });
});
