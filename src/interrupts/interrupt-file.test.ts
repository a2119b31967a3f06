import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explore } from '../../test/interrupts/stepper.ts';
import { FILE_BLOCK, FILE_REGISTER, type FileWords, InterruptFile, topRegister } from './interrupt-file.ts';

const { delivery, threshold, pending, enabled } = FILE_REGISTER;

function createWords(): FileWords {
  return FILE_BLOCK.over(new SharedArrayBuffer(FILE_BLOCK.bytes), 0);
}

function createFile(identities?: number): InterruptFile {
  return new InterruptFile(createWords(), identities);
}

/** Reads and writes as `csrrw` does it. */
function swap(file: InterruptFile, register: number, low: number, high = 0): [number, number] {
  const old = { low: 0, high: 0 };
  expect(file.read(register, 64, old)).toBe(true);
  file.write(register, 64, old.low, old.high, low, high);
  return [old.low, old.high];
}

/** A file with the given identities enabled, and delivery on. */
function deliveringFile(ids: readonly number[], identities?: number): InterruptFile {
  const file = createFile(identities);
  swap(file, delivery, 1);
  for (const id of ids) enable(file, id);
  return file;
}

function enable(file: InterruptFile, id: number): void {
  const register = enabled + (id >> 5);
  file.write(register, 32, 0, 0, 1 << (id & 31), 0);
}

describe('an interrupt file', () => {
  test('takes an MSI that is enabled, and kicks once', () => {
    const file = deliveringFile([1, 40]);
    expect(file.receive(40)).toBe(true);
    expect(file.receive(40)).toBe(false);
    expect(file.receive(1)).toBe(true);
    expect(file.top()).toBe(1);
    expect(file.claim()).toBe(1);
    expect(file.claim()).toBe(40);
    expect(file.claim()).toBe(0);
    expect(file.asserts()).toBe(false);
  });

  test('keeps what is not enabled, and delivers it later', () => {
    const file = deliveringFile([]);
    expect(file.receive(33)).toBe(false);
    expect(file.asserts()).toBe(false);
    enable(file, 33);
    expect(file.asserts()).toBe(true);
    expect(file.claim()).toBe(33);
  });

  test('delivery decides about the signal only', () => {
    const file = deliveringFile([5]);
    swap(file, delivery, 0);
    expect(file.receive(5)).toBe(false);
    expect(file.top()).toBe(5);
    expect(file.asserts()).toBe(false);
    swap(file, delivery, 1);
    expect(file.asserts()).toBe(true);
  });

  test('a threshold hides its own identity and larger ones', () => {
    const file = deliveringFile([4, 5]);
    swap(file, threshold, 5);
    expect(file.receive(5)).toBe(false);
    expect(file.top()).toBe(0);
    expect(file.claim()).toBe(0);
    expect(file.receive(4)).toBe(true);
    expect(file.top()).toBe(4);
    swap(file, threshold, 0);
    expect(file.claim()).toBe(4);
    expect(file.claim()).toBe(5);
  });

  test.each([0, 256, 2048, -1, 1.5, Number.NaN, 2 ** 32 + 1])('ignores %d, which is no identity', (id) => {
    const file = deliveringFile([]);
    for (let index = 0; index < 64; index++) file.write(enabled + index, 32, 0, 0, -1, 0);
    const before = [...file.words];
    expect(file.receive(id)).toBe(false);
    expect([...file.words]).toEqual(before);
  });

  test('has as many identities as it is made with', () => {
    for (const identities of [63, 255, 2047]) {
      const file = deliveringFile([identities], identities);
      expect(file.receive(identities)).toBe(true);
      expect(file.top()).toBe(identities);
      expect(file.receive(identities + 1)).toBe(false);
    }
    for (const identities of [0, 31, 64, 256, 2111, 62.5, Number.NaN]) {
      expect(() => createFile(identities)).toThrow('63, 127, 191, ... or 2047 identities');
    }
    expect(() => new InterruptFile(new Int32Array(8))).toThrow('needs');
  });

  test('bits of no identity read as 0', () => {
    const file = createFile(63);
    swap(file, enabled, -1, -1);
    expect(swap(file, enabled, 0, 0)).toEqual([~1, -1]);
    swap(file, pending + 2, -1, -1);
    expect(swap(file, pending + 2, 0)).toEqual([0, 0]);
  });

  test('registers that do not exist, and reserved ones', () => {
    const file = createFile();
    const out = { low: 9, high: 9 };
    expect(file.read(pending + 1, 64, out)).toBe(false);
    expect(file.read(enabled + 63, 64, out)).toBe(false);
    expect(file.read(pending + 1, 32, out)).toBe(true);
    for (const register of [0x71, 0x73, 0x7f]) {
      file.write(register, 64, 0, 0, -1, -1);
      expect(file.read(register, 64, out)).toBe(true);
      expect(out).toEqual({ low: 0, high: 0 });
    }
    swap(file, delivery, 0x4000_0001);
    expect(swap(file, delivery, 0x4000_0000)).toEqual([1, 0]);
    expect(swap(file, delivery, 0)).toEqual([0, 0]);
    swap(file, threshold, 0x1_0805);
    expect(swap(file, threshold, 0)).toEqual([5, 0]);
  });

  test('an MSI between read and write of a register stays', () => {
    const file = deliveringFile([3, 4, 40]);
    file.receive(3);
    const old = { low: 0, high: 0 };
    file.read(pending, 64, old);
    file.receive(4);
    file.receive(40);
    file.write(pending, 64, old.low, old.high, 0, 0);
    expect([file.claim(), file.claim(), file.claim()]).toEqual([4, 40, 0]);
  });

  test('the value of xtopei', () => {
    expect(topRegister(0)).toBe(0);
    expect(topRegister(2047)).toBe(0x07ff_07ff);
  });
});

/** The same by sets of numbers. */
class Reference {
  readonly pending = new Set<number>();
  readonly enabled = new Set<number>();
  delivery = 0;
  threshold = 0;
  readonly #last: number;

  constructor(last: number) {
    this.#last = last;
  }

  takes(id: number): boolean {
    return this.pending.has(id) && this.enabled.has(id) && (this.threshold === 0 || id < this.threshold);
  }

  top(): number {
    return [...this.pending]
      .filter((id) => this.takes(id))
      .reduce((a, b) => (a === 0 ? b : Math.min(a, b)), 0);
  }

  receive(id: number): boolean {
    if (id < 1 || id > this.#last || this.pending.has(id)) return false;
    this.pending.add(id);
    return this.delivery === 1 && this.takes(id);
  }

  claim(): number {
    const top = this.top();
    this.pending.delete(top);
    return top;
  }

  bits(of: 'pending' | 'enabled', first: number, width: number): bigint {
    return [...this[of]].reduce((all, id) => {
      const inside = id >= first && id < first + width;
      return inside ? all | (1n << BigInt(id - first)) : all;
    }, 0n);
  }

  setBits(of: 'pending' | 'enabled', first: number, width: number, value: bigint): void {
    for (let bit = 0; bit < width; bit++) {
      const id = first + bit;
      const on = ((value >> BigInt(bit)) & 1n) !== 0n && id >= 1 && id <= this.#last;
      if (on) this[of].add(id);
      else this[of].delete(id);
    }
  }
}

type Step =
  | { do: 'receive'; id: number }
  | { do: 'claim' }
  | { do: 'setting'; of: 'delivery' | 'threshold'; value: number }
  | { do: 'pending' | 'enabled'; index: number; xlen: 32 | 64; value: bigint };

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('receive' as const), id: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ do: fc.constant('claim' as const) }),
    fc.record({
      do: fc.constant('setting' as const),
      of: fc.constant('delivery' as const),
      value: fc.integer({ min: 0, max: 1 }),
    }),
    fc.record({
      do: fc.constant('setting' as const),
      of: fc.constant('threshold' as const),
      value: fc.integer({ min: 0, max: 300 }),
    }),
    fc.record({
      do: fc.constantFrom('pending' as const, 'enabled' as const),
      index: fc.integer({ min: 0, max: 9 }),
      xlen: fc.constantFrom(32 as const, 64 as const),
      value: fc.oneof(fc.bigInt(0n, (1n << 64n) - 1n), fc.constant(0n), fc.constant((1n << 64n) - 1n)),
    }),
  ),
  { maxLength: 60 },
);

/** Does a step on both and compares what it returns. */
function doBoth(file: InterruptFile, reference: Reference, step: Step): void {
  if (step.do === 'receive') expect(file.receive(step.id)).toBe(reference.receive(step.id));
  else if (step.do === 'claim') expect(file.claim()).toBe(reference.claim());
  else if (step.do === 'setting') {
    expect(swap(file, FILE_REGISTER[step.of], step.value)[0]).toBe(reference[step.of]);
    reference[step.of] = step.value;
  } else {
    const { xlen } = step;
    const index = xlen === 64 ? step.index & ~1 : step.index;
    const register = FILE_REGISTER[step.do] + index;
    const out = { low: 0, high: 0 };
    expect(file.read(register, xlen, out)).toBe(true);
    const read = (BigInt(out.high >>> 0) << 32n) | BigInt(out.low >>> 0);
    expect(read).toBe(reference.bits(step.do, index * 32, xlen));
    const [low, high] = [Number(step.value & 0xffff_ffffn) | 0, Number(step.value >> 32n) | 0];
    file.write(register, xlen, out.low, out.high, low, high);
    reference.setBits(step.do, index * 32, xlen, step.value);
  }
}

test('any steps give what the reference gives', () => {
  fc.assert(
    fc.property(fc.constantFrom(63, 127, 255), steps, (identities, list) => {
      const file = createFile(identities);
      const reference = new Reference(identities);
      for (const step of list) {
        doBoth(file, reference, step);
        expect(file.top()).toBe(reference.top());
        expect(file.asserts()).toBe(reference.delivery === 1 && reference.top() !== 0);
      }
    }),
  );
});

describe('every interleaving', () => {
  test('of MSIs and a claim: none is lost, none is claimed twice', () => {
    const { schedules, wrong } = explore(() => {
      const file = deliveringFile([1, 33], 63);
      file.receive(33);
      const claimed: number[] = [];
      let again = false;
      const sender = () => {
        file.receive(1);
        again = file.receive(33);
      };
      const owner = () => {
        claimed[0] = file.claim();
      };
      return {
        threads: [sender, owner],
        check: () => {
          while (file.asserts()) claimed.push(file.claim());
          const expected = again ? '1,33,33' : '1,33';
          const got = claimed.sort((a, b) => a - b).join();
          return got === expected ? undefined : `${got} in place of ${expected}`;
        },
      };
    });
    expect(schedules).toBeGreaterThan(50);
    expect(wrong).toEqual([]);
  });

  test('of an MSI and one that turns its identity on: the owner sees it or is kicked', () => {
    const settings: readonly ((file: InterruptFile) => void)[] = [
      (file) => enable(file, 2),
      (file) => file.write(delivery, 64, 0, 0, 1, 0),
      (file) => file.write(threshold, 64, 1, 0, 0, 0),
    ];
    settings.forEach((setting, index) => {
      const { wrong } = explore(() => {
        const file = createFile(63);
        settings.forEach((other, place) => {
          if (place !== index) other(file);
        });
        if (index === 2) file.write(threshold, 64, 0, 0, 1, 0);
        let kicked = false;
        let seen = false;
        const sender = () => {
          kicked = file.receive(2);
        };
        const owner = () => {
          setting(file);
          seen = file.asserts();
        };
        return {
          threads: [sender, owner],
          check: () => (kicked || seen ? undefined : 'neither'),
        };
      });
      expect(wrong).toEqual([]);
    });
  });

  test('of one sender of two MSIs and a reader: the second is never seen without the first', () => {
    for (const [first, second] of [
      [3, 40],
      [40, 3],
    ] as const) {
      const { wrong } = explore(() => {
        const file = deliveringFile([3, 40], 63);
        const out = { low: 0, high: 0 };
        const claimed: number[] = [];
        const sender = () => {
          file.receive(first);
          file.receive(second);
        };
        const reader = () => {
          file.read(pending, 64, out);
          claimed[0] = file.top();
        };
        const sees = (id: number) => (((id < 32 ? out.low : out.high) >>> (id & 31)) & 1) === 1;
        return {
          threads: [sender, reader],
          check: () => {
            if (sees(second) && !sees(first)) return 'read the second alone';
            return second > first && claimed[0] === second ? 'the second is on top' : undefined;
          },
        };
      });
      expect(wrong).toEqual([]);
    }
  });
});
