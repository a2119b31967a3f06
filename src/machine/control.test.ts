import { describe, expect, test } from 'vitest';
import { CONTROL, CONTROL_BYTES, Control, END, MOST_NOTICES } from './control.ts';

const memory = () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

describe('Control', () => {
  test('fresh memory is a machine that runs', () => {
    const control = new Control(memory(), 64);
    expect([control.running, control.reason, control.code]).toEqual([true, 0, 0]);
  });

  test('the first reason counts, in every thread', () => {
    const shared = memory();
    const [one, other] = [new Control(shared, 64), new Control(shared, 64)];
    expect(one.end(END.failure, 7)).toBe(true);
    expect(other.running).toBe(false);
    expect(other.end(END.powerOff, 1)).toBe(false);
    expect([other.reason, other.code]).toEqual([END.failure, 7]);
  });

  test('the first notices may be sent, the others are counted, and the count does not wrap', () => {
    const shared = memory();
    const control = new Control(shared, 64);
    const sent = Array.from({ length: MOST_NOTICES + 5 }, () => control.countNotice());
    expect(sent.filter(Boolean)).toHaveLength(MOST_NOTICES);
    expect([sent.lastIndexOf(true), control.unsentNotices]).toEqual([MOST_NOTICES - 1, 5]);
    CONTROL.over(shared.buffer, 64)[CONTROL.word.notices] = 2 ** 30 - 1;
    for (let count = 0; count < 5; count++) expect(control.countNotice()).toBe(false);
    expect(control.unsentNotices).toBe(2 ** 30 - MOST_NOTICES);
  });

  test('touches its own block only', () => {
    const shared = memory();
    const control = new Control(shared, 64);
    control.end(END.reboot, -1);
    control.countNotice();
    const bytes = new Uint8Array(shared.buffer);
    const touched = bytes.findLastIndex((byte) => byte !== 0);
    expect(bytes.findIndex((byte) => byte !== 0)).toBeGreaterThanOrEqual(64);
    expect(touched).toBeLessThan(64 + CONTROL_BYTES);
  });
});
