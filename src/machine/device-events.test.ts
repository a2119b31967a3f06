import { expect, test } from 'vitest';
import { DeviceEvents } from './device-events.ts';

const DEVICES = 3;
const shared = () => new Int32Array(new SharedArrayBuffer(4 * DeviceEvents.wordsFor(DEVICES)));

test('however often threads tell of an event, one message is under way, and none is missed', () => {
  const words = shared();
  const threads = [new DeviceEvents(words), new DeviceEvents(words)];
  const owner = new DeviceEvents(words);
  for (let round = 0; round < 3; round++) {
    const messages: string[] = [];
    for (let count = 0; count < 100; count++) {
      for (const [device, event] of [[0, 31] as const, [2, 0] as const, [2, 1] as const]) {
        if (threads[count % 2]?.tell(device, event)) messages.push(`${device}.${event}`);
      }
    }
    expect(messages).toEqual(['0.31', '2.0', '2.1']);
    for (const message of messages) {
      const [device = 0, event = 0] = message.split('.').map(Number);
      owner.take(device, event);
    }
    expect([...words]).toEqual([0, 0, 0]);
  }
});

test('an event or a device that does not exist is refused, and touches nothing', () => {
  const words = shared();
  const events = new DeviceEvents(words);
  for (const [device, event] of [
    [0, -1],
    [0, 32],
    [0, Number.NaN],
    [DEVICES, 0],
  ] as const) {
    expect(() => events.tell(device, event)).toThrow(RangeError);
  }
  expect([...words]).toEqual([0, 0, 0]);
});
