import { describe, expect, test } from 'vitest';
import { bits, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';
import { FIELD } from '../layout.ts';

const ILLEGAL = 2;
const VIRTUAL = 22;

describe('WFI', () => {
  test.each([
    ['M', {}, 'wait'],
    ['HS', {}, 'wait'],
    ['VS', {}, 'wait'],
    ['U', {}, ILLEGAL],
    ['VU', {}, VIRTUAL],
    ['M', { tw: true }, 'wait'],
    ['HS', { tw: true }, ILLEGAL],
    ['VS', { tw: true }, ILLEGAL],
    ['VU', { tw: true }, ILLEGAL],
    ['VS', { vtw: true }, VIRTUAL],
    ['VS', { tw: true, vtw: true }, ILLEGAL],
    ['HS', { vtw: true }, 'wait'],
  ] as const)('in %s with %j: %s', (mode, set, result) => {
    const { tw, vtw } = { tw: false, vtw: false, ...set };
    const bed = new PrivilegedBed();
    if (tw) bed.write('mstatus', bits(21));
    if (vtw) bed.write('hstatus', bits(21));
    bed.enter(mode);
    const outcome = bed.execute('wfi');
    expect(outcome === 'exception' ? bed.privileged.exception.cause : outcome).toBe(result);
  });

  test('scenario 61: does not wait while an enabled interrupt is pending, with SIE=0 too', () => {
    const bed = new PrivilegedBed();
    bed.write('hideleg', bits(2));
    bed.write('hvip', bits(2));
    bed.write('hie', bits(2));
    expect(bed.enter('VS').execute('wfi')).toBe('next');
    expect(bed.takeInterrupt()).toBeUndefined();
  });

  test('scenario 62: a pending interrupt that is disabled does not wake', () => {
    const bed = new PrivilegedBed().enter('VS');
    bed.write('hideleg', bits(2, 6));
    bed.write('hvip', bits(2));
    bed.write('hie', bits(6));
    expect(bed.execute('wfi')).toBe('wait');
    expect(bed.privileged.wakePending()).toBe(false);
    bed.setBits('hvip', bits(6));
    expect(bed.privileged.wakePending()).toBe(true);
  });

  test('scenario 63: a guest that has set its own SSIP with SIE=0 does not wait', () => {
    const bed = new PrivilegedBed().enter('VS');
    bed.write('hideleg', bits(2));
    bed.csrw('sie', bits(1));
    bed.csrw('sip', bits(1));
    expect(bed.execute('wfi')).toBe('next');
    // Scenario 64: and once it has cleared it, it does.
    bed.csrw('sip', 0n);
    expect(bed.execute('wfi')).toBe('wait');
  });

  test('wakes regardless of delegation: one of HS wakes M, one of VS wakes HS', () => {
    const bed = new PrivilegedBed();
    bed.write('mideleg', bits(1));
    bed.write('mie', bits(1));
    bed.write('mip', bits(1));
    expect(bed.execute('wfi')).toBe('next');
    expect(bed.takeInterrupt()).toBeUndefined();
    bed.write('mip', 0n);
    bed.write('hideleg', bits(6));
    bed.write('mie', bits(6));
    bed.write('hvip', bits(6));
    expect(bed.enter('HS').execute('wfi')).toBe('next');
  });

  test('wrs.nto and wrs.sto end at once, TW or not', () => {
    const bed = new PrivilegedBed();
    bed.write('mstatus', bits(21));
    bed.write('hstatus', bits(21));
    for (const mode of ['M', 'HS', 'U', 'VS', 'VU'] as const) {
      bed.enter(mode);
      expect([bed.execute('wrs.nto'), bed.execute('wrs.sto')]).toEqual(['next', 'next']);
    }
  });
});

describe('the next deadline', () => {
  function timed(): PrivilegedBed {
    const bed = new PrivilegedBed();
    bed.write('menvcfg', bits(63));
    bed.write('henvcfg', bits(63));
    bed.ticks = 1000;
    return bed;
  }

  test('is the earlier of stimecmp and vstimecmp of those that raise interrupts, enabled or not yet', () => {
    const bed = timed();
    bed.write('stimecmp', 5000n);
    bed.write('vstimecmp', 3000n);
    expect(bed.privileged.nextDeadline()).toBe(3000);
    bed.write('mie', bits(5));
    expect(bed.privileged.nextDeadline()).toBe(3000);
    bed.write('henvcfg', 0n);
    expect(bed.privileged.nextDeadline()).toBe(5000);
    bed.write('menvcfg', 0n);
    expect(bed.privileged.nextDeadline()).toBe(Infinity);
  });

  test('counts htimedelta, wrapping', () => {
    const bed = timed();
    bed.write('stimecmp', (1n << 64n) - 1n);
    bed.write('htimedelta', (1n << 64n) - 900n);
    bed.write('vstimecmp', 200n);
    expect(bed.privileged.nextDeadline()).toBe(1100);
    bed.write('htimedelta', 1n << 63n);
    bed.write('vstimecmp', (1n << 63n) + 2500n);
    expect(bed.privileged.nextDeadline()).toBe(2500);
  });

  test('is not one that has passed, nor one beyond all time', () => {
    const bed = timed();
    bed.write('vstimecmp', 0n);
    bed.write('stimecmp', 1000n);
    expect(bed.privileged.nextDeadline()).toBe(Infinity);
    bed.write('stimecmp', (1n << 64n) - 1n);
    expect(bed.privileged.nextDeadline()).toBe(Infinity);
    bed.write('stimecmp', 1n << 40n);
    expect(bed.privileged.nextDeadline()).toBe(2 ** 40);
  });
});

describe('WRS.NTO', () => {
  test.each([
    ['VS', { vtw: true, reserved: true }, VIRTUAL],
    ['VU', { vtw: true, reserved: true }, VIRTUAL],
    ['VS', { vtw: true, reserved: false }, 'next'],
    ['VS', { vtw: false, reserved: true }, 'next'],
    ['HS', { vtw: true, reserved: true }, 'next'],
    ['M', { vtw: true, reserved: true }, 'next'],
  ] as const)('in %s with %j: %s', (mode, { vtw, reserved }, result) => {
    const bed = new PrivilegedBed();
    if (vtw) bed.write('hstatus', bits(21));
    bed.enter(mode);
    bed.state.words[FIELD.reservation >> 2] = reserved ? 0x1000 : 0;
    const outcome = bed.execute('wrs.nto');
    expect(outcome === 'exception' ? bed.privileged.exception.cause : outcome).toBe(result);
  });

  describe('that may watch memory for a while', () => {
    const LIMIT = 100;
    function watching(): PrivilegedBed {
      const bed = new PrivilegedBed();
      bed.write('hstatus', bits(21));
      bed.write('hideleg', bits(2));
      bed.write('hie', bits(2));
      bed.enter('VS');
      bed.state.words[FIELD.reservation >> 2] = 0x1000;
      bed.watchTicks = LIMIT;
      return bed;
    }
    /** @param happens at the tenth look at the clock */
    function wait(bed: PrivilegedBed, happens: (bed: PrivilegedBed) => void): string {
      bed.onLook = () => {
        bed.ticks++;
        if (bed.ticks === 10) happens(bed);
      };
      return bed.execute('wrs.nto');
    }
    const written = (bed: PrivilegedBed) => {
      bed.reservationHolds = false;
    };
    const interrupted = (bed: PrivilegedBed) => bed.write('hvip', bits(2));
    const wanted = (bed: PrivilegedBed) => {
      bed.exitRequested = true;
    };

    test.each([
      ['ends when another hart has written', written, 'next'],
      ['ends when an enabled interrupt becomes pending', interrupted, 'next'],
      ['ends at once when somebody wants the hart, to be carried out again', wanted, 'again'],
    ])('%s', (_, happens, outcome) => {
      const bed = watching();
      expect(wait(bed, happens)).toBe(outcome);
      expect(bed.ticks).toBeGreaterThanOrEqual(10);
      expect(bed.ticks).toBeLessThan(20);
    });

    test('traps when the time is over', () => {
      const bed = watching();
      expect(wait(bed, () => undefined)).toBe('exception');
      expect(bed.ticks).toBeGreaterThan(LIMIT);
      expect(bed.ticks).toBeLessThan(LIMIT + 20);
    });
  });

  test('ends for an enabled pending interrupt, without a trap', () => {
    const bed = new PrivilegedBed();
    bed.write('hstatus', bits(21));
    bed.write('hideleg', bits(2));
    bed.write('hvip', bits(2));
    bed.write('hie', bits(2));
    bed.enter('VS');
    bed.state.words[FIELD.reservation >> 2] = 0x1000;
    expect(bed.execute('wrs.nto')).toBe('next');
  });
});
