/** Firmware protects its own memory by PMP: what runs beside it must not be slower for that. */
import { describe, expect, test, vi } from 'vitest';
import { HartBed, PTE, RAM } from '../../test/hart/hart-bed.ts';

const FIRMWARE_BYTES = 0x1_0000;
const CODE = RAM + 0x2_0000;
const DATA = RAM + 0x3_0000;
const TABLES = RAM + 0x4_0000;
const GUEST_TABLES = RAM + 0x5_0000;
const SPP = 1n << 8n;
const SPV = 1n << 7n;
const SPVP = 1n << 8n;
const TURNS = 300;

/** Sv39, or Sv39x4, with a gigabyte at its own address. */
const rootAt = (table: number): bigint => (8n << 60n) | BigInt(table >>> 12);

function protectedBed(): HartBed {
  const bed = new HartBed({ engine: 'jit' });
  bed.setCsr('pmpaddr0', BigInt(RAM / 4) | BigInt(FIRMWARE_BYTES / 8 - 1));
  bed.setCsr('pmpaddr1', (1n << 54n) - 1n);
  bed.setCsr('pmpcfg0', 0x1f18n);
  bed.setEntry(TABLES, RAM / 2 ** 30, RAM, PTE.all);
  bed.setEntry(GUEST_TABLES, RAM / 2 ** 30, RAM, PTE.all | PTE.u);
  bed.setX('s0', BigInt(DATA));
  bed.setX('s4', BigInt(TURNS));
  return bed;
}

function inSupervisor(bed: HartBed): void {
  bed.setCsr('satp', rootAt(TABLES));
  bed.setCsr('sstatus', SPP);
  bed.setCsr('sepc', BigInt(CODE));
  bed.hart.resumeGuest();
}

function inGuest(bed: HartBed): void {
  bed.setCsr('vsatp', rootAt(TABLES));
  bed.setCsr('hgatp', rootAt(GUEST_TABLES));
  bed.setCsr('sstatus', SPP);
  bed.setCsr('hstatus', SPV | SPVP);
  bed.setCsr('sepc', BigInt(CODE));
  bed.hart.resumeGuest();
}

const MODES: readonly (readonly [string, (bed: HartBed) => void])[] = [
  [
    'in M-mode',
    (bed) => {
      bed.pc = BigInt(CODE);
    },
  ],
  [
    'in S-mode without paging',
    (bed) => {
      inSupervisor(bed);
      bed.setCsr('satp', 0n);
    },
  ],
  ['in S-mode', inSupervisor],
  ['in VS-mode', inGuest],
  [
    'in VS-mode without paging of its own',
    (bed) => {
      inGuest(bed);
      bed.setCsr('vsatp', 0n);
    },
  ],
];

/** Runs to the end of the program. */
function run(bed: HartBed): void {
  const end = BigInt(bed.symbol('end'));
  for (let runs = 0; bed.pc !== end; runs++) {
    expect(runs).toBeLessThan(10_000);
    bed.run(24);
  }
}

describe.each(MODES)('%s', (_, enter) => {
  test('pages are found by generated code', () => {
    const bed = protectedBed();
    bed.load(
      `1: ld t0, (s0)
       sd t0, 8(s0)
       amoadd.d t1, t0, (s0)
       sfence.vma
       addi s4, s4, -1
       bnez s4, 1b
       end: j end`,
      CODE,
    );
    enter(bed);
    const translate = vi.spyOn(bed.hart.mmu, 'translate');
    run(bed);
    // Behind a fence TypeScript looks for the code.
    expect(translate.mock.calls.length).toBeLessThan(TURNS + 10);
  });
});

test('the protected memory stays closed', () => {
  const bed = protectedBed();
  bed.setX('s0', BigInt(RAM + FIRMWARE_BYTES - 8));
  bed.load('ld t0, (s0)\nend: j end', CODE);
  bed.load(`j . + ${CODE + 4 - RAM}`, RAM);
  bed.setCsr('mtvec', BigInt(RAM));
  inSupervisor(bed);
  run(bed);
  expect(bed.csr('mcause')).toBe(5n);
  expect(bed.csr('mtval')).toBe(BigInt(RAM + FIRMWARE_BYTES - 8));
});

describe('a cache block that is protected in part', () => {
  const BLOCK = DATA + 0x40;

  /** Runs an instruction in S-mode on a block, of which 8 bytes have these permissions. */
  function operate(instruction: string, permissions: bigint, at: number): HartBed {
    const bed = new HartBed();
    bed.setCsr('menvcfg', 0xf0n);
    bed.setCsr('pmpaddr0', BigInt(at / 4));
    bed.setCsr('pmpaddr1', (1n << 54n) - 1n);
    bed.setCsr('pmpcfg0', 0x1f18n | permissions);
    bed.load(`${instruction}\nend: j end`, CODE);
    bed.load(`j . + ${CODE + 4 - RAM}`, RAM);
    bed.setCsr('mtvec', BigInt(RAM));
    bed.write64(BLOCK, 1n);
    bed.setX('s0', BigInt(BLOCK + 4));
    inSupervisor(bed);
    bed.setCsr('satp', 0n);
    run(bed);
    return bed;
  }

  test.each([BLOCK, BLOCK + 8, BLOCK + 56])('is not cleared, wherever that is: %i', (at) => {
    for (const permissions of [0n, 1n, 5n]) {
      const bed = operate('cbo.zero (s0)', permissions, at);
      expect(bed.csr('mcause')).toBe(7n);
      expect(bed.csr('mtval')).toBe(BigInt(BLOCK + 4));
      expect(bed.read64(BLOCK)).toBe(1n);
    }
  });

  test('is not operated on', () => {
    for (const name of ['cbo.clean', 'cbo.flush', 'cbo.inval']) {
      const bed = operate(`${name} (s0)`, 0n, BLOCK + 16);
      expect(bed.csr('mcause'), name).toBe(7n);
      expect(bed.csr('mtval'), name).toBe(BigInt(BLOCK + 4));
    }
  });

  test('is cleared when what is protected lies beside it', () => {
    for (const at of [BLOCK - 8, BLOCK + 64]) {
      const bed = operate('cbo.zero (s0)', 0n, at);
      expect(bed.csr('mcause')).toBe(0n);
      expect(bed.read64(BLOCK)).toBe(0n);
    }
  });
});
