import { expect, test } from 'vitest';
import type { DeviceDescriptor } from '../../devices/descriptor.ts';
import { i32, struct } from '../../layout/struct.ts';
import { PARTS } from '../parts.ts';
import { buildLayout } from './build-layout.ts';

const OTHER = struct({ somethingElse: i32 });

test('a build in which any device of a domain has another layout has another sum', () => {
  const sums = PARTS.map((changed) =>
    buildLayout(
      PARTS.map((part) =>
        part === changed ? { ...part, device: { ...part.device, state: () => [OTHER] } } : part,
      ),
    ),
  );
  for (const [index, { only }] of PARTS.entries()) {
    if (only === 'bare') expect(sums[index]).toBe(buildLayout());
    else expect(sums[index], PARTS[index].device.name).not.toBe(buildLayout());
  }
});

test('all devices that can be on the PCI bus are in it', () => {
  const names = new Set<string>();
  buildLayout(
    PARTS.map((part) => {
      const { slots } = part.device;
      const state: DeviceDescriptor['state'] = (setting) => {
        for (const { name } of slots?.(setting) ?? []) names.add(name.replace(/ in slot \d+$/, ''));
        return [];
      };
      return { ...part, device: { ...part.device, state } };
    }),
  );
  const byMmio = PARTS.map(({ device }) => device.name).filter((name) => name.startsWith('virtio-'));
  expect(names).toEqual(new Set(byMmio.filter((name) => name !== 'virtio-rng')));
});
