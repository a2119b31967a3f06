import { expect, test } from 'vitest';
import { DomainBed, RAM, SHUTDOWN } from '../../../test/hypervisor/domain-bed.ts';
import { EID, SbiBed } from '../../../test/hypervisor/sbi-bed.ts';
import { SBI } from './index.ts';

const set = (bed: SbiBed, ...args: (number | bigint)[]): number => bed.error(EID.fwft, 0, ...args);
const get = (bed: SbiBed, feature: number | bigint): number => bed.error(EID.fwft, 1, feature);

test('features that the harts lack are not supported, those that nobody defined are denied', () => {
  const bed = new SbiBed();
  for (const feature of [1, 2, 3, 4, 5]) {
    expect([get(bed, feature), set(bed, feature, 1, 0)]).toEqual([SBI.notSupported, SBI.notSupported]);
  }
  for (const feature of [6, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff, 0x8000_0000, 0xbfff_ffff, 0xffff_ffff]) {
    expect([get(bed, feature), set(bed, feature, 1, 0)]).toEqual([SBI.denied, SBI.denied]);
  }
});

test('misaligned accesses are the guest’s, until it says otherwise', () => {
  const bed = new SbiBed();
  expect(bed.value(EID.fwft, 1, 0)).toBe(1n);
  expect(set(bed, 0, 0, 0)).toBe(SBI.success);
  expect(bed.value(EID.fwft, 1, 0)).toBe(0n);
  // The number of the feature is 32 bits wide.
  expect(set(bed, 1n << 32n, 1, 0)).toBe(SBI.success);
  expect(bed.value(EID.fwft, 1, 1n << 32n)).toBe(1n);
});

test.each([
  ['a value', 2, 0],
  ['a value above 32 bits', 1n << 32n, 0],
  ['a flag', 0, 2],
  ['a flag above 32 bits', 0, 1n << 32n],
])('%s that means nothing is refused, and changes nothing', (_, value, flags) => {
  const bed = new SbiBed();
  expect(set(bed, 0, value, flags)).toBe(SBI.invalidParameter);
  expect(bed.value(EID.fwft, 1, 0)).toBe(1n);
  expect(set(bed, 0, 0, 0)).toBe(SBI.success);
});

test('a locked feature stays as it is until its hart starts anew; other harts have their own', () => {
  const bed = new SbiBed();
  expect(set(bed, 0, 0, 1)).toBe(SBI.success);
  for (const [value, flags] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const) {
    expect(set(bed, 0, value, flags)).toBe(SBI.deniedLocked);
  }
  expect(bed.value(EID.fwft, 1, 0)).toBe(0n);
  bed.loadVcpu(1, 1);
  expect(bed.callOf(1, EID.fwft, 1, 0)).toMatchObject({ error: SBI.success, valueLow: 1 });
  bed.vcpu.applyStart();
  bed.vcpu.loadRegisters(bed.hart, 0);
  expect(bed.value(EID.fwft, 1, 0)).toBe(1n);
  expect(set(bed, 0, 0, 0)).toBe(SBI.success);
});

test('a guest that leaves misaligned accesses to others still gets those that nobody can carry out', () => {
  const program = (value: number): DomainBed =>
    new DomainBed({ step: 500 }).load(`
      la t0, handler; csrw stvec, t0
      li a7, 0x46574654; li a6, 0; li a0, 0; li a1, ${value}; li a2, 0; ecall
      li t1, ${RAM + 0x8001}; lw t2, 0(t1)
      li s0, 0; lr.w t2, (t1)
      li s0, 1; amoadd.w t2, t2, (t1)
      ${SHUTDOWN}
    .align 2
    handler: csrr t3, scause; addi a0, t3, 48; li a7, 0x4442434e; li a6, 2; ecall
      csrr t3, sepc; addi t3, t3, 4; csrw sepc, t3; sret`);
  const [own, others] = [program(1).run(), program(0).run()];
  expect(others.output).toBe(own.output);
  expect(own.output).toMatch(/^[4-7]{2}$/);
  const trapped = (bed: DomainBed) => bed.vcpu.firmware.counted(0) + bed.vcpu.firmware.counted(1);
  expect(trapped(own)).toBe(0n);
  expect(trapped(others)).toBe(
    BigInt([...own.output].filter((cause) => cause === '4' || cause === '6').length),
  );
});
