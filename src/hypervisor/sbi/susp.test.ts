import { describe, expect, test } from 'vitest';
import { DomainBed, RAM, SHUTDOWN } from '../../../test/hypervisor/domain-bed.ts';
import { EID, SbiBed } from '../../../test/hypervisor/sbi-bed.ts';
import { HSM } from '../vcpu-layout.ts';
import { SBI } from './index.ts';

describe('SUSP', () => {
  test('puts the caller to sleep when all others have stopped; the type is 32 bits wide', () => {
    for (const type of [0, 1n << 32n]) {
      expect(new SbiBed().call(EID.susp, 0, type, RAM + 4, 7)).toMatchObject({
        error: SBI.success,
        outcome: 'suspend',
        returns: false,
      });
    }
  });

  test.each([
    ['a reserved type', [1, RAM, 0], SBI.invalidParameter],
    ['the last reserved type', [0x7fff_ffff, RAM, 0], SBI.invalidParameter],
    ['a type of another platform', [0x8000_0000, RAM, 0], SBI.invalidParameter],
    ['an address below RAM', [0, 0x1000, 0], SBI.invalidAddress],
    ['an address behind RAM', [0, RAM + (1 << 20), 0], SBI.invalidAddress],
    ['an address above 32 bits', [0, (1n << 32n) | BigInt(RAM), 0], SBI.invalidAddress],
    ['an odd address', [0, RAM + 1, 0], SBI.invalidAddress],
  ] as const)('refuses %s', (_, args, expected) => {
    expect(new SbiBed().call(EID.susp, 0, ...args)).toMatchObject({ error: expected, outcome: 'return' });
  });

  test.each(Object.entries(HSM).filter(([, state]) => state !== HSM.stopped))(
    'refuses while another hart is %s',
    (_, state) => {
      const bed = new SbiBed();
      const other = bed.vcpus[2];
      if (other !== undefined) other.hsm = state;
      expect(bed.error(EID.susp, 0, 0, RAM, 0)).toBe(SBI.denied);
    },
  );

  test('an enabled interrupt ends it, at the address given, without translation and interrupts', () => {
    const bed = new DomainBed({ vcpus: 2 }).load(`
      li s0, 0
      rdtime t0; li t1, 40000; add t0, t0, t1; csrw stimecmp, t0
      li t0, 32; csrw sie, t0; csrwi sstatus, 2
      li a7, 0x53555350; li a6, 0; li a0, 0; la a1, resumed; li a2, 99; ecall
      j bad
    resumed: csrr t1, satp; bnez t1, bad
      csrr t1, sstatus; andi t1, t1, 2; bnez t1, bad
      bnez a0, bad
      li t1, 99; bne a1, t1, bad
      rdtime t1; csrr t2, stimecmp; bltu t1, t2, bad
      li a7, 0x4442434e; li a6, 2; li a0, 'y'; ecall
    bad: ${SHUTDOWN}`);
    bed.run();
    expect(bed.ended).toBe('shutdown');
    expect(bed.output).toBe('y');
    expect(bed.vcpu.stat('sleeps')).toBe(1);
  });
});
