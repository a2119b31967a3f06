import { expect, test } from 'vitest';
import type { HostSide } from '../descriptor.ts';
import type { Slot } from './device.ts';
import { PciHostSide } from './host.ts';

/** A function in a slot, with the members that a bus looks for. */
const slot = (number: number, side: HostSide | undefined) =>
  ({ number, function: { connect: () => side } }) as unknown as Slot;

test('what the functions of the bus give to the program is given by the bus', () => {
  const hear = () => undefined;
  const network = { counts: () => ({ sent: 1, received: 2, malformed: 0, refused: 0, overflow: 0 }) };
  const port = { name: 'a' } as NonNullable<HostSide['ports']>[number];
  const slots = [slot(1, undefined), slot(2, { hear, ports: [port] }), slot(3, { hear, network })];
  const side = new PciHostSide(slots, {} as ConstructorParameters<typeof PciHostSide>[1]);
  expect(side.network).toBe(network);
  expect(side.ports).toEqual([port]);
  expect(side.balloon).toBeUndefined();
});
