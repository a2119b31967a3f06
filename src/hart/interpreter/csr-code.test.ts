import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from '../../../test/hart/hart-bed.ts';
import { FIELD } from '../layout.ts';
import { QUIET } from '../privileged/registers.ts';

const HANDLER = RAM + 0x1000;
const SPP = 1n << 8n;
const SSIP = 1n << 1n;
const SIE = 1n << 1n;
const SPIE = 1n << 5n;
const FS_INITIAL = 1n << 13n;
const FS_DIRTY = 3n << 13n;
const SD = 1n << 63n;

/** A hart in S-mode, its own software interrupt enabled, interrupts off; the handler ends with a0 = sepc - RAM. */
function inSupervisor(program: string, status = 0n): HartBed {
  const bed = new HartBed();
  bed.load(program);
  bed.load(`csrr a0, sepc\n li t0, ${RAM}\n sub a0, a0, t0\n ${FINISH}`, HANDLER);
  bed.hart.pmp.allowAll();
  bed.setCsr('mideleg', SSIP);
  bed.setCsr('mie', SSIP);
  bed.setCsr('stvec', BigInt(HANDLER));
  bed.setCsr('sstatus', SPP | status);
  bed.setCsr('sepc', BigInt(RAM));
  bed.hart.resumeGuest();
  return bed;
}

describe('an interrupt that waits for SIE', () => {
  const enabledBy = (enable: string): HartBed =>
    inSupervisor(`
      csrsi sip, 2
      csrw sscratch, a0
      csrr a1, scause
      csrci sstatus, 2
      ${enable}
      li a0, -1
      ${FINISH}`);

  test.each([
    ['csrsi sstatus, 2', 20],
    ['csrs sstatus, a2', 20],
    ['csrw sstatus, a2', 20],
  ])('is taken right behind %s', (enable, sepc) => {
    const bed = enabledBy(enable);
    bed.setX('a2', SIE);
    expect(bed.finish()).toBe(sepc);
  });

  test.each([
    ['with SPIE, to S-mode', SPP | SPIE],
    ['to U-mode', 0n],
  ])('is taken at the target of SRET %s', (_, status) => {
    const bed = enabledBy('csrw sepc, a3\n csrw sstatus, a2\n sret');
    bed.setX('a2', status);
    bed.setX('a3', BigInt(RAM + 0x800));
    expect(bed.finish()).toBe(0x800);
  });

  test('leaves the CSRs that handlers use to generated code', () => {
    const bed = inSupervisor('csrsi sip, 2\n csrr a1, scause\n 1: j 1b');
    bed.run(100);
    expect(bed.hart.state.words[FIELD.quiet >> 2]).toBe(QUIET.masked);
  });
});

describe('FS of sstatus', () => {
  test('is Dirty as soon as floating-point state was written', () => {
    const bed = inSupervisor(`fcvt.d.w fa0, a0\n csrr a1, sstatus\n li a0, 0\n ${FINISH}`, FS_INITIAL);
    bed.finish();
    expect(bed.x('a1') & (FS_DIRTY | SD)).toBe(FS_DIRTY | SD);
  });

  test('closes and opens floating point at once', () => {
    const bed = inSupervisor(
      `csrc sstatus, a2
       csrs sstatus, a2
       fcvt.d.w fa0, a0
       csrc sstatus, a2
       fcvt.d.w fa0, a0
       li a0, -1
       ${FINISH}`,
      FS_INITIAL,
    );
    bed.setCsr('medeleg', 1n << 2n);
    bed.setX('a2', FS_DIRTY);
    expect(bed.finish()).toBe(16);
  });
});
