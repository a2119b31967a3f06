import { describe, expect, test } from 'vitest';
import { CONTROL_BYTES, Control, END } from './control.ts';

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

  test('touches its own block only', () => {
    const shared = memory();
    new Control(shared, 64).end(END.reboot, -1);
    const bytes = new Uint8Array(shared.buffer);
    const touched = bytes.findLastIndex((byte) => byte !== 0);
    expect(bytes.findIndex((byte) => byte !== 0)).toBeGreaterThanOrEqual(64);
    expect(touched).toBeLessThan(64 + CONTROL_BYTES);
  });
});
