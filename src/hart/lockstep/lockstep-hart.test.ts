import { describe, expect, test } from 'vitest';
import { interpreter } from '../../../test/hart/hart-bed.ts';
import { assemble } from '../../isa/index.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { hartAreaBytes } from '../area.ts';
import type { HartOptions } from '../hart-options.ts';
import { LockstepHart } from './lockstep-hart.ts';

const RAM = 0x8000_0000;
const RAM_BYTES = 1 << 20;
const AREA = 0x1000;
const CODE_PAGES = 8;
const OFFSET = Math.ceil((AREA + hartAreaBytes(CODE_PAGES)) / 4096) * 4096;
const DEVICE = 0x1000_0000;
const DATA = RAM + 0x8000;

/**
 * A hart in lock step, with a device that gives a different value each time; and the reports of differences.
 *
 * @param onRead is what the device does to memory when it is read
 */
function newHart(
  source: string,
  onRead: (ram: GuestMemory, value: number) => unknown = () => undefined,
): { hart: LockstepHart; reports: string[]; ram: GuestMemory } {
  const pages = Math.ceil((OFFSET + RAM_BYTES) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const ram = new GuestMemory(memory, { base: RAM, size: RAM_BYTES, offset: OFFSET });
  ram.copyIn(RAM, assemble(source, { origin: BigInt(RAM) }).bytes);
  const reports: string[] = [];
  let next = 0;
  const options: HartOptions = {
    ram,
    interpreter: interpreter(),
    area: AREA,
    codePages: CODE_PAGES,
    devices: {
      read: (address) => {
        if (address === DEVICE) onRead(ram, ++next);
        return address === DEVICE;
      },
      write: (address) => address === DEVICE,
      get low() {
        return next;
      },
      high: 0,
    },
    platform: { ticks: () => performance.now(), lines: () => 0, guestExternalLines: () => 0 },
    extensions: new Set(['i', 'm', 'a', 'zicsr']),
    hartId: 0,
    hsHost: false,
    compileAfter: 1,
    exitRequest: 64,
  };
  const hart = new LockstepHart(options, { onDifference: (report) => reports.push(report), slice: 50 });
  hart.state.setPc(RAM | 0, 0);
  return { hart, reports, ram };
}

const LOOP = `
  li a0, 0
  li s0, ${DATA}
  li s1, ${DEVICE}
1: addi a0, a0, 1
  sd a0, (s0)
  lw a1, (s1)
  j 1b`;

/** Changes the loop's addi for the interpreter alone. */
function sabotage(hart: LockstepHart, imm: number): void {
  const words = new Int32Array(hart.shadow.state.memory.buffer);
  const source = assemble(LOOP, { origin: BigInt(RAM) }).bytes;
  const offset = source.length - 16;
  words[(OFFSET + offset) / 4] = (imm << 20) | 0x0005_0513;
  hart.shadow.fenceI();
}

describe('two harts in lock step', () => {
  test('stay equal, with devices that never answer the same', () => {
    const { hart, reports } = newHart(LOOP);
    for (let runs = 0; runs < 50; runs++) hart.run(1000);
    hart.compareMemory();
    expect(reports).toEqual([]);
    expect(hart.shadow.instructions).toBe(hart.instructions);
    expect(hart.regionStatistics?.compiled).toBeGreaterThan(0);
  });

  test('report registers, the region and its code when they differ, once', () => {
    const { hart, reports } = newHart(LOOP);
    for (let runs = 0; runs < 5; runs++) hart.run(1000);
    const before = hart.instructions;
    sabotage(hart, 2);
    for (let runs = 0; runs < 5; runs++) hart.run(1000);
    expect(reports).toHaveLength(1);
    const [report = ''] = reports;
    expect(report).toContain(`Until instruction ${before.toLocaleString('en-US')}, at pc 0x00000000800000`);
    expect(report).toMatch(/^ {2}a0 +0x[0-9a-f]{16} {2}0x[0-9a-f]{16}$/m);
    expect(report).not.toMatch(/^ {2}s0 /m);
    expect(report).toMatch(/0x[0-9a-f]{16} {2}sd a0,0\(s0\)$/m);
    expect(report).toContain('(module');
    expect(report).toContain('(i64.add (local.get ');
    // Nothing runs any more.
    expect(hart.instructions - before).toBeLessThan(20_000);
  });

  test('report memory that differs when it is looked at', () => {
    const { hart, reports } = newHart(LOOP);
    hart.run(1000);
    const at = OFFSET + 0x1_0000;
    new Int32Array(hart.shadow.state.memory.buffer)[at / 4 + 1] = 7;
    hart.run(1000);
    expect(reports).toEqual([]);
    hart.compareMemory();
    expect(reports).toHaveLength(1);
    expect(reports[0]).toContain('RAM 0x80010000  0x0000000000000000  0x0000000700000000');
  });

  test('report that one asks a device for what the other does not', () => {
    const { hart, reports } = newHart(LOOP);
    hart.run(1000);
    // The interpreter stores to the device instead.
    const words = new Int32Array(hart.shadow.state.memory.buffer);
    const source = assemble(LOOP, { origin: BigInt(RAM) }).bytes;
    words[(OFFSET + source.length - 8) / 4] = 0x00b4_a023;
    hart.shadow.fenceI();
    hart.run(1000);
    expect(reports[0]).toContain(
      'compiled code loads 4 bytes at device address 0x10000000, the interpreter stores',
    );
  });

  test('are told what the host writes to memory and does to the hart', () => {
    const { hart, reports, ram } = newHart(`
      li s0, ${DATA}
    1: ld a0, (s0)
      add a1, a1, a0
      j 1b`);
    hart.run(1000);
    ram.store32(DATA, 5);
    hart.state.setX(11, 100, 0);
    hart.both((each) => each.privileged.writeCsr(0x340, 1234, 0));
    hart.run(1000);
    hart.flushTranslations();
    hart.fenceI();
    hart.run(1000);
    hart.compareMemory();
    expect(reports).toEqual([]);
    expect(hart.state.xLow(10)).toBe(5);
  });

  test('find what a device writes to memory when they have asked it, and not before', () => {
    const { hart, reports } = newHart(
      `
      li s0, ${DATA}
      li s1, ${DEVICE}
    1: lw a0, (s0)
      lw a1, (s1)
      lw a2, (s0)
      sub a3, a2, a0
      add a4, a4, a3
      j 1b`,
      // Not always: some answers come without writes.
      (ram, value) => value % 3 === 0 && ram.copyIn(DATA, Uint8Array.of(value, value >> 8)),
    );
    for (let runs = 0; runs < 20; runs++) hart.run(1000);
    hart.compareMemory();
    expect(reports).toEqual([]);
    expect(hart.state.xLow(14)).toBeGreaterThan(3000);
    expect(hart.regionStatistics?.compiled).toBeGreaterThan(0);
  });
});
