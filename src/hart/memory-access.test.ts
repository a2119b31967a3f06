import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEVICE, FINISH, HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { CAUSE } from './exceptions.ts';

const ROOT = RAM + 0x1_0000;
const MIDDLE = RAM + 0x1_1000;
const LEAVES = RAM + 0x1_2000;
const DATA = RAM + 0x2_0000;
/** Virtual pages 0, 1, ... of the test; the second one's neighbour is not mapped unless a test does so. */
const VIRTUAL = 0x4000_0000;
const SV39 = 8n << 60n;

/**
 * A program that carries out one instruction in S-mode (paged) or M-mode, with its address in a1 and a value in a2, and
 * ends with mcause in a0, 0 if there was no trap.
 */
function program(instruction: string, paged: boolean): string {
  return `
    la t0, trapped
    csrw mtvec, t0
    ${paged ? 'li t0, 0x800\n csrw mstatus, t0\n la t0, body\n csrw mepc, t0\n mret' : ''}
  body:
    ${instruction}
    li a0, 0
    j done
    .balign 4
  trapped:
    csrr a0, mcause
  done:
    ${FINISH}`;
}

class AccessBed extends HartBed {
  constructor() {
    super();
    this.hart.pmp.allowAll();
    this.setEntry(ROOT, RAM / 2 ** 30, RAM, PTE.all);
    this.setEntry(ROOT, VIRTUAL / 2 ** 30, MIDDLE, PTE.v);
    this.setEntry(ROOT, 0, 0, PTE.all);
    this.setEntry(MIDDLE, 0, LEAVES, PTE.v);
    for (let page = 0; page < 2; page++) this.setEntry(LEAVES, page, DATA + page * 3 * PAGE, PTE.all);
    this.setCsr('satp', SV39 | BigInt(ROOT >>> 12));
  }

  /** @returns the cause of the trap, 0 if there was none */
  carryOut(instruction: string, address: number, value = 0n, paged = true): number {
    this.load(program(instruction, paged));
    this.hart.fenceI();
    this.hart.state.privilege = 3;
    this.pc = BigInt(RAM);
    this.setX('a1', BigInt(address));
    this.setX('a2', value);
    return this.finish();
  }

  /** Bytes of virtual memory from the end of page 0 on, as the tables map it. */
  byteAt(address: number): number {
    const offset = address - VIRTUAL;
    const physical = DATA + Math.floor(offset / PAGE) * 3 * PAGE + (offset % PAGE);
    return this.hostOf(physical);
  }
}

const stores = [
  ['sb', 1],
  ['sh', 2],
  ['sw', 4],
  ['sd', 8],
] as const;
const loads = [
  ['lb', 1, true],
  ['lbu', 1, false],
  ['lh', 2, true],
  ['lhu', 2, false],
  ['lw', 4, true],
  ['lwu', 4, false],
  ['ld', 8, true],
] as const;

describe('misaligned accesses', () => {
  test('within and across pages store and load the bytes that they should', () => {
    const bed = new AccessBed();
    const property = fc.property(
      fc.constantFrom(...stores),
      fc.constantFrom(...loads),
      fc.integer({ min: -16, max: 16 }),
      fc.integer({ min: -8, max: 8 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      ([store, storeBytes], [load, loadBytes, signed], place, distance, value) => {
        const at = VIRTUAL + PAGE + place;
        const model = new Map<number, number>();
        for (let address = at - 32; address < at + 32; address++) {
          const byte = (address * 37) & 0xff;
          bed.bytes[bed.byteAt(address)] = byte;
          model.set(address, byte);
        }
        for (let index = 0; index < storeBytes; index++) {
          model.set(at + index, Number((value >> BigInt(8 * index)) & 0xffn));
        }
        const from = at + distance;
        let expected = 0n;
        for (let index = loadBytes - 1; index >= 0; index--) {
          expected = (expected << 8n) | BigInt(model.get(from + index) ?? 0);
        }
        if (signed) expected = BigInt.asUintN(64, BigInt.asIntN(8 * loadBytes, expected));

        expect(bed.carryOut(`${store} a2, (a1)\n ${load} a3, ${distance}(a1)`, at, value)).toBe(0);
        for (const [address, byte] of model) expect(bed.bytes[bed.byteAt(address)]).toBe(byte);
        expect(bed.x('a3')).toBe(expected);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  test.each([
    ['sd a2, (a1)', CAUSE.storePageFault],
    ['ld a2, (a1)', CAUSE.loadPageFault],
  ])('%s: the second page faults, and nothing has happened', (instruction, cause) => {
    const bed = new AccessBed();
    const end = VIRTUAL + 2 * PAGE;
    bed.setEntry(LEAVES, 2, 0, 0);
    bed.bytes.fill(0x55, bed.byteAt(end - 8), bed.byteAt(end - 1) + 1);
    expect(bed.carryOut(instruction, end - 3, 0x1234n)).toBe(cause);
    // The part that could not be accessed ("Machine Trap Value").
    expect(bed.csr('mtval')).toBe(BigInt(end));
    expect(bed.csr('mepc')).toBe(BigInt(bed.symbol('body')));
    expect(bed.x('a2')).toBe(0x1234n);
    for (let at = end - 8; at < end; at++) expect(bed.bytes[bed.byteAt(at)]).toBe(0x55);
  });

  test.each([
    ['sd a2, (a1)', CAUSE.storePageFault],
    ['ld a2, (a1)', CAUSE.loadPageFault],
  ])('%s: the first page faults', (instruction, cause) => {
    const bed = new AccessBed();
    bed.setEntry(LEAVES, 0, 0, 0);
    bed.bytes.fill(0x55, bed.byteAt(VIRTUAL + PAGE), bed.byteAt(VIRTUAL + PAGE) + 8);
    expect(bed.carryOut(instruction, VIRTUAL + PAGE - 3, 0x1234n)).toBe(cause);
    expect(bed.csr('mtval')).toBe(BigInt(VIRTUAL + PAGE - 3));
    expect(bed.bytes[bed.byteAt(VIRTUAL + PAGE)]).toBe(0x55);
  });

  test.each([
    ['sd a2, (a1)', CAUSE.storeAccess],
    ['ld a2, (a1)', CAUSE.loadAccess],
  ])('%s: half in RAM and half in a device is refused as a whole', (instruction, cause) => {
    const bed = new AccessBed();
    bed.setEntry(LEAVES, 2, DEVICE, PTE.all);
    const end = VIRTUAL + 2 * PAGE;
    bed.bytes.fill(0x55, bed.byteAt(end - 8), bed.byteAt(end - 1) + 1);
    expect(bed.carryOut(instruction, end - 3, 0x1234n)).toBe(cause);
    expect(bed.csr('mtval')).toBe(BigInt(end));
    expect(bed.accesses).toEqual([]);
    expect(bed.bytes[bed.byteAt(end - 1)]).toBe(0x55);
    // And the other way round.
    bed.setEntry(LEAVES, 3, DATA, PTE.all);
    bed.bytes.fill(0x55, bed.hostOf(DATA), bed.hostOf(DATA) + 8);
    expect(bed.carryOut(instruction, end + PAGE - 3, 0x1234n)).toBe(cause);
    expect(bed.csr('mtval')).toBe(BigInt(end + PAGE - 3));
    expect(bed.accesses).toEqual([]);
    expect(bed.bytes[bed.hostOf(DATA)]).toBe(0x55);
  });

  test('at the end of RAM', () => {
    const bed = new AccessBed();
    const end = RAM + bed.ramBytes;
    expect(bed.carryOut('sd a2, (a1)', end - 8, 7n, false)).toBe(0);
    expect(bed.carryOut('sd a2, (a1)', end - 7, 9n, false)).toBe(CAUSE.storeAccess);
    expect(bed.carryOut('ld a2, (a1)', end - 7, 9n, false)).toBe(CAUSE.loadAccess);
    expect(bed.read64(end - 8)).toBe(7n);
    expect(bed.carryOut('sb a2, (a1)', end, 9n, false)).toBe(CAUSE.storeAccess);
    expect(bed.carryOut('sb a2, (a1)', RAM - 1, 9n, false)).toBe(CAUSE.storeAccess);
  });
});

describe('devices', () => {
  test.each(stores)('%s reaches one with its width and value', (store, bytes) => {
    const bed = new AccessBed();
    expect(bed.carryOut(`${store} a2, (a1)`, DEVICE + 8, 0x8877_6655_4433_2211n, false)).toBe(0);
    expect(bed.accesses).toHaveLength(1);
    expect(bed.accesses[0]).toMatchObject({ kind: 'write', address: DEVICE + 8, width: bytes });
    const mask = (1n << BigInt(bytes * 8)) - 1n;
    expect(BigInt(bed.accesses[0]?.low ?? 0) & mask & 0xffff_ffffn).toBe(0x4433_2211n & mask);
    if (bytes === 8) expect(bed.accesses[0]?.high).toBe(0x8877_6655 | 0);
  });

  test.each(loads)('%s is answered by one and extended', (load, bytes, signed) => {
    const bed = new AccessBed();
    bed.deviceLow = 0x8182_8384 | 0;
    bed.deviceHigh = 0x9192_9394 | 0;
    expect(bed.carryOut(`${load} a2, (a1)`, DEVICE + 16, 0n, false)).toBe(0);
    expect(bed.accesses).toMatchObject([{ kind: 'read', address: DEVICE + 16, width: bytes }]);
    const value = BigInt.asUintN(8 * bytes, 0x9192_9394_8182_8384n);
    expect(bed.x('a2')).toBe(signed ? BigInt.asUintN(64, BigInt.asIntN(8 * bytes, value)) : value);
  });

  test.each([
    ['sw a2, (a1)', CAUSE.storeAccess],
    ['lw a2, (a1)', CAUSE.loadAccess],
    ['lr.w a2, (a1)', CAUSE.loadAccess, 0],
    ['sc.w a3, a2, (a1)', CAUSE.storeAccess, 0],
    ['amoadd.w a3, a2, (a1)', CAUSE.storeAccess, 0],
    ['cbo.zero (a1)', CAUSE.storeAccess, 0],
  ])('%s: what devices do not support is an access fault', (instruction, cause, misalignment = 2) => {
    const bed = new AccessBed();
    const address = DEVICE + misalignment;
    expect(bed.carryOut(instruction, address, 0x77n, false)).toBe(cause);
    expect(bed.csr('mtval')).toBe(BigInt(address));
    expect(bed.accesses).toEqual([]);
    expect(bed.x('a2')).toBe(0x77n);
  });

  test('nothing answers elsewhere', () => {
    const bed = new AccessBed();
    expect(bed.carryOut('ld a2, (a1)', 0x3000_0000, 0n, false)).toBe(CAUSE.loadAccess);
    bed.setX('a1', 0n);
    expect(bed.carryOut('li a1, 0x8000000080000000\n ld a2, (a1)', 0, 0n, false)).toBe(CAUSE.loadAccess);
    expect(bed.csr('mtval')).toBe(0x8000_0000_8000_0000n);
  });
});

describe('atomic accesses', () => {
  test.each([
    ['lr.w a3, (a1)', 2, CAUSE.loadMisaligned],
    ['lr.d a3, (a1)', 4, CAUSE.loadMisaligned],
    ['sc.w a3, a2, (a1)', 1, CAUSE.storeMisaligned],
    ['sc.d a3, a2, (a1)', 4, CAUSE.storeMisaligned],
    ['amoadd.w a3, a2, (a1)', 3, CAUSE.storeMisaligned],
    ['amomaxu.d a3, a2, (a1)', 4, CAUSE.storeMisaligned],
  ])('%s off by %i is misaligned and does nothing', (instruction, offset, cause) => {
    const bed = new AccessBed();
    bed.write64(DATA, 0x1111_1111_1111_1111n);
    bed.setX('a3', 0x33n);
    expect(bed.carryOut(instruction, VIRTUAL + offset, 5n)).toBe(cause);
    expect(bed.csr('mtval')).toBe(BigInt(VIRTUAL + offset));
    expect(bed.x('a3')).toBe(0x33n);
    expect(bed.read64(DATA)).toBe(0x1111_1111_1111_1111n);
  });

  test('an AMO on a page that may not be written is a store page fault, LR only reads', () => {
    const bed = new AccessBed();
    bed.setEntry(LEAVES, 0, DATA, PTE.all & ~PTE.w);
    expect(bed.carryOut('amoadd.w a3, a2, (a1)', VIRTUAL)).toBe(CAUSE.storePageFault);
    expect(bed.carryOut('lr.w a3, (a1)', VIRTUAL)).toBe(0);
    expect(bed.carryOut('lr.w a3, (a1)\n sc.w a3, a2, (a1)', VIRTUAL)).toBe(CAUSE.storePageFault);
  });
});

describe('the privilege of MPRV', () => {
  test('a fault on an address of a guest says so in mstatus.GVA', () => {
    const bed = new AccessBed();
    const GVA = 1n << 38n;
    const asGuest = 'li t0, 0x8000020800\n csrs mstatus, t0\n';
    expect(bed.carryOut(`${asGuest} ld a2, (a1)`, 0x3000_0000, 0n, false)).toBe(CAUSE.loadAccess);
    expect(bed.csr('mstatus') & GVA).toBe(GVA);
    bed.setCsr('mstatus', 0n);
    expect(bed.carryOut(`${asGuest} amoadd.w a2, a2, (a1)`, RAM + 2, 0n, false)).toBe(CAUSE.storeMisaligned);
    expect(bed.csr('mstatus') & GVA).toBe(GVA);
    bed.setCsr('mstatus', 0n);
    expect(bed.carryOut('ld a2, (a1)', 0x3000_0000, 0n, false)).toBe(CAUSE.loadAccess);
    expect(bed.csr('mstatus') & GVA).toBe(0n);
  });
});

describe('hlv and hsv', () => {
  const SPVP = 1n << 8n;

  /** The guest's address space is the test's: its tables are in guest-physical memory, which hgatp leaves as it is. */
  function guestBed(): AccessBed {
    const bed = new AccessBed();
    bed.setCsr('vsatp', bed.csr('satp'));
    bed.setCsr('satp', 0n);
    bed.setCsr('hstatus', SPVP);
    return bed;
  }

  test.each([0, 1, 4, PAGE - 8, PAGE - 7, PAGE - 4, PAGE - 1])(
    'reach all their bytes at offset %i',
    (offset) => {
      const bed = guestBed();
      const at = VIRTUAL + offset;
      expect(
        bed.carryOut('hsv.d a2, (a1)\n hlv.d a3, (a1)\n hlv.wu a4, (a1)', at, 0x8877_6655_4433_2211n),
      ).toBe(0);
      for (let index = 0; index < 8; index++)
        expect(bed.bytes[bed.byteAt(at + index)]).toBe(0x11 * (index + 1));
      expect(bed.x('a3')).toBe(0x8877_6655_4433_2211n);
      expect(bed.x('a4')).toBe(0x4433_2211n);
      expect(bed.carryOut('hlvx.wu a3, (a1)\n hlv.h a4, (a1)', at)).toBe(0);
      expect(bed.x('a3')).toBe(0x4433_2211n);
    },
  );

  test.each([
    ['hsv.d a2, (a1)', CAUSE.storePageFault],
    ['hlv.d a2, (a1)', CAUSE.loadPageFault],
    ['hlvx.wu a2, (a1)', CAUSE.loadPageFault],
  ])('%s: the second page faults, and nothing has happened', (instruction, cause) => {
    const bed = guestBed();
    const end = VIRTUAL + 2 * PAGE;
    bed.bytes.fill(0x55, bed.byteAt(end - 8), bed.byteAt(end - 1) + 1);
    expect(bed.carryOut(instruction, end - 1, 0x1234n)).toBe(cause);
    expect(bed.csr('mtval')).toBe(BigInt(end));
    expect(bed.csr('mstatus') & (1n << 38n)).toBe(1n << 38n);
    expect(bed.x('a2')).toBe(0x1234n);
    expect(bed.bytes[bed.byteAt(end - 1)]).toBe(0x55);
  });
});

describe('cache blocks', () => {
  test('cbo.zero clears the block around the address, and faults with the address itself', () => {
    const bed = new AccessBed();
    bed.setCsr('menvcfg', (1n << 61n) | 0xf0n);
    bed.bytes.fill(0xaa, bed.hostOf(DATA), bed.hostOf(DATA) + 192);
    expect(bed.carryOut('cbo.zero (a1)', VIRTUAL + 64 + 13)).toBe(0);
    const block = bed.bytes.slice(bed.hostOf(DATA), bed.hostOf(DATA) + 192);
    expect([...block]).toEqual([...Array(64).fill(0xaa), ...Array(64).fill(0), ...Array(64).fill(0xaa)]);
    expect(bed.carryOut('cbo.zero (a1)', VIRTUAL + 2 * PAGE + 13)).toBe(CAUSE.storePageFault);
    expect(bed.csr('mtval')).toBe(BigInt(VIRTUAL + 2 * PAGE + 13));
    expect(bed.carryOut('cbo.clean (a1)', VIRTUAL + 2 * PAGE + 13)).toBe(CAUSE.storePageFault);
    expect(bed.csr('mtval')).toBe(BigInt(VIRTUAL + 2 * PAGE + 13));
  });
});
