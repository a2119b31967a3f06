import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { Htif, type HtifMemory } from './device.ts';
import { decodeTohost } from './registers.ts';

const BASE = 0x8000_0000;
const SIZE = 0x1000;
const TOHOST = BASE + 0x100;
const FROMHOST = BASE + 0x140;
const BLOCK = BASE + 0x200;

const linear = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const view = new DataView(linear.buffer, 0, SIZE);
const ram = new GuestMemory(linear, { base: BASE, size: SIZE, offset: 0 });
/** The guest's memory, with other accesses in place of some. */
const memoryWith = (others: Partial<HtifMemory>): HtifMemory => ({
  load32: (address) => ram.load32(address),
  store32: (address, value) => ram.store32(address, value),
  copyOut: (address, length) => ram.copyOut(address, length),
  ...others,
});
const get = (address: number) => view.getBigInt64(address - BASE, true);
const put = (address: number, value: bigint) => view.setBigInt64(address - BASE, value, true);

let exits: number[] = [];
let output = '';
let unknown: string[] = [];
function makeHtif(source: HtifMemory = ram): Htif {
  return new Htif(
    source,
    { tohost: TOHOST, fromhost: FROMHOST },
    {
      onExit: (code) => exits.push(code),
      onOutput(bytes) {
        output += new TextDecoder().decode(bytes);
      },
      onUnknown: (message) => unknown.push(message),
    },
  );
}

function call(...words: (number | bigint)[]): bigint {
  for (const [index, word] of words.entries()) put(BLOCK + 8 * index, BigInt(word));
  put(TOHOST, BigInt(BLOCK));
  expect(makeHtif().poll()).toBe(true);
  expect([get(TOHOST), get(FROMHOST)]).toEqual([0n, 1n]);
  return get(BLOCK);
}

beforeEach(() => {
  new Uint8Array(linear.buffer).fill(0);
  exits = [];
  output = '';
  unknown = [];
});

describe('decodeTohost', () => {
  test.each([
    [0, 0, { kind: 'none' }],
    [1, 0, { kind: 'exit', code: 0 }],
    [(5 << 1) | 1, 0, { kind: 'exit', code: 5 }],
    [1, 0x8000, { kind: 'exit', code: 2 ** 46 }],
    [0x8000_1000, 0, { kind: 'syscall', block: 0x8000_1000 }],
    [0, 1, { kind: 'syscall', block: 2 ** 32 }],
    [0x41, 0x0101_0000, { kind: 'putchar', byte: 0x41 }],
    [0, 0x0101_0000, { kind: 'putchar', byte: 0 }],
    [0, 0x0100_0000, { kind: 'unknown', device: 1, command: 0 }],
    [7, 0xff02_0000, { kind: 'unknown', device: 255, command: 2 }],
  ])('%i, %i', (lo, hi, request) => {
    expect(decodeTohost(lo, hi)).toEqual(request);
  });

  test('every exit code of 47 bits comes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 47 - 1 }), (code) => {
        const word = (BigInt(code) << 1n) | 1n;
        const request = decodeTohost(Number(word & 0xffff_ffffn), Number(word >> 32n));
        expect(request).toEqual({ kind: 'exit', code });
      }),
    );
  });
});

test('nothing in tohost is nothing to do', () => {
  expect(makeHtif().poll()).toBe(false);
  expect([exits, output, unknown]).toEqual([[], '', []]);
});

test('an exit is reported once, and the word taken', () => {
  put(TOHOST, 7n);
  const htif = makeHtif();
  expect([htif.poll(), htif.poll()]).toEqual([true, false]);
  expect([exits, get(TOHOST)]).toEqual([[3], 0n]);
});

test('characters are put out one by one', () => {
  const htif = makeHtif();
  for (const character of 'ok\n') {
    put(TOHOST, 0x0101_0000_0000_0000n | BigInt(character.charCodeAt(0)));
    htif.poll();
  }
  expect([output, get(FROMHOST)]).toEqual(['ok\n', 0n]);
});

describe('system calls', () => {
  test('write puts the bytes out and gives their number', () => {
    ram.copyIn(BASE + 0x400, new TextEncoder().encode('mcycle = 5\n'));
    expect(call(64, 1, BASE + 0x400, 11)).toBe(11n);
    expect(call(64, 2, BASE + 0x400, 0)).toBe(0n);
    expect(output).toBe('mcycle = 5\n');
  });

  test('a long write is copied piece by piece, all of it or as far as there is memory', () => {
    const long = 100_000;
    const pieces: number[] = [];
    const wide = memoryWith({
      copyOut(address, length) {
        pieces.push(length);
        return address + length <= BASE + long ? new Uint8Array(length).fill(46) : undefined;
      },
    });
    const write = (address: number, length: number) => {
      for (const [index, word] of [64, 1, address, length].entries()) put(BLOCK + 8 * index, BigInt(word));
      put(TOHOST, BigInt(BLOCK));
      makeHtif(wide).poll();
      return Number(get(BLOCK));
    };
    expect([write(BASE, long), output.length]).toEqual([long, long]);
    expect(Math.max(...pieces)).toBeLessThan(2 ** 15);
    const taken = write(BASE + 1, long);
    expect(taken).toBeGreaterThan(long / 2);
    expect([taken < long, output.length]).toEqual([true, long + taken]);
  });

  test('what cannot be done is answered with an error number, and the program goes on', () => {
    expect(call(64, 5, BASE, 1)).toBe(-9n);
    expect(call(64, 1, BASE + SIZE - 1, 2)).toBe(-14n);
    expect(call(64, 1, 0, 1)).toBe(-14n);
    expect(call(64, 1, BASE, 2n ** 62n)).toBe(-14n);
    expect(call(93, 1)).toBe(-38n);
    expect([output, unknown]).toEqual(['', ['system call 93 of the block at 0x80000200 is not served']]);
  });

  test('a block outside memory is reported, not followed', () => {
    put(TOHOST, 0x10n);
    expect(makeHtif().poll()).toBe(true);
    expect(unknown).toHaveLength(1);
    expect(get(FROMHOST)).toBe(1n);
  });
});

test('an unknown request is named', () => {
  put(TOHOST, 0x0203_0000_0000_0000n);
  makeHtif().poll();
  expect(unknown).toEqual(['tohost at 0x80000100: no device 2 with command 3']);
});

test('a store that lands between the two loads is not torn', () => {
  let loads = 0;
  const racing = memoryWith({
    load32(address) {
      if (loads++ === 1) put(TOHOST, 0x0101_0000_0000_0058n);
      return ram.load32(address);
    },
  });
  makeHtif(racing).poll();
  expect(output).toBe('X');
});
