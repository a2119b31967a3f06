import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HartPoints } from './hart-points.ts';
import { type HartPoint, MOST_POINTS, POINT_KIND, POINT_LIST, PointList } from './point-list.ts';

const split = (address: bigint): [number, number] => [
  Number(BigInt.asIntN(32, address)),
  Number(BigInt.asIntN(32, address >> 32n)),
];

/** Addresses near others, near ends of pages and halves, in both halves of the address space. */
const address = fc
  .tuple(
    fc.constantFrom(0n, 0x7fff_f000n, 0xffff_f000n, 0xffff_ffff_8000_0000n, 0xffff_ffff_ffff_0000n),
    fc.bigInt({ min: 0n, max: 0x2100n }),
  )
  .map(([base, offset]) => BigInt.asUintN(64, base + offset));

const watch = fc.record({
  at: address,
  length: fc.integer({ min: 1, max: 0x2000 }),
  kinds: fc.constantFrom<number>(POINT_KIND.read, POINT_KIND.write, POINT_KIND.read | POINT_KIND.write),
});

test('an access meets what is watched where their bytes do', () => {
  fc.assert(
    fc.property(
      fc.array(watch, { maxLength: 4 }),
      address,
      fc.integer({ min: 1, max: 64 }),
      (watches, at, bytes) => {
        const points = new HartPoints(
          watches.map(({ at: place, length, kinds }) => {
            const [low, high] = split(place);
            return { low, high, length, kinds };
          }),
        );
        const [low, high] = split(at);
        const met = watches.find(
          (each) =>
            (each.kinds & POINT_KIND.read) !== 0 &&
            at < each.at + BigInt(each.length) &&
            at + BigInt(bytes) > each.at,
        );
        const hit = points.find(low, high, bytes, POINT_KIND.read);
        expect(hit !== undefined).toBe(met !== undefined);
        if (hit === undefined || met === undefined) return;
        expect([hit.low, hit.high]).toEqual(split(at + BigInt(Math.max(0, Number(met.at - at)))));
        expect(points.watchesPage(low, high) || points.watchesPage(...split(at + BigInt(bytes - 1)))).toBe(
          true,
        );
      },
    ),
  );
});

test('the map has all pages in which there is anything', () => {
  fc.assert(
    fc.property(watch, fc.boolean(), ({ at, length, kinds }, isCode) => {
      const [low, high] = split(at);
      const point: HartPoint = isCode
        ? { low, high, length: 1, kinds: POINT_KIND.code }
        : { low, high, length, kinds };
      const [mapLow, mapHigh] = new HartPoints([point]).map;
      const map = BigInt.asUintN(32, BigInt(mapLow)) | (BigInt.asUintN(32, BigInt(mapHigh)) << 32n);
      let expected = 0n;
      const last = (at + BigInt(isCode ? 0 : length - 1)) >> 12n;
      for (let page = at >> 12n; page <= last; page++) expected |= 1n << (page & 63n);
      expect(map).toBe(expected);
    }),
  );
});

test('code is met at its address alone', () => {
  const [low, high] = split(0xffff_ffff_8020_1234n);
  const points = new HartPoints([{ low, high, length: 1, kinds: POINT_KIND.code }]);
  expect(points.isCode(low, high)).toBe(true);
  expect(points.isCode(low + 2, high)).toBe(false);
  expect(points.isCode(low, 0)).toBe(false);
  expect(points.inPage(low & -4096, high)).toEqual([0x234 / 2]);
  expect(points.find(low, high, 8, POINT_KIND.read | POINT_KIND.write)).toBeUndefined();
});

test('a list in shared memory keeps its points, and counts its changes', () => {
  const words = new Int32Array(new SharedArrayBuffer(POINT_LIST.bytes));
  const [owner, other] = [new PointList(words), new PointList(words)];
  const points = Array.from({ length: MOST_POINTS }, (_, index) => ({
    low: 1 - index,
    high: index,
    kinds: 1,
    length: 1,
  }));
  expect(owner.write(points)).toBe(true);
  expect(other.read()).toEqual(points);
  expect(owner.write([...points, { low: 0, high: 0, kinds: 1, length: 1 }])).toBe(false);
  expect(other.read()).toEqual(points);
  const { changes } = other;
  owner.touch();
  expect(other.changes).toBe(changes + 1);
});
