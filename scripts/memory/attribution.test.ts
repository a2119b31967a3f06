import { describe, expect, test } from 'vitest';
import { attribute, findLinear, overheadOf, parseMappings } from './attribution.ts';

const PAGE = 4096;
/** Two pages of devices, two of harts, four of RAM. */
const memory = {
  bytes: 8 * PAGE,
  harts: { from: 2 * PAGE, to: 4 * PAGE },
  ram: { from: 4 * PAGE, to: 8 * PAGE },
};

const smaps = [
  ['00400000-00500000 r-xp 00000000 fe:00 531 /usr/bin/node', 1000],
  ['03aef000-03b83000 rw-p 00000000 00:00 0 [heap]', 200],
  ['205a1a40000-205a1ddb000 rw-p 00000000 00:00 0 ', 30],
  ['189f61e36000-189f624d5000 rwxp 00000000 00:00 0 ', 7],
  ['7fd5d4000000-7fd5d4b99000 rw-p 00000000 00:00 0 ', 300],
  ['7fd5d4b99000-7fd5d8000000 ---p 00000000 00:00 0 ', 0],
  ['7fd9dc48e000-7fd9dc496000 rw-p 00000000 00:00 0 ', 24],
  ['7fd9dd000000-7fd9de000000 rw-p 00000000 00:00 0 ', 50],
]
  .map(([header, resident]) => `${header}\nSize: 99999 kB\nRss:      ${resident} kB\nPss: 1 kB`)
  .join('\n');

describe('smaps', () => {
  const mappings = parseMappings(smaps);

  test('has a mapping for each header', () => {
    expect(mappings).toHaveLength(8);
    expect(mappings[0]).toEqual({
      ...{ from: 0x400000, to: 0x500000, permissions: 'r-xp' },
      ...{ name: '/usr/bin/node', resident: 1000 },
    });
    expect(mappings[2]).toMatchObject({ from: 0x205_a1a4_0000, name: '', resident: 30 });
  });

  test('has the linear memory, known by its size', () => {
    expect(findLinear(mappings, memory)?.from).toBe(0x7fd9_dc48_e000);
    expect(findLinear(mappings, { ...memory, bytes: 9 * PAGE })).toBeUndefined();
  });

  test('is divided, all of it', () => {
    // One page each of devices and harts, so that four pages of the 24 KiB are the guest's.
    const present = new Set([PAGE, 3 * PAGE]);
    const attribution = attribute(mappings, memory, (offset) => present.has(offset));
    expect(attribution).toEqual({
      ...{ guestRam: 16, harts: 4, devices: 4, program: 1000 },
      ...{ machineCode: 7, heaps: 30, arenas: 500, buffers: 50 },
    });
    const total = mappings.reduce((sum, { resident }) => sum + resident, 0);
    expect(overheadOf(attribution)).toBe(total - 16);
  });
});
