import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { type Extent, RamLayout } from './ram-layout.ts';

const ram: Extent = { start: 0x8000_0000, end: 0x8000_0100 };
const bytesOf = (size: number) => new Uint8Array(size);

/** Small numbers around a small RAM, so that parts meet, touch and reach over both ends. */
const someParts = fc.array(
  fc.record({
    kind: fc.constantFrom('put', 'lowest', 'highest'),
    address: fc.integer({ min: -0x20, max: 0x120 }),
    size: fc.nat(0x60),
    zeroed: fc.nat(8),
    alignment: fc.constantFrom(1, 4, 16),
    to: fc.integer({ min: 0, max: 0x140 }),
  }),
  { maxLength: 12 },
);

it('gives each byte of RAM to one part, and refuses only what does not fit', () => {
  fc.assert(
    fc.property(someParts, (parts) => {
      const layout = new RamLayout(ram);
      const owners = new Array<number | undefined>(ram.end - ram.start);
      const isFree = (start: number, end: number): boolean =>
        start >= ram.start &&
        end <= ram.end &&
        owners.slice(start - ram.start, end - ram.start).every((owner) => owner === undefined);
      for (const [index, { kind, address, size, zeroed, alignment, to }] of parts.entries()) {
        const from = ram.start + address;
        let start: number | undefined = from;
        let memorySize = size + zeroed;
        if (kind !== 'put') {
          memorySize = Math.max(size, 1);
          const limit = ram.start + to;
          start = layout[kind]({ size: memorySize, alignment, from, to: limit });
          const possible = Array.from({ length: ram.end - ram.start }, (_, at) => ram.start + at).filter(
            (at) =>
              at % alignment === 0 && at >= from && at + memorySize <= limit && isFree(at, at + memorySize),
          );
          expect(start).toBe(kind === 'lowest' ? possible[0] : possible.at(-1));
          if (start === undefined) continue;
        }
        const end = start + memorySize;
        const put = () => layout.put(`part ${index}`, start, bytesOf(size), memorySize);
        if (memorySize > 0 && !isFree(start, end)) {
          expect(put).toThrow(InputError);
        } else if (memorySize > 0) {
          expect(put()).toEqual({ start, end });
          owners.fill(index, start - ram.start, end - ram.start);
        }
      }
      for (const { address, bytes } of layout.parts) {
        const [owner, ...others] = new Set(
          owners.slice(address - ram.start, address - ram.start + bytes.length),
        );
        expect(owner).toBeDefined();
        expect(others).toEqual([]);
      }
    }),
    { numRuns: 1000 },
  );
});

it('takes addresses of 64 bits, and refuses those beyond RAM', () => {
  const layout = new RamLayout(ram);
  expect(layout.put('a', 0x8000_0010n, bytesOf(4))).toEqual({ start: 0x8000_0010, end: 0x8000_0014 });
  expect(() => layout.put('b', 0xffff_ffff_ffff_fffen, bytesOf(4))).toThrow(
    /^b wants to lie at 0xfffffffffffffffe to 0x10000000000000002, but RAM is 0x80000000 to 0x80000100\./,
  );
  expect(() => layout.put('c', 0x8000_0000, bytesOf(1), 2 ** 53)).toThrow(InputError);
});

it('names both parts that want the same place', () => {
  const layout = new RamLayout(ram);
  layout.put('The firmware', 0x8000_0000, bytesOf(0x20));
  expect(() => layout.put('The kernel', 0x8000_0010, bytesOf(0x20))).toThrow(
    'The firmware and the kernel lie in the same place: at 0x80000000 to 0x80000020 and 0x80000010 to 0x80000030. ' +
      'Link one of them for another address.',
  );
});
