import { describe, expect, test } from 'vitest';
import { Bus } from '../bus.ts';
import { Imsic } from './device.ts';
import { IMSIC } from './facts.ts';

const S = IMSIC.supervisorAt;
let told: number[] = [];

function controllers(harts: number, guests: number): Imsic {
  const levels = ['machine', 'supervisor'] as const;
  told = [];
  const words = new Int32Array(new SharedArrayBuffer(4 * Imsic.wordsFor(harts, levels.length + guests)));
  return new Imsic(words, { harts, levels, guests, onArrival: (hart) => told.push(hart) });
}

/** Has a file take all identities of its first word. */
function open(imsic: Imsic, hart: number, number: number): void {
  const file = imsic.file(hart, number);
  if (file === undefined) throw new Error('there is no such file');
  file.write(0xc0, 64, 0, 0, -1, -1);
  file.write(0x70, 64, 0, 0, 1, 0);
}

const tops = (imsic: Imsic, harts: number, files: number) =>
  Array.from({ length: harts }, (_, hart) =>
    Array.from({ length: files }, (_, number) => imsic.file(hart, number)?.top()),
  );

describe('pages', () => {
  test('lie where QEMU has them: each level together, guests behind their hart', () => {
    const imsic = controllers(2, 3);
    expect(imsic.windows).toEqual([
      { offset: 0, size: 0x2000 },
      { offset: S, size: 0x8000 },
    ]);
    for (const hart of [0, 1]) for (let number = 0; number < 5; number++) open(imsic, hart, number);
    imsic.write(0x1000, 4, 7);
    imsic.write(S, 4, 8);
    imsic.write(S + 0x4000, 4, 9);
    imsic.write(S + 0x7000, 4, 10);
    expect(tops(imsic, 2, 5)).toEqual([
      [0, 8, 0, 0, 0],
      [7, 9, 0, 0, 10],
    ]);
    expect(told).toEqual([1, 0, 1, 1]);
    expect([imsic.supervisorPage(0), imsic.supervisorPage(1)]).toEqual([S, S + 0x4000]);
  });

  test('fill up the room of a hart with pages that do nothing', () => {
    const imsic = controllers(1, 4);
    expect(imsic.windows[1]).toEqual({ offset: S, size: 0x8000 });
    open(imsic, 0, 5);
    for (const page of [5, 6, 7]) imsic.write(S + 0x1000 * page, 4, 1);
    expect(told).toEqual([]);
    imsic.write(S + 0x4000, 4, 1);
    expect(told).toEqual([0]);
  });

  test('begin with supervisor level where there is no other', () => {
    const words = new Int32Array(new SharedArrayBuffer(4 * Imsic.wordsFor(2, 1)));
    const imsic = new Imsic(words, { harts: 2, levels: ['supervisor'], guests: 0, onArrival() {} });
    expect([imsic.windows, imsic.size]).toEqual([[{ offset: 0, size: 0x2000 }], 0x2000]);
    open(imsic, 1, 0);
    imsic.write(0x1000, 4, 3);
    expect(imsic.file(1, 0)?.top()).toBe(3);
  });

  test('take both byte orders at their two registers; everything else is read-only zero', () => {
    const imsic = controllers(1, 0);
    open(imsic, 0, 0);
    imsic.write(4, 4, 0x0500_0000);
    for (const offset of [8, 0x10, 0xffc]) imsic.write(offset, 4, 1);
    for (const identity of [0, 256, 0x0100_0000, 0xffff_ffff]) imsic.write(0, 4, identity);
    expect([imsic.file(0, 0)?.claim(), imsic.file(0, 0)?.claim()]).toEqual([5, 0]);
    expect([0, 4, 8, 0xffc].map((offset) => imsic.read(offset, 4))).toEqual([0, 0, 0, 0]);
  });

  test('are reached by words alone', () => {
    const bus = new Bus();
    const imsic = controllers(1, 1);
    bus.attach(0x2400_0000, imsic);
    open(imsic, 0, 2);
    expect(bus.write(0x2800_1000, 4, 9)).toBe(true);
    expect(imsic.file(0, 2)?.top()).toBe(9);
    for (const width of [1, 2, 8] as const) expect(bus.write(0x2800_1000, width, 1)).toBe(false);
    for (const hole of [0x2400_1000, 0x27ff_fffc, 0x2800_2000]) expect(bus.read(hole, 4)).toBe(false);
  });
});

describe('messages', () => {
  test('reach files, and say where there is none', () => {
    const imsic = controllers(2, 1);
    open(imsic, 1, 2);
    expect(imsic.receive(S + 0x3000, 200)).toBe(true);
    expect(imsic.receive(0x1000, 0)).toBe(true);
    for (const wrong of [4, 0x1008, 0x2000, S - 0x1000, S + 0x4000, 2 ** 40]) {
      expect(imsic.receive(wrong, 1), `${wrong}`).toBe(false);
    }
    expect(told).toEqual([]);
    open(imsic, 1, 2);
    imsic.file(1, 2)?.write(0xc6, 64, 0, 0, -1, -1);
    expect(imsic.file(1, 2)?.top()).toBe(200);
  });

  test('tell a hart once for an identity that waits already', () => {
    const imsic = controllers(1, 0);
    imsic.receive(0, 5);
    expect(told).toEqual([]);
    open(imsic, 0, 0);
    imsic.receive(0, 6);
    imsic.receive(0, 6);
    imsic.receive(0, 5);
    expect(told).toEqual([0]);
    expect([imsic.file(0, 0)?.claim(), imsic.file(0, 0)?.claim()]).toEqual([5, 6]);
    imsic.receive(0, 6);
    expect(told).toEqual([0, 0]);
  });
});

test('saved state has all files, and a reset empties them', () => {
  const imsic = controllers(2, 0);
  open(imsic, 1, 1);
  imsic.receive(S + 0x1000, 5);
  const saved = structuredClone(imsic.save());
  told = [];
  imsic.reset();
  expect([imsic.file(1, 1)?.asserts(), told]).toEqual([false, [0, 1]]);
  imsic.restore(saved);
  expect([imsic.file(1, 1)?.asserts(), imsic.file(1, 1)?.top()]).toEqual([true, 5]);
  expect(() => controllers(1, 0).restore(saved)).toThrow(/same configuration/);
});
