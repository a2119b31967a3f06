import { describe, expect, test } from 'vitest';
import { CONTROL_BYTES, Control, END, MOST_NOTICES, NEWS } from './control.ts';
import { newsTeller } from './thread.ts';

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

  test('however often threads tell news, one message is under way, and no kind is missed', () => {
    const shared = memory();
    let messages = 0;
    const host = {
      notify: () => messages++,
      clockOffset: 0,
      interpreter: new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)),
    };
    const [one, other] = [0, 1].map(() => newsTeller(new Control(shared, 64), host));
    const owner = new Control(shared, 64);
    for (let round = 1; round <= 3; round++) {
      for (let count = 0; count < 100; count++) {
        one?.(NEWS.alarm);
        other?.(NEWS.output);
      }
      expect([messages, owner.takeNews()]).toEqual([round, NEWS.alarm | NEWS.output]);
    }
    expect(owner.takeNews()).toBe(0);
  });

  test('the first notices may be sent, the others are counted, and the count does not wrap', () => {
    const shared = memory();
    const control = new Control(shared, 64);
    const sent = Array.from({ length: MOST_NOTICES + 5 }, () => control.countNotice());
    expect(sent.filter(Boolean)).toHaveLength(MOST_NOTICES);
    expect([sent.lastIndexOf(true), control.unsentNotices]).toEqual([MOST_NOTICES - 1, 5]);
    new Int32Array(shared.buffer, 64, CONTROL_BYTES / 4)[4] = 2 ** 30 - 1;
    for (let count = 0; count < 5; count++) expect(control.countNotice()).toBe(false);
    expect(control.unsentNotices).toBe(2 ** 30 - MOST_NOTICES);
  });

  test('touches its own block only', () => {
    const shared = memory();
    const control = new Control(shared, 64);
    control.end(END.reboot, -1);
    control.tell(NEWS.ended);
    control.countNotice();
    const bytes = new Uint8Array(shared.buffer);
    const touched = bytes.findLastIndex((byte) => byte !== 0);
    expect(bytes.findIndex((byte) => byte !== 0)).toBeGreaterThanOrEqual(64);
    expect(touched).toBeLessThan(64 + CONTROL_BYTES);
  });
});
