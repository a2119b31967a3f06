import { expect, test } from 'vitest';
import { Owners } from './owners.ts';

test('where this process may do everything, owners are the same', () => {
  const owners = new Owners(0);
  expect([0, 1, 1000, 2 ** 32 - 2].map((owner) => [owners.toGuest(owner), owners.toHost(owner)])).toEqual(
    [0, 1, 1000, 2 ** 32 - 2].map((owner) => [owner, owner]),
  );
});

test('an ordinary user is root in the guest, and root is nobody', () => {
  const owners = new Owners(1000);
  expect([1000, 0, 1001].map((owner) => owners.toGuest(owner))).toEqual([0, 65_534, 1001]);
  // Files of the guest's root belong to the user already.
  expect(owners.toHost(0)).toBe(-1);
  for (const owner of [1000, 1001, 65_534]) expect(() => owners.toHost(owner)).toThrow('error 1');
});
