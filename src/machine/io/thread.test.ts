import { describe, expect, test } from 'vitest';
import { Control, END } from '../control.ts';
import { serveLane } from './thread.ts';

/** A machine whose one device counts how often it was asked to work. */
function machine() {
  const control = new Control(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), 64);
  const device = {
    asked: 0,
    work: (): boolean => {
      device.asked++;
      if (device.asked === 3) control.end(END.powerOff);
      return true;
    },
  };
  return { control, device, lane: 1, workers: [device], network: undefined };
}

describe('an I/O thread', () => {
  test('works until the machine ends', async () => {
    const one = machine();
    await serveLane({ ...one, stand: () => one.control.stand() });
    expect(one.device.asked).toBe(3);
  });

  test('leaves alone what waits when a machine that stands is ended: a snapshot has its disks as they are', async () => {
    const one = machine();
    one.control.pause();
    one.control.ask();
    const save = () => one.control.end(END.stopped);
    await serveLane({ ...one, stand: () => one.control.stand(save) });
    expect(one.device.asked).toBe(0);
  });
});
