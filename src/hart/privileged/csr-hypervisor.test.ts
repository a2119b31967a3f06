import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bits, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';

const VS_BITS = bits(2, 6, 10);
const ALL = (1n << 64n) - 1n;

describe('scenario 54: an interrupt that hideleg keeps', () => {
  test('is read-only 0 in vsip and vsie, and comes back when it is handed on', () => {
    const bed = new PrivilegedBed();
    bed.write('hie', VS_BITS);
    bed.write('hvip', VS_BITS);
    expect([bed.read('vsip'), bed.read('vsie')]).toEqual([0n, 0n]);
    bed.enter('VS');
    bed.csrw('sie', 0n);
    bed.csrw('sip', 0n);
    expect([bed.csrr('sip'), bed.csrr('sie')]).toEqual([0n, 0n]);
    expect([bed.read('hip'), bed.read('hie')]).toEqual([VS_BITS, VS_BITS]);
    bed.write('hideleg', bits(2));
    expect([bed.csrr('sip'), bed.csrr('sie')]).toEqual([bits(1), bits(1)]);
    bed.write('hideleg', VS_BITS);
    expect([bed.csrr('sip'), bed.csrr('sie')]).toEqual([bits(1, 5, 9), bits(1, 5, 9)]);
  });

  test.each([
    [2, 2n],
    [6, 6n],
    [10, 10n],
  ])('traps to HS with scause %i', (bit, cause) => {
    const bed = new PrivilegedBed();
    bed.write('hie', VS_BITS);
    bed.write('hvip', bits(bit));
    bed.enter('VS');
    expect(bed.takeInterrupt()).toBe('HS');
    expect(bed.read('scause')).toBe(bits(63) | cause);
  });
});

describe('scenario 55: what can be written', () => {
  test('hideleg, hvip, hie and hip', () => {
    const bed = new PrivilegedBed();
    for (const name of ['hideleg', 'hvip', 'hie']) {
      bed.write(name, ALL);
      expect([name, bed.read(name)]).toEqual([name, VS_BITS]);
    }
    bed.write('hvip', 0n);
    bed.write('hip', ALL);
    expect([bed.read('hip'), bed.read('hvip')]).toEqual([bits(2), bits(2)]);
    bed.write('hvip', VS_BITS);
    bed.write('hip', 0n);
    expect(bed.read('hvip')).toBe(bits(6, 10));
  });

  test('hedeleg: the exceptions of the guest alone', () => {
    const bed = new PrivilegedBed();
    bed.write('hedeleg', ALL);
    expect(bed.read('hedeleg')).toBe(0xc_b1ffn);
  });

  test('hstatus: VSXL is 64 bits, VGEIN holds 0 to GEILEN', () => {
    const bed = new PrivilegedBed({ guestExternalInterrupts: 5 });
    bed.write('hstatus', ALL);
    expect(bed.read('hstatus')).toBe(bits(33, 48, 49) | bits(6, 7, 8, 9, 20, 21, 22));
    bed.write('hstatus', 5n << 12n);
    expect(bed.read('hstatus') & 0xffff_ffffn).toBe(5n << 12n);
    bed.write('hstatus', 6n << 12n);
    expect(bed.read('hstatus') & 0xffff_ffffn).toBe(5n << 12n);
  });

  test('hgatp: a reserved MODE does not stop the other fields; the root is aligned to 16 KiB', () => {
    const bed = new PrivilegedBed();
    bed.write('hgatp', (8n << 60n) | 0x123n);
    expect(bed.read('hgatp')).toBe((8n << 60n) | 0x120n);
    bed.write('hgatp', (5n << 60n) | ((1n << 60n) - 1n));
    expect(bed.read('hgatp')).toBe((8n << 60n) | (0x3fffn << 44n) | ((1n << 44n) - 4n));
  });

  test('satp and vsatp: a reserved MODE changes nothing', () => {
    const bed = new PrivilegedBed();
    for (const name of ['satp', 'vsatp']) {
      for (const mode of [8n, 9n, 10n]) {
        bed.write(name, (mode << 60n) | 0x77n);
        expect(bed.read(name)).toBe((mode << 60n) | 0x77n);
      }
      bed.write(name, (11n << 60n) | 1n);
      expect(bed.read(name)).toBe((10n << 60n) | 0x77n);
    }
  });
});

describe('scenario 56: vsie and hie are the same enable bits', () => {
  test('where hideleg is 1, and only there', () => {
    const bed = new PrivilegedBed();
    bed.write('hideleg', bits(2, 10));
    bed.write('vsie', bits(1, 5, 9));
    expect(bed.read('hie')).toBe(bits(2, 10));
    bed.write('hie', bits(6, 10));
    expect(bed.read('vsie')).toBe(bits(9));
    bed.write('vsie', 0n);
    expect(bed.read('hie')).toBe(bits(6));
  });
});

describe('scenario 57: guest external interrupts', () => {
  test('hgeip[VGEIN] is VSEIP without hvip; hgeie gates SGEIP only', () => {
    const bed = new PrivilegedBed({ guestExternalInterrupts: 3 });
    bed.guestExternalLines = 0b1011;
    expect(bed.read('hgeip')).toBe(0b1010n);
    expect(bed.read('hip')).toBe(0n);
    bed.write('hstatus', 1n << 12n);
    expect(bed.read('hip')).toBe(bits(10));
    bed.write('hvip', 0n);
    expect(bed.read('hip')).toBe(bits(10));
    bed.write('hstatus', 2n << 12n);
    expect(bed.read('hip')).toBe(0n);
    bed.write('hgeie', ALL);
    expect(bed.read('hgeie')).toBe(0b1110n);
    expect(bed.read('hip')).toBe(bits(12));
    bed.write('hgeie', 0b0100n);
    expect(bed.read('hip')).toBe(0n);
  });

  test('SGEI traps to HS with cause 12, and cannot be handed on', () => {
    const bed = new PrivilegedBed({ guestExternalInterrupts: 1 });
    bed.write('hideleg', ALL);
    bed.write('hie', bits(12));
    bed.write('hgeie', bits(1));
    bed.guestExternalLines = 2;
    bed.enter('VS');
    expect(bed.takeInterrupt()).toBe('HS');
    expect(bed.read('scause')).toBe(bits(63) | 12n);
  });

  test('without guest external interrupts bit 12 is 0 everywhere', () => {
    const bed = new PrivilegedBed();
    bed.guestExternalLines = -1;
    bed.write('hgeie', ALL);
    bed.write('hie', ALL);
    expect([bed.read('hgeip'), bed.read('hgeie'), bed.read('hip')]).toEqual([0n, 0n, 0n]);
    expect([bed.read('mideleg'), bed.read('hie')]).toEqual([VS_BITS, VS_BITS]);
  });
});

describe('views of the same bits', () => {
  const names = [
    'hvip',
    'hip',
    'hie',
    'hideleg',
    'vsip',
    'vsie',
    'mip',
    'mie',
    'mideleg',
    'sip',
    'sie',
  ] as const;
  const writes = fc.array(
    fc.record({
      name: fc.constantFrom(...names),
      value: fc.oneof(fc.bigInt(0n, 0xffffn), fc.bigInt(0n, ALL)),
    }),
    { minLength: 1, maxLength: 30 },
  );

  test('agree after any sequence of writes, whatever the lines do', () => {
    fc.assert(
      fc.property(writes, fc.integer(), fc.boolean(), (sequence, lines, guest) => {
        const bed = new PrivilegedBed();
        bed.lines = lines & (bits0(3) | bits0(7) | bits0(9) | bits0(11));
        for (const { name, value } of sequence) {
          if (guest && (name === 'vsip' || name === 'vsie')) {
            bed.enter('VS').csrw(name.slice(1), value);
          } else {
            bed.write(name, value);
          }
          const hideleg = bed.read('hideleg');
          const mideleg = bed.read('mideleg');
          expect(bed.read('vsip')).toBe((bed.read('hip') & hideleg) >> 1n);
          expect(bed.read('vsie')).toBe((bed.read('hie') & hideleg) >> 1n);
          expect(bed.read('hip')).toBe(bed.read('mip') & VS_BITS);
          expect(bed.read('hie')).toBe(bed.read('mie') & VS_BITS);
          expect(bed.read('hip')).toBe(bed.read('hvip'));
          expect(bed.read('sip')).toBe(bed.read('mip') & mideleg & bits(1, 5, 9, 13));
          expect(bed.read('sie')).toBe(bed.read('mie') & mideleg & bits(1, 5, 9, 13));
          expect(mideleg & ~bits(1, 5, 9, 13)).toBe(VS_BITS);
          expect(hideleg & ~VS_BITS).toBe(0n);
          expect(bed.read('mip') & bits(3, 7, 11)).toBe(BigInt(bed.lines) & bits(3, 7, 11));
        }
      }),
    );
  });

  test('a write through any view is seen in the storage of the others and nowhere else', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, ALL), fc.bigInt(0n, ALL), fc.bigInt(0n, ALL), (hideleg, before, value) => {
        const bed = new PrivilegedBed();
        bed.write('hideleg', hideleg);
        bed.write('hvip', before);
        bed.write('hie', before);
        bed.enter('VS');
        bed.csrw('sip', value);
        bed.csrw('sie', value);
        const ssip = hideleg & bits(2);
        expect(bed.read('hvip')).toBe(((before & ~ssip) | ((value << 1n) & ssip)) & VS_BITS);
        const enables = hideleg & VS_BITS;
        expect(bed.read('hie')).toBe(((before & ~enables) | ((value << 1n) & enables)) & VS_BITS);
      }),
    );
  });
});

function bits0(position: number): number {
  return 1 << position;
}
