import { expect, test } from 'vitest';
import type { Platform } from './platform.ts';
import { VmPorts } from './vm-ports.ts';

test.each([0, 65_536, -1, 0.5, Number.NaN])(
  'no port of the host leads to port %d of a guest',
  async (port) => {
    const asked: string[] = [];
    const listen: Platform['listen'] = (host) => Promise.reject(new Error(`${asked.push(host)}`));
    const ports = new VmPorts({ listen }, () => Promise.reject(new Error('nobody connects')));
    await expect(ports.forward(port)).rejects.toMatchObject({
      code: 'input',
      message: `guestPort: ${port} is not possible: give a whole number, 1 to 65535.`,
    });
    expect(asked).toEqual([]);
  },
);
