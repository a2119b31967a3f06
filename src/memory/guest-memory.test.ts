import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { GuestMemory, physicalAddress } from './guest-memory.ts';

const PAGE = 4096;
const SIZE = 2 * PAGE;
/** Above 2 GiB, where signed arithmetic of 32 bits goes wrong, with a page of canary on both sides. */
const OFFSET = 2 ** 31 + 0x1_0000;
const CANARY = 0xa5;
const linear = newMemory();

function newMemory(): WebAssembly.Memory {
  const pages = (OFFSET + 0x1_0000) / 0x1_0000;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** Linear memory from the canary before RAM to that behind it. */
const surroundings = new Uint8Array(linear.buffer, OFFSET - PAGE, SIZE + 2 * PAGE);

function clear(): void {
  surroundings.fill(CANARY);
  surroundings.fill(0, PAGE, PAGE + SIZE);
}

/** RAM as plain bytes, with exact arithmetic. */
class Model {
  readonly bytes = new Uint8Array(SIZE);
  readonly #base: number;

  constructor(base: number) {
    this.#base = base;
  }

  contains(address: number, bytes: number): boolean {
    if (!Number.isInteger(address) || !Number.isInteger(bytes) || bytes < 0) return false;
    const start = BigInt(address) - BigInt(this.#base);
    return start >= 0n && start + BigInt(bytes) <= BigInt(SIZE);
  }

  get(address: number, width: number): number | undefined {
    if (!this.contains(address, width)) return undefined;
    const at = address - this.#base;
    return [...this.bytes.subarray(at, at + width)].reduceRight((value, byte) => value * 256 + byte, 0);
  }

  put(address: number, width: number, value: number): boolean {
    const bytes = Array.from({ length: width }, (_, index) => Math.floor(value / 256 ** index) & 255);
    return this.copyIn(address, Uint8Array.from(bytes));
  }

  copyOut(address: number, length: number): Uint8Array | undefined {
    const at = address - this.#base;
    return this.contains(address, length) ? this.bytes.slice(at, at + length) : undefined;
  }

  copyIn(address: number, bytes: Uint8Array): boolean {
    if (!this.contains(address, bytes.length)) return false;
    this.bytes.set(bytes, address - this.#base);
    return true;
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const isAligned = (address: number, width: number): boolean => address % width === 0;

/** RAM where `virt` has it, across 4 GiB, above 32 bits, and at the end of exact numbers. */
const BASES = [0x8000_0000, 2 ** 32 - PAGE, 2 ** 33, 2 ** 53 - SIZE];
const ODD_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, -1, -PAGE];
const LARGE_NUMBERS = [2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 64 - 2048, 2 ** 64, 1e300];

/** In RAM, at its ends, where 32 bits wrap, where it is in linear memory, and what is no address. */
function addresses(base: number): fc.Arbitrary<number> {
  const around = (place: number) => fc.integer({ min: -9, max: 9 }).map((distance) => place + distance);
  return fc.oneof(
    { weight: 6, arbitrary: fc.nat(SIZE - 1).map((at) => base + at) },
    { weight: 3, arbitrary: fc.oneof(around(base), around(base + PAGE), around(base + SIZE)) },
    fc.oneof(around(base - 2 ** 32), around(base + 2 ** 32), around(OFFSET), around(0)),
    fc.oneof(fc.maxSafeInteger(), fc.constantFrom(...ODD_NUMBERS, ...LARGE_NUMBERS)),
  );
}

const lengths = fc.oneof(
  { weight: 4, arbitrary: fc.nat(16) },
  fc.integer({ min: SIZE - 9, max: SIZE + 9 }),
  fc.constantFrom(...ODD_NUMBERS, ...LARGE_NUMBERS),
);
/** Widths in bits. */
const PLAIN = [8, 16, 32] as const;
const ATOMIC = [16, 32] as const;
const values = fc.oneof(fc.integer(), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const contents = fc.oneof(
  fc.uint8Array({ maxLength: 16 }),
  fc.constantFrom(SIZE - 1, SIZE, SIZE + 1).map((length) => new Uint8Array(length).fill(0x5a)),
);

type Step = (ram: GuestMemory, model: Model) => { readonly done: unknown; readonly expected: unknown };

/** One access to both, of a kind that reads. */
function reads(base: number): fc.Arbitrary<Step> {
  const address = addresses(base);
  return fc.oneof(
    fc.tuple(fc.constantFrom(...PLAIN), address).map(
      ([bits, at]): Step =>
        (ram, model) => ({ done: ram[`read${bits}`](at), expected: model.get(at, bits / 8) }),
    ),
    fc.tuple(fc.constantFrom(...ATOMIC), address).map(
      ([bits, at]): Step =>
        (ram, model) => ({
          done: ram[`load${bits}`](at),
          expected: isAligned(at, bits / 8) ? model.get(at, bits / 8) : undefined,
        }),
    ),
    fc.tuple(address, lengths).map(
      ([at, length]): Step =>
        (ram, model) => ({ done: ram.contains(at, length), expected: model.contains(at, length) }),
    ),
    fc.tuple(address, lengths).map(
      ([at, length]): Step =>
        (ram, model) => ({ done: ram.copyOut(at, length), expected: model.copyOut(at, length) }),
    ),
  );
}

/** One access to both, of a kind that writes. */
function writes(base: number): fc.Arbitrary<Step> {
  const address = addresses(base);
  return fc.oneof(
    fc.tuple(fc.constantFrom(...PLAIN), address, values).map(
      ([bits, at, value]): Step =>
        (ram, model) => ({ done: ram[`write${bits}`](at, value), expected: model.put(at, bits / 8, value) }),
    ),
    fc.tuple(fc.constantFrom(...ATOMIC), address, values).map(
      ([bits, at, value]): Step =>
        (ram, model) => ({
          done: ram[`store${bits}`](at, value),
          expected: isAligned(at, bits / 8) && model.put(at, bits / 8, value),
        }),
    ),
    fc.tuple(address, contents).map(
      ([at, bytes]): Step =>
        (ram, model) => ({ done: ram.copyIn(at, bytes), expected: model.copyIn(at, bytes) }),
    ),
  );
}

beforeEach(clear);

describe.each(BASES)('RAM at %i', (base) => {
  test('does as plain bytes do, refuses whole ranges, and announces each write', () => {
    const steps = fc.array(fc.oneof(reads(base), writes(base)), { minLength: 1, maxLength: 40 });
    const property = fc.property(steps, (list) => {
      clear();
      const ram = new GuestMemory(linear, { base, size: SIZE, offset: OFFSET });
      const model = new Model(base);
      // Whoever copies each write that is announced has all of RAM.
      const mirror = new Uint8Array(SIZE);
      ram.onWrite((address, bytes) => mirror.set(ram.copyOut(address, bytes) ?? [], address - base));
      for (const step of list) {
        const { done, expected } = step(ram, model);
        expect(done).toStrictEqual(expected);
        if (!same(surroundings.subarray(PAGE, PAGE + SIZE), model.bytes)) throw new Error('RAM differs');
      }
      expect(same(mirror, model.bytes)).toBe(true);
      const canaries = [surroundings.subarray(0, PAGE), surroundings.subarray(PAGE + SIZE)];
      expect(canaries.every((canary) => canary.every((byte) => byte === CANARY))).toBe(true);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('is found in linear memory, byte by byte and page by page', () => {
    const ram = new GuestMemory(linear, { base, size: SIZE, offset: OFFSET });
    const property = fc.property(addresses(base), lengths, (address, bytes) => {
      const inside = new Model(base).contains(address, bytes);
      expect(ram.offsetOf(address, bytes)).toBe(inside ? address - base + OFFSET : -1);
      const page = ram.pageOf(address);
      expect(page).toBe(new Model(base).contains(address, 1) ? Math.floor((address - base) / PAGE) : -1);
      if (page >= 0) expect(ram.offsetOfPage(page)).toBe(ram.offsetOf(address - (address % PAGE), 1));
    });
    fc.assert(property, { numRuns: 500 });
  });
});

const BASE = 0x8000_0000;
const END = BASE + SIZE;

function newRam(): { ram: GuestMemory; announced: number[][] } {
  const ram = new GuestMemory(linear, { base: BASE, size: SIZE, offset: OFFSET });
  const announced: number[][] = [];
  ram.onWrite((address, bytes) => announced.push([address, bytes]));
  return { ram, announced };
}

describe('words', () => {
  test('are read and written in place, and each write is announced', () => {
    const { ram, announced } = newRam();
    const words = ram.words(END - 8, 2);
    words?.store(1, -2);
    expect([words?.load(0), words?.load(1), ram.load32(END - 4)]).toEqual([0, -2, 0xffff_fffe]);
    expect(announced).toEqual([[END - 4, 4]]);
  });

  test('are as many as were asked for', () => {
    const { ram, announced } = newRam();
    const words = ram.words(BASE, 2);
    for (const index of [2, -1]) {
      expect(() => words?.load(index)).toThrow(RangeError);
      expect(() => words?.store(index, 1)).toThrow(RangeError);
    }
    expect(announced).toEqual([]);
  });

  test.each([
    ['not aligned', BASE + 2, 1],
    ['partly behind RAM', END - 4, 2],
    ['before RAM', BASE - 4, 1],
    ['fewer than none', BASE, -1],
    ['not a number', BASE, Number.NaN],
    ['at no number', Number.NaN, 1],
    ['more than there are addresses', BASE, 2 ** 62],
  ])('%s are refused', (_, address, count) => {
    expect(newRam().ram.words(address, count)).toBeUndefined();
  });
});

test('an empty range is in RAM up to its end, and nothing is announced for it', () => {
  const { ram, announced } = newRam();
  expect([BASE, END].map((address) => ram.copyOut(address, 0)?.length)).toEqual([0, 0]);
  expect([BASE, END].map((address) => ram.copyIn(address, new Uint8Array()))).toEqual([true, true]);
  expect([BASE - 1, END + 1].map((address) => ram.contains(address, 0))).toEqual([false, false]);
  expect(announced).toEqual([]);
});

test('a copy is the taker’s own', () => {
  const { ram } = newRam();
  const copy = ram.copyOut(BASE, 4);
  ram.write32(BASE, -1);
  expect([...(copy ?? [])]).toEqual([0, 0, 0, 0]);
  expect(copy?.buffer).toBeInstanceOf(ArrayBuffer);
});

test('all listeners are told, when the write is done', () => {
  const { ram, announced } = newRam();
  const seen: (number | undefined)[] = [];
  ram.onWrite((address) => seen.push(ram.read16(address)));
  ram.write16(BASE + 1, 0x1_2345);
  ram.store16(BASE + 4, 0x6789);
  expect(seen).toEqual([0x2345, 0x6789]);
  expect(announced).toEqual([
    [BASE + 1, 2],
    [BASE + 4, 2],
  ]);
});

test('another linear memory has its RAM at the same place, and listeners of its own', () => {
  const { ram, announced } = newRam();
  const other = ram.within(newMemory());
  other.write8(BASE + 5, 7);
  expect([ram.read8(BASE + 5), other.read8(BASE + 5)]).toEqual([0, 7]);
  expect(new Uint8Array(other.linear.buffer)[OFFSET + 5]).toBe(7);
  expect(other.asWords()[1]).toBe(7 << 8);
  expect([ram.asWords().length, announced]).toEqual([SIZE / 4, []]);
});

test('an address is put together from halves without sign', () => {
  expect(physicalAddress(-1, 0)).toBe(2 ** 32 - 1);
  expect(physicalAddress(BASE | 0, 1)).toBe(2 ** 32 + BASE);
  expect(newRam().ram.contains(physicalAddress(BASE | 0, -1), 1)).toBe(false);
});

test('addresses of linear memory are no addresses of the guest', () => {
  const { ram } = newRam();
  const host = ram.offsetOf(BASE, 1);
  // @ts-expect-error its type is that of the other space
  expect(ram.contains(host, 1)).toBe(false);
});

describe('work in place', () => {
  test('sees the bytes of RAM, and is announced where it writes', () => {
    clear();
    const memory = new GuestMemory(linear, { base: 0x8000_0000, size: SIZE, offset: OFFSET });
    const written: [number, number][] = [];
    memory.onWrite((address, bytes) => written.push([address, bytes]));
    expect(memory.fill(0x8000_0010, 3, (bytes) => bytes.set([1, 2, 3]))).toBe(true);
    const seen: number[] = [];
    expect(memory.use(0x8000_000f, 5, (bytes) => seen.push(...bytes))).toBe(true);
    expect([seen, written]).toEqual([[0, 1, 2, 3, 0], [[0x8000_0010, 3]]]);
    const fail = () => {
      throw new Error('half of it');
    };
    expect(() => memory.fill(0x8000_0000, 2, fail)).toThrow('half of it');
    expect(written).toHaveLength(2);
  });

  test.each([
    [0x8000_0000 - 1, 1],
    [0x8000_0000 + SIZE - 1, 2],
    [2 ** 60, 1],
    [0x8000_0000, -1],
  ])('is not done at 0x%x, %d bytes', (address, length) => {
    const memory = new GuestMemory(linear, { base: 0x8000_0000, size: SIZE, offset: OFFSET });
    const never = () => {
      throw new Error('called');
    };
    memory.onWrite(never);
    expect([memory.use(address, length, never), memory.fill(address, length, never)]).toEqual([false, false]);
  });
});
