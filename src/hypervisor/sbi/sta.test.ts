import { beforeEach, describe, expect, test } from 'vitest';
import { DomainBed, RAM, SHUTDOWN } from '../../../test/hypervisor/domain-bed.ts';
import { ALL, EID, SbiBed } from '../../../test/hypervisor/sbi-bed.ts';
import { beginSteal, endSteal } from '../steal-time.ts';
import { SBI } from './index.ts';

const AREA = RAM + 0x4000;
const NS_PER_TICK = 100n;

let bed: SbiBed;
beforeEach(() => {
  bed = new SbiBed();
  bed.bytes.fill(0xee, bed.hostOf(AREA), bed.hostOf(AREA + 128));
});

const set = (...args: (number | bigint)[]): number => bed.error(EID.sta, 0, ...args);
const word = (at: number): number => new DataView(bed.memory.buffer).getUint32(bed.hostOf(AREA + at), true);
const steal = (): bigint => bed.read64(AREA + 8);

describe('STA', () => {
  test('clears 64 bytes, and no more', () => {
    expect(set(AREA, 0, 0)).toBe(SBI.success);
    expect(word(0) % 2).toBe(0);
    for (let at = 4; at < 64; at += 4) expect(word(at)).toBe(0);
    expect(word(64)).toBe(0xeeee_eeee);
  });

  test.each([
    ['flags', [AREA, 0, 1], SBI.invalidParameter],
    ['flags above 32 bits', [AREA, 0, 1n << 32n], SBI.invalidParameter],
    ['flags with no memory', [ALL, ALL, 1], SBI.invalidParameter],
    ['an address that is not aligned to 64', [AREA + 32, 0, 0], SBI.invalidParameter],
    ['all ones in the lower half alone', [ALL, 0, 0], SBI.invalidParameter],
    ['memory below RAM', [0x1000, 0, 0], SBI.invalidAddress],
    ['memory behind RAM', [RAM + (1 << 20), 0, 0], SBI.invalidAddress],
    ['an address above 32 bits', [(1n << 32n) | BigInt(AREA), 0, 0], SBI.invalidAddress],
    ['an address above 64 bits', [AREA, 1, 0], SBI.invalidAddress],
  ] as const)('refuses %s', (_, args, expected) => {
    expect(set(...args)).toBe(expected);
    expect(word(0)).toBe(0xeeee_eeee);
  });

  test('the last 64 bytes of RAM will do', () => {
    expect(set(RAM + (1 << 20) - 64, 0, 0)).toBe(SBI.success);
  });

  test('adds up the time between ready and running, with an even sequence', () => {
    const { firmware } = bed.vcpu;
    set(AREA, 0, 0);
    const first = word(0);
    beginSteal(firmware, bed.ram, 5000);
    expect([word(0) % 2, steal(), word(16)]).toEqual([0, 0n, 1]);
    endSteal(firmware, bed.ram, 5070);
    expect([word(0) % 2, steal(), word(16)]).toEqual([0, 70n * NS_PER_TICK, 0]);
    expect(word(0)).not.toBe(first);
    beginSteal(firmware, bed.ram, 6000);
    endSteal(firmware, bed.ram, 6000 + 50_000_000);
    expect(steal()).toBe(50_000_070n * NS_PER_TICK);
  });

  test('survives a guest that writes there, and is told to stop', () => {
    const { firmware } = bed.vcpu;
    set(AREA, 0, 0);
    bed.bytes.fill(0xff, bed.hostOf(AREA), bed.hostOf(AREA + 64));
    beginSteal(firmware, bed.ram, 100);
    endSteal(firmware, bed.ram, 101);
    expect([word(0) % 2, steal(), word(16)]).toEqual([0, NS_PER_TICK, 0]);
    expect(set(ALL, ALL, 0)).toBe(SBI.success);
    const before = [...bed.bytes.slice(bed.hostOf(AREA), bed.hostOf(AREA + 64))];
    beginSteal(firmware, bed.ram, 200);
    endSteal(firmware, bed.ram, 300);
    expect([...bed.bytes.slice(bed.hostOf(AREA), bed.hostOf(AREA + 64))]).toEqual(before);
  });

  test('begins anew when it is asked for again, and ends when its hart starts anew', () => {
    const { firmware } = bed.vcpu;
    set(AREA, 0, 0);
    beginSteal(firmware, bed.ram, 100);
    endSteal(firmware, bed.ram, 200);
    set(AREA, 0, 0);
    expect(steal()).toBe(0n);
    bed.vcpu.applyStart();
    expect(firmware.stealArea).toBeUndefined();
  });
});

describe('the figures of a domain', () => {
  /** Each vCPU asks for its figure, counts down, and reports; the first one waits for the other and ends the domain. */
  const guest = (work: number): string => `
      mv s2, a0; bnez a0, work
      li a7, 0x48534d; li a6, 0; li a0, 1; la a1, work; li a2, 0; ecall; li a0, 0; mv s2, a0
    work: mv s2, a0
      slli s1, a0, 6; li t0, ${AREA}; add s1, s1, t0
      li a7, 0x535441; li a6, 0; mv a0, s1; li a1, 0; li a2, 0; ecall
      li s0, ${work}
    count: addi s0, s0, -1; bnez s0, count
      sd s2, 32(s1); ld t1, 8(s1); sd t1, 40(s1); li t2, 1; sd t2, 48(s1)
      bnez s2, rest
      li s3, ${AREA + 64}
    wait: ld t2, 48(s3); beqz t2, wait
      ${SHUTDOWN}
    rest: wfi; j rest`;

  test('two vCPUs that share a pCPU steal half of each other’s time', () => {
    const domain = new DomainBed({ vcpus: 2, step: 2000 }).load(guest(120_000)).run();
    expect(domain.ended).toBe('shutdown');
    for (const vcpu of domain.vcpus) {
      const stolen = Number(domain.read64(AREA + 64 * vcpu.index + 40)) / 100;
      const total = domain.now;
      expect(stolen, `vCPU ${vcpu.index}`).toBeGreaterThan(total / 8);
      expect(stolen, `vCPU ${vcpu.index}`).toBeLessThan(total);
    }
  });

  test('one alone loses nothing, and sleep is not stolen time', () => {
    const domain = new DomainBed({ step: 500 }).load(`
      li a7, 0x535441; li a6, 0; li a0, ${AREA}; li a1, 0; li a2, 0; ecall
      li t0, 32; csrw sie, t0
      rdtime t0; li t1, 900000; add t0, t0, t1; csrw stimecmp, t0; wfi
      li s0, 20000
    count: addi s0, s0, -1; bnez s0, count
      ${SHUTDOWN}`);
    domain.run();
    expect(domain.vcpu.stat('sleeps')).toBe(1);
    expect(Number(domain.read64(AREA + 8)) / 100).toBeLessThan(10_000);
  });
});
