import { beforeEach, describe, expect, test } from 'vitest';
import { DomainBed, RAM, SHUTDOWN } from '../../../test/hypervisor/domain-bed.ts';
import { ALL, EID, SbiBed } from '../../../test/hypervisor/sbi-bed.ts';
import { SBI } from './index.ts';

const FID = {
  count: 0,
  info: 1,
  configure: 2,
  start: 3,
  stop: 4,
  read: 5,
  readHigh: 6,
  area: 7,
  events: 8,
} as const;
const CYCLES = 1;
const INSTRUCTIONS = 2;
const SET_TIMER = 0xf_0005;
const IPI_SENT = 0xf_0006;
const IPI_RECEIVED = 0xf_0007;
/** Counters that there are: 0, 2 to 18. */
const EVERY = 0x7_fffdn;
const SKIP = 1;
const CLEAR = 2;
const AUTO = 4;
const SET = 1;
const SNAPSHOT = 2;
const RESET = 1;
const AREA = RAM + 0x4000;

type Argument = number | bigint;
let bed: SbiBed;
beforeEach(() => {
  bed = new SbiBed();
});

const error = (id: number, ...args: Argument[]): number => bed.error(EID.pmu, id, ...args);
const value = (id: number, ...args: Argument[]): bigint => bed.value(EID.pmu, id, ...args);
const configure = (event: number, flags = 0, mask: Argument = EVERY): number =>
  Number(value(FID.configure, 0, mask, flags, event, 0));
const setTimer = (times: number): void => {
  for (let time = 0; time < times; time++) bed.call(EID.time, 0, ALL);
};
/** cycle or instret, as the guest would read it. */
function hardware(counter: number): bigint {
  const { privileged } = bed.hart;
  privileged.readCsr(0xb00 + counter);
  return (BigInt(privileged.high >>> 0) << 32n) | BigInt(privileged.low >>> 0);
}

describe('counters', () => {
  test('are cycle, instret and 16 of firmware events, all of 64 bits', () => {
    expect(value(FID.count)).toBe(19n);
    expect(value(FID.info, 0)).toBe(BigInt((63 << 12) | 0xc00));
    expect(value(FID.info, 2)).toBe(BigInt((63 << 12) | 0xc02));
    for (let counter = 3; counter < 19; counter++) {
      expect(BigInt.asUintN(64, value(FID.info, counter))).toBe((1n << 63n) | (63n << 12n));
    }
    for (const none of [1, 19, 64, 1n << 32n, ALL]) expect(error(FID.info, none)).toBe(SBI.invalidParameter);
  });

  test('are said to be invalid by every function', () => {
    for (const set of [
      [0, 2],
      [1, 1],
      [19, 1],
      [18, 3],
      [1n << 32n, 1],
      [ALL, 1],
      [0, 1n << 63n],
    ] as const) {
      expect(error(FID.configure, ...set, 0, CYCLES, 0)).toBe(SBI.invalidParameter);
      expect(error(FID.start, ...set, 0, 0)).toBe(SBI.invalidParameter);
      expect(error(FID.stop, ...set, 0)).toBe(SBI.invalidParameter);
    }
    for (const id of [FID.read, FID.readHigh]) {
      for (const counter of [0, 1, 2, 19, 1n << 32n]) expect(error(id, counter)).toBe(SBI.invalidParameter);
    }
  });

  test('reserved flags are refused', () => {
    for (const flags of [0x100, 1n << 32n, ALL]) {
      expect(error(FID.configure, 0, 1, flags, CYCLES, 0)).toBe(SBI.invalidParameter);
    }
    for (const flags of [3, 4, 1n << 32n])
      expect(error(FID.start, 0, 1, flags, 0)).toBe(SBI.invalidParameter);
    for (const flags of [4, 1n << 32n]) expect(error(FID.stop, 0, 1, flags)).toBe(SBI.invalidParameter);
  });
});

describe('events', () => {
  test('find their counter', () => {
    expect(configure(CYCLES)).toBe(0);
    expect(configure(INSTRUCTIONS)).toBe(2);
    expect(configure(SET_TIMER)).toBe(3);
    expect(configure(IPI_SENT)).toBe(4);
    // The modes in which not to count are hints.
    expect(configure(IPI_SENT, 0xf8, 1 << 7)).toBe(7);
  });

  test.each([
    ['no event', 0, 0],
    ['cache misses', 4, 0],
    ['an event of a cache', 0x1_0000, 0],
    ['a raw event', 0x2_0000, 1],
    ['a raw event of the second kind', 0x3_0000, 1],
    ['access faults, which the guest handles', 0xf_0002, 0],
    ['fences of hypervisors', 0xf_000e, 0],
    ['a reserved firmware event', 0xf_0016, 0],
    ['an event of a platform', 0xf_ffff, 5],
    ['data with an event that has none', CYCLES, 1],
    ['an event above 20 bits', 0x10_0001, 0],
    ['an event above 32 bits', (1n << 32n) | 1n, 0],
  ])('%s cannot be counted', (_, event, data) => {
    expect(error(FID.configure, 0, EVERY, 0, event, data)).toBe(SBI.notSupported);
  });

  test('go to a counter that is stopped, rather to one without an event; the fixed ones have one each', () => {
    expect(configure(SET_TIMER, AUTO, 0x18)).toBe(3);
    expect(configure(SET_TIMER, 0, 0x18)).toBe(4);
    expect(configure(IPI_SENT, 0, 0x18)).toBe(4);
    expect(error(FID.start, 4, 1, 0, 0)).toBe(SBI.success);
    expect(error(FID.configure, 0, 0x18, 0, IPI_SENT, 0)).toBe(SBI.notSupported);
    configure(CYCLES, AUTO);
    expect(error(FID.configure, 0, EVERY, 0, CYCLES, 0)).toBe(SBI.notSupported);
    expect(error(FID.configure, 0, 0, 0, CYCLES, 0)).toBe(SBI.notSupported);
  });

  test('go to the first counter where the guest wants no search, if it can count them', () => {
    expect(configure(CYCLES, SKIP | AUTO, 1)).toBe(0);
    const before = hardware(0);
    expect(configure(CYCLES, SKIP, 5)).toBe(0);
    expect(hardware(0)).toBe(before);
    expect(error(FID.start, 0, 1, 0, 0)).toBe(SBI.alreadyStarted);
    expect(error(FID.configure, 0, 5, SKIP, INSTRUCTIONS, 0)).toBe(SBI.notSupported);
  });

  test('are described in a list', () => {
    const list = [1, 2, 3, 0xf_0005, 0xf_0002, 0xf_ffff, 0x1_0000, 0];
    for (const [entry, event] of list.entries()) bed.write64(AREA + 16 * entry, event);
    expect(value(FID.events, AREA, 0, list.length, 0)).toBe(0n);
    const outputs = list.map((_, entry) => Number(bed.read64(AREA + 16 * entry) >> 32n));
    expect(outputs).toEqual([1, 1, 0, 1, 0, 0, 0, 0]);
    expect(value(FID.events, AREA, 0, 0, 0)).toBe(0n);
  });

  test.each([
    ['flags', [AREA, 0, 1, 1], SBI.invalidParameter],
    ['an address that is not aligned to 16', [AREA + 8, 0, 1, 0], SBI.invalidParameter],
    ['memory partly behind RAM', [RAM + (1 << 20) - 16, 0, 2, 0], SBI.invalidAddress],
    ['an address above 64 bits', [AREA, 1, 1, 0], SBI.invalidAddress],
    ['more entries than may be looked at in one call', [AREA, 0, 0x1_0001, 0], SBI.failed],
    ['entries without end', [AREA, 0, ALL, 0], SBI.failed],
  ] as const)('a list with %s is refused', (_, args, expected) => {
    expect(error(FID.events, ...args)).toBe(expected);
  });

  test('a list with reserved bits is refused, and nothing of it written', () => {
    bed.write64(AREA, 1);
    bed.write64(AREA + 16, 0x10_0001);
    expect(error(FID.events, AREA, 0, 2, 0)).toBe(SBI.invalidParameter);
    expect(bed.read64(AREA)).toBe(1n);
  });
});

describe('cycle and instret', () => {
  test('stop when they are given an event, start with a value, and stop again', () => {
    for (const [counter, event] of [
      [0, CYCLES],
      [2, INSTRUCTIONS],
    ] as const) {
      expect(configure(event, CLEAR)).toBe(counter);
      bed.hart.privileged.readCsr(0x320);
      expect(bed.hart.privileged.low >> counter).toBe(1);
      expect(hardware(counter)).toBe(0n);
      expect(error(FID.stop, counter, 1, 0)).toBe(SBI.alreadyStopped);
      expect(error(FID.start, counter, 1, SET, 0x8000_0000_0000_0001n)).toBe(SBI.success);
      expect(hardware(counter)).toBe(0x8000_0000_0000_0001n);
      bed.hart.privileged.readCsr(0x320);
      expect((bed.hart.privileged.low >> counter) & 1).toBe(0);
      expect(error(FID.start, counter, 1, SET, 5)).toBe(SBI.alreadyStarted);
      expect(hardware(counter)).toBe(0x8000_0000_0000_0001n);
      expect(error(FID.stop, counter, 1, 0)).toBe(SBI.success);
    }
  });

  test('count a loop exactly while they are started, and on by themselves without an event', () => {
    const FOUND = RAM + 0x8000;
    const program = new DomainBed().load(`
      li s0, ${FOUND}
      rdinstret s1; nop; rdinstret s2; sub s2, s2, s1; sd s2, 0(s0)
      li a7, 0x504d55; li a6, 2; li a0, 0; li a1, 4; li a2, 2; li a3, 2; li a4, 0; ecall
      rdinstret s1; nop; nop; rdinstret s2; sub s2, s2, s1; sd s2, 8(s0)
      li a6, 3; li a0, 2; li a1, 1; li a2, 1; li a3, 1000; ecall
      li t0, 100
    loop: addi t0, t0, -1; bnez t0, loop
      li a6, 4; li a0, 2; li a1, 1; li a2, 0; ecall
      rdinstret s1; nop; sd s1, 16(s0)
      li a6, 4; li a0, 2; li a1, 1; li a2, 1; ecall
      rdinstret s1; nop; rdinstret s2; sub s2, s2, s1; sd s2, 24(s0)
      ${SHUTDOWN}`);
    program.run();
    expect(program.ended).toBe('shutdown');
    const found = [0, 8, 16, 24].map((at) => program.read64(FOUND + at));
    // li t0; 100 turns of 2; four li before the ECALL, which does not retire.
    expect(found).toEqual([2n, 0n, 1000n + 1n + 200n + 4n, 2n]);
  });

  test('a set is started as a whole, and told of those that were started already', () => {
    configure(CYCLES);
    configure(INSTRUCTIONS);
    expect(error(FID.start, 0, 1, 0, 0)).toBe(SBI.success);
    expect(error(FID.start, 0, 5, 0, 0)).toBe(SBI.alreadyStarted);
    expect(error(FID.stop, 0, 5, 0)).toBe(SBI.success);
    expect(error(FID.start, 0, 0, 0, 0)).toBe(SBI.success);
  });
});

describe('firmware counters', () => {
  test('count while they are started', () => {
    const counter = configure(SET_TIMER, CLEAR);
    setTimer(3);
    expect(value(FID.read, counter)).toBe(0n);
    expect(error(FID.start, counter, 1, 0, 0)).toBe(SBI.success);
    setTimer(5);
    expect(value(FID.read, counter)).toBe(5n);
    expect(value(FID.readHigh, counter)).toBe(0n);
    expect(error(FID.stop, counter, 1, 0)).toBe(SBI.success);
    setTimer(7);
    expect(value(FID.read, counter)).toBe(5n);
    expect(error(FID.start, counter, 1, 0, 0)).toBe(SBI.success);
    setTimer(1);
    expect(value(FID.read, counter)).toBe(6n);
    expect(error(FID.start, counter, 1, 0, 0)).toBe(SBI.alreadyStarted);
    expect(error(FID.stop, counter, 1, RESET)).toBe(SBI.success);
    expect(error(FID.start, counter, 1, 0, 0)).toBe(SBI.invalidParameter);
  });

  test('hold 64 bits and go round', () => {
    const counter = configure(SET_TIMER);
    expect(error(FID.start, counter, 1, SET, -2n)).toBe(SBI.success);
    setTimer(1);
    expect(value(FID.read, counter)).toBe(-1n);
    setTimer(2);
    expect(value(FID.read, counter)).toBe(1n);
  });

  test('count what is sent to other harts, and what comes from them', () => {
    const sent = configure(IPI_SENT, CLEAR | AUTO);
    const received = configure(IPI_RECEIVED, CLEAR | AUTO);
    const events = [8, 10, 12].map((code) => configure(0xf_0000 + code, CLEAR | AUTO));
    bed.call(EID.ipi, 0, 0b111, 0);
    bed.call(EID.ipi, 0, 0b001, 0);
    for (const [index, function_] of [0, 1, 2].entries()) {
      for (let time = 0; time <= index; time++) bed.call(EID.rfence, function_, 0b101, 0, 0, ALL, 1);
    }
    expect([value(FID.read, sent), value(FID.read, received)]).toEqual([2n, 0n]);
    expect(events.map((counter) => value(FID.read, counter))).toEqual([1n, 2n, 3n]);
    const third = bed.vcpus[2]?.firmware;
    expect([7, 9, 11, 13].map((code) => third?.counted(code))).toEqual([1n, 1n, 2n, 3n]);
  });

  test('instructions that only hypervisors have are counted as illegal', () => {
    const program = new DomainBed().load(`
      la t0, handler; csrw stvec, t0
      li a7, 0x504d55; li a6, 2; li a0, 0; li a1, 8; li a2, 6; li a3, 0xf0004; li a4, 0; ecall
      csrr t0, hstatus; csrr t0, hstatus
      li a6, 5; li a0, 3; ecall; addi a0, a1, 48; li a7, 0x4442434e; li a6, 2; ecall
      ${SHUTDOWN}
    .align 2
    handler: csrr t3, sepc; addi t3, t3, 4; csrw sepc, t3; sret`);
    expect(program.run().output).toBe('2');
  });
});

describe('snapshots', () => {
  test.each([
    ['flags', [AREA, 0, 1], SBI.invalidParameter],
    ['an address that is not aligned to a page', [AREA + 8, 0, 0], SBI.invalidParameter],
    ['all ones in the lower half alone', [ALL, 0, 0], SBI.invalidParameter],
    ['memory behind RAM', [RAM + (1 << 20), 0, 0], SBI.invalidAddress],
    ['an address above 32 bits', [(1n << 32n) | BigInt(AREA), 0, 0], SBI.invalidAddress],
    ['an address above 64 bits', [AREA, 1, 0], SBI.invalidAddress],
  ] as const)('an area with %s is refused', (_, args, expected) => {
    expect(error(FID.area, ...args)).toBe(expected);
  });

  test('need memory', () => {
    configure(CYCLES);
    expect(error(FID.start, 0, 1, SNAPSHOT, 0)).toBe(SBI.noSharedMemory);
    expect(error(FID.stop, 0, 1, SNAPSHOT)).toBe(SBI.noSharedMemory);
    expect(error(FID.area, AREA, 0, 0)).toBe(SBI.success);
    expect(error(FID.start, 0, 1, SNAPSHOT, 0)).toBe(SBI.success);
    expect(error(FID.area, ALL, ALL, 0)).toBe(SBI.success);
    expect(error(FID.stop, 0, 1, SNAPSHOT)).toBe(SBI.noSharedMemory);
  });

  test('hold the values of counters by their number less the first one', () => {
    bed.bytes.fill(0xee, bed.hostOf(AREA), bed.hostOf(AREA + 4096));
    error(FID.area, AREA, 0, 0);
    configure(INSTRUCTIONS);
    configure(SET_TIMER);
    bed.write64(AREA + 8, 0x1_0000_0007n);
    bed.write64(AREA + 16, -3n);
    expect(error(FID.start, 2, 3, SNAPSHOT, 0)).toBe(SBI.success);
    expect(hardware(2)).toBe(0x1_0000_0007n);
    setTimer(1);
    expect(error(FID.stop, 2, 3, SNAPSHOT)).toBe(SBI.success);
    expect([0, 8, 16].map((at) => bed.read64(AREA + at))).toEqual([0n, 0x1_0000_0007n, -2n]);
    expect(bed.read64(AREA + 24)).toBe(BigInt.asIntN(64, 0xeeee_eeee_eeee_eeeen));
  });
});
