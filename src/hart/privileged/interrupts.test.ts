import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bits, type Mode, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';

const INTERRUPT = bits(63);
const VS_BITS = bits(2, 6, 10);

/** A guest with all VS-level interrupts handed on and enabled locally. */
function guest(mode: 'VS' | 'VU' = 'VS'): PrivilegedBed {
  const bed = new PrivilegedBed();
  bed.write('hideleg', VS_BITS);
  bed.write('hie', VS_BITS);
  bed.write('vstvec', 0x5000n);
  return bed.enter(mode);
}

describe('delivery to a guest', () => {
  test.each([
    [2, 1n, 0x5004n],
    [6, 5n, 0x5014n],
    [10, 9n, 0x5024n],
  ])('scenario 48: interrupt %i with SIE=1 traps to VS, direct and vectored', (bit, cause, vector) => {
    for (const vectored of [false, true]) {
      const bed = guest();
      if (vectored) bed.write('vstvec', 0x5001n);
      bed.write('vsstatus', bits(1));
      bed.write('vstval', 77n);
      bed.write('hvip', bits(bit));
      bed.pc = 0xffff_ffff_8000_0002n;
      expect(bed.takeInterrupt()).toBe('VS');
      expect(bed.mode).toBe('VS');
      expect(bed.read('vsepc')).toBe(0xffff_ffff_8000_0002n);
      expect(bed.read('vscause')).toBe(INTERRUPT | cause);
      expect(bed.read('vstval')).toBe(0n);
      // SPP = 1, SPIE = 1, SIE = 0.
      expect(bed.read('vsstatus') & 0xffff_ffffn).toBe(bits(5, 8));
      expect(bed.pc).toBe(vectored ? vector : 0x5000n);
      expect([bed.read('scause'), bed.read('hstatus') & 0xffff_ffffn]).toEqual([0n, 0n]);
    }
  });

  test('scenario 49: VU traps although SIE=0; SPP=0 and SPIE=0', () => {
    const bed = guest('VU');
    bed.write('hvip', bits(2));
    expect(bed.takeInterrupt()).toBe('VS');
    expect(bed.mode).toBe('VS');
    expect(bed.read('vsstatus') & 0xffff_ffffn).toBe(0n);
  });

  test('scenario 50: VS with SIE=0 waits for csrsi sstatus, 2', () => {
    const bed = guest();
    bed.write('hvip', bits(2));
    expect(bed.takeInterrupt()).toBeUndefined();
    expect(bed.execute('csrrsi', { imm: 2, csr: 0x100 })).toBe('next');
    expect(bed.takeInterrupt()).toBe('VS');
  });

  test('scenario 51: a self-IPI, an enable, and sret take effect at once', () => {
    const self = guest();
    self.write('vsstatus', bits(1));
    expect(self.takeInterrupt()).toBeUndefined();
    self.execute('csrrsi', { imm: 2, csr: 0x144 });
    expect(self.takeInterrupt()).toBe('VS');

    const enable = guest();
    enable.write('hie', 0n);
    enable.write('vsstatus', bits(1));
    enable.write('hvip', bits(2));
    expect(enable.takeInterrupt()).toBeUndefined();
    enable.execute('csrrsi', { imm: 2, csr: 0x104 });
    expect(enable.takeInterrupt()).toBe('VS');

    const back = guest();
    back.write('vsstatus', bits(5, 8));
    back.write('vsepc', 0x1234n);
    back.write('hvip', bits(2));
    expect(back.takeInterrupt()).toBeUndefined();
    expect(back.execute('sret')).toBe('jumped');
    expect(back.takeInterrupt()).toBe('VS');
    expect(back.read('vsepc')).toBe(0x1234n);
  });

  test('scenario 52: SEI before SSI before STI', () => {
    const bed = guest();
    bed.write('hvip', VS_BITS);
    const order: bigint[] = [];
    for (const clear of [10, 2, 6]) {
      bed.write('vsstatus', bits(1));
      expect(bed.takeInterrupt()).toBe('VS');
      order.push(bed.read('vscause') & 0xfn);
      bed.clearBits('hvip', bits(clear));
    }
    expect(order).toEqual([9n, 1n, 5n]);
  });

  test('scenario 53: what HS must handle comes first, whatever SIE of either level says', () => {
    for (const sie of [0n, bits(1)]) {
      const bed = guest();
      bed.write('mideleg', bits(1, 5, 9));
      bed.write('mie', bits(5) | VS_BITS);
      bed.write('mip', bits(5));
      bed.write('hvip', VS_BITS);
      bed.write('vsstatus', bits(1));
      bed.write('sstatus', sie);
      expect(bed.takeInterrupt()).toBe('HS');
      expect(bed.read('scause')).toBe(INTERRUPT | 5n);
      expect(bed.read('hstatus') & bits(7, 8)).toBe(bits(7, 8));
    }
  });

  test('scenario 58: with V=0 they stay pending, and are taken on the sret that enters the guest', () => {
    const bed = guest();
    bed.write('hvip', bits(10));
    bed.write('vsstatus', bits(1));
    for (const mode of ['U', 'HS'] as const) {
      bed.write('sstatus', bits(1));
      expect(bed.enter(mode).takeInterrupt()).toBeUndefined();
    }
    bed.write('hstatus', bits(7));
    bed.write('sstatus', bits(8));
    bed.write('sepc', 0x9000n);
    expect(bed.execute('sret')).toBe('jumped');
    expect(bed.mode).toBe('VS');
    expect(bed.takeInterrupt()).toBe('VS');
    expect(bed.read('vsepc')).toBe(0x9000n);
  });
});

describe('delivery to M and HS', () => {
  test('M-level interrupts: MEI, MSI, MTI, then what is not delegated', () => {
    const bed = new PrivilegedBed();
    bed.lines = (1 << 3) | (1 << 7) | (1 << 11);
    bed.write('mip', bits(1, 5, 9));
    bed.write('mie', bits(1, 3, 5, 7, 9, 11));
    expect(bed.takeInterrupt()).toBeUndefined();
    const order: bigint[] = [];
    for (let step = 0; step < 6; step++) {
      bed.write('mstatus', bits(3));
      expect(bed.takeInterrupt()).toBe('M');
      const cause = bed.read('mcause') & 0xfn;
      order.push(cause);
      bed.clearBits('mie', bits(Number(cause)));
    }
    expect(order).toEqual([11n, 3n, 7n, 9n, 1n, 5n]);
  });

  test('HS: SEI, SSI, STI, then VSEI, VSSI, VSTI; M-mode never takes delegated ones', () => {
    const bed = new PrivilegedBed();
    bed.write('mideleg', bits(1, 5, 9));
    bed.write('mip', bits(1, 5, 9));
    bed.write('hvip', VS_BITS);
    bed.write('mie', bits(1, 5, 9) | VS_BITS);
    bed.write('mstatus', bits(1, 3));
    expect(bed.takeInterrupt()).toBeUndefined();
    const order: bigint[] = [];
    for (let step = 0; step < 6; step++) {
      bed.enter('HS').write('mstatus', bits(1));
      expect(bed.takeInterrupt()).toBe('HS');
      const cause = bed.read('scause') & 0xfn;
      order.push(cause);
      bed.clearBits('mie', bits(Number(cause)));
    }
    expect(order).toEqual([9n, 1n, 5n, 10n, 2n, 6n]);
  });

  test('vectored mtvec of interrupts only; the address carries into the high half', () => {
    const bed = new PrivilegedBed();
    bed.write('mtvec', 0xffff_fff1n);
    bed.write('mie', bits(11));
    bed.write('mstatus', bits(3));
    bed.lines = 1 << 11;
    bed.takeInterrupt();
    expect(bed.pc).toBe(0x1_0000_001cn);
    bed.trap(2);
    expect(bed.pc).toBe(0xffff_fff0n);
  });

  test('with HS played by the host, everything that is not the guest’s goes to HS', () => {
    const bed = new PrivilegedBed({ hsHost: true });
    expect(bed.mode).toBe('HS');
    bed.enter('VS');
    bed.lines = 1 << 7;
    bed.write('mie', bits(7));
    expect(bed.takeInterrupt()).toBe('HS');
    expect(bed.read('scause')).toBe(INTERRUPT | 7n);
    expect([bed.mode, bed.read('hstatus') & bits(7, 8)]).toEqual(['HS', bits(7, 8)]);
  });
});

describe('the choice of interrupt', () => {
  /** Straight from "Interrupt priorities" and the conditions (a), (b), (c) of M, HS and VS. */
  function expected(bed: PrivilegedBed): string | undefined {
    const mode = bed.mode;
    const both = bed.read('mip') & bed.read('mie');
    const mideleg = bed.read('mideleg');
    const hideleg = bed.read('hideleg');
    const first = (candidates: bigint, order: number[]): number | undefined =>
      order.find((bit) => (candidates & bits(bit)) !== 0n);
    const forM = first(both & ~mideleg, [11, 3, 7, 9, 1, 5]);
    const canM = mode !== 'M' || (bed.read('mstatus') & bits(3)) !== 0n;
    if (canM && forM !== undefined) return `M ${forM}`;
    const forHs = first(both & mideleg & ~hideleg, [9, 1, 5, 12, 10, 2, 6]);
    const canHs = mode !== 'M' && (mode !== 'HS' || (bed.read('sstatus') & bits(1)) !== 0n);
    if (canHs && forHs !== undefined) return `HS ${forHs}`;
    const forVs = first(bed.read('vsip') & bed.read('vsie'), [9, 1, 5]);
    const canVs = mode === 'VU' || (mode === 'VS' && (bed.read('vsstatus') & bits(1)) !== 0n);
    return canVs && forVs !== undefined ? `VS ${forVs}` : undefined;
  }

  function taken(bed: PrivilegedBed): string | undefined {
    const target = bed.takeInterrupt();
    if (target === undefined) return undefined;
    const cause = bed.read({ M: 'mcause', HS: 'scause', VS: 'vscause' }[target]);
    expect(cause & INTERRUPT).toBe(INTERRUPT);
    return `${target} ${cause & 0x3fn}`;
  }

  test('follows the conditions of the specification in every state', () => {
    const word = fc.bigInt(0n, 0x1fffn);
    const mode = fc.constantFrom<Mode>('M', 'HS', 'U', 'VS', 'VU');
    fc.assert(
      fc.property(
        mode,
        fc.record({ mip: word, hvip: word, mie: word, mideleg: word, hideleg: word, hgeie: word }),
        fc.record({ mstatus: word, vsstatus: word, vgein: fc.bigInt(0n, 3n) }),
        fc.record({ lines: fc.nat(0xfff), guestLines: fc.nat(0xf) }),
        (name, csrs, status, platform) => {
          const bed = new PrivilegedBed({ guestExternalInterrupts: 3 });
          for (const [csr, value] of Object.entries(csrs)) bed.write(csr, value);
          bed.write('mstatus', status.mstatus & bits(1, 3));
          bed.write('vsstatus', status.vsstatus & bits(1));
          bed.write('hstatus', status.vgein << 12n);
          bed.lines = platform.lines & ((1 << 3) | (1 << 7) | (1 << 9) | (1 << 11));
          bed.guestExternalLines = platform.guestLines;
          bed.enter(name);
          const wanted = expected(bed);
          expect(taken(bed)).toBe(wanted);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('interrupt lines', () => {
  test('are asked for where they are enabled only, as devices must be asked', () => {
    const bed = new PrivilegedBed();
    expect(bed.takeInterrupt()).toBeUndefined();
    expect(bed.wantedLines).toBeUndefined();
    for (const line of [3, 7, 9, 11]) {
      bed.write('mie', bits(line));
      expect(bed.takeInterrupt()).toBeUndefined();
      expect(bed.wantedLines).toBe(1 << line);
    }
  });

  test('are all asked for by a look at mip', () => {
    const bed = new PrivilegedBed();
    bed.lines = 0xa88;
    expect(bed.read('mip')).toBe(0xa88n);
    expect(Number(bed.wantedLines) & 0xa88).toBe(0xa88);
  });
});
