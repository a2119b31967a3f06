/** Guests of harts with the AIA: small programs on a whole domain. */
import { describe, expect, test } from 'vitest';
import { DomainBed, SHUTDOWN } from '../../test/hypervisor/domain-bed.ts';

const PUT = (letter: string) => `li a7, 0x4442434e; li a6, 2; li a0, ${letter.charCodeAt(0)}; ecall\n`;
/** Prints a0 as a letter from A on. */
const PUT_A0 = 'addi a0, a0, 65; li a7, 0x4442434e; li a6, 2; ecall\n';
const START_SECOND = 'li a7, 0x48534d; li a6, 0; li a0, 1; la a1, second; li a2, 0; ecall\n';
const WRITE = (register: number, value: string) =>
  `li t0, ${register}; csrw siselect, t0; li t0, ${value}; csrw sireg, t0\n`;
const EXPECT = (value: string) => `li t1, ${value}; bne t0, t1, bad\n`;
const BAD = `bad: ${PUT('!')} ${SHUTDOWN}`;

function bedOf(program: string, vcpus = 1): DomainBed {
  return new DomainBed({ vcpus, aia: true }).load(program + BAD);
}

describe('an interrupt file', () => {
  const HANDLER = `
    csrr t0, stopi; srli t0, t0, 16; ${EXPECT('9')}
    csrrw a0, stopei, x0; srli a0, a0, 16; ${PUT_A0}
    csrr t0, stopei; bnez t0, more; ${SHUTDOWN}
    more: sret\n`;

  test('gives a guest its messages, in order, without an exit', () => {
    const bed = bedOf(`
      la t0, handler; csrw stvec, t0
      ${WRITE(0x70, '1')} ${WRITE(0xc0, '0x26')}
      li t0, 512; csrw sie, t0; csrsi sstatus, 2
      wait: wfi; j wait
      .align 2
      handler: ${HANDLER}`);
    for (const identity of [5, 3, 1, 2]) bed.files[0]?.receive(identity);
    expect(bed.run().output).toBe('BCF');
    expect(bed.vcpu.stat('exitVirtual')).toBe(0);
  });

  test('interrupts a guest that is at work without an exit', () => {
    // A stay in the guest takes 10000 rounds of this loop at most, of which 512 go by between two polls.
    const bed = new DomainBed({ aia: true, step: 1 }).load(`
      la t0, handler; csrw stvec, t0
      ${WRITE(0x70, '1')} ${WRITE(0xc0, '4')}
      li t0, 512; csrw sie, t0; csrsi sstatus, 2
      li s0, 5
      work: rdtime t0; bnez s0, work
      ${PUT('y')} ${SHUTDOWN}
      .align 2
      handler: csrr t0, stopi; srli t0, t0, 16; ${EXPECT('9')}
      csrrw t0, stopei, x0; ${EXPECT('0x20002')}
      csrr t0, stopi; ${EXPECT('0')}
      addi s0, s0, -1; sret
      ${BAD}`);
    let looks = 0;
    const exits: number[] = [];
    bed.onLook = () => {
      looks++;
      if (looks % 1500 !== 0 || bed.files[0]?.receive(2) !== true) return;
      bed.vcpu.nudge();
      exits.push(bed.vcpu.stat('exits'));
    };
    expect(bed.run().output).toBe('y');
    expect(bed.vcpu.stat('deliveredExternal')).toBe(5);
    expect(Math.max(...exits) - Math.min(...exits)).toBe(0);
  });

  test('interrupts a guest that watches its memory without an exit', () => {
    const bed = new DomainBed({ aia: true, step: 1 }).load(`
      la t0, handler; csrw stvec, t0
      ${WRITE(0x70, '1')} ${WRITE(0xc0, '4')}
      li t0, 512; csrw sie, t0
      la s1, word
      csrsi sstatus, 2
      wait: lr.w t0, (s1); wrs.nto; j wait
      .align 2
      handler: csrrw t0, stopei, x0; ${EXPECT('0x20002')}
      ${PUT('y')} ${SHUTDOWN}
      .align 3
      word: .dword 0
      ${BAD}`);
    let looks = 0;
    bed.onLook = () => {
      looks++;
      // The first look finds nothing, as one does whose message has been claimed before.
      if (looks === 100 || (looks === 150 && bed.files[0]?.receive(2) === true)) bed.vcpu.nudge();
    };
    expect(bed.run().output).toBe('y');
    expect(bed.vcpu.stat('exitVirtual')).toBe(0);
  });

  test('is what a sleeping vCPU wakes up for', () => {
    const bed = bedOf(`
      ${WRITE(0x70, '1')} ${WRITE(0xc0, '4')}
      li t0, 512; csrw sie, t0
      li a7, 0x54494d45; li a6, 0; rdtime a0; li t0, 20000; add a0, a0, t0; ecall
      wfi
      csrr t0, stopei; ${EXPECT('0x20002')} ${PUT('y')} ${SHUTDOWN}`);
    let sent = false;
    bed.onLook = () => {
      if (!sent && bed.vcpu.stat('sleeps') === 1) {
        sent = true;
        if (bed.files[0]?.receive(2) === true) bed.vcpu.kick();
      }
    };
    bed.start();
    bed.pcpus[0]?.run();
    expect([bed.output, sent]).toEqual(['y', true]);
  });
});

describe('state of the AIA', () => {
  test('belongs to a vCPU, not to the hart that it is on', () => {
    const bed = bedOf(
      `
      ${WRITE(0x70, '1')} li t0, 32; csrw sie, t0
      ${START_SECOND}
      li t2, 20
      again: csrr t0, siselect; ${EXPECT('0x70')}
      csrr t0, sireg; ${EXPECT('1')}
      csrr t0, sie; ${EXPECT('32')}
      rdtime a0; li t0, 3000; add a0, a0, t0; li a7, 0x54494d45; li a6, 0; ecall
      wfi
      addi t2, t2, -1; bnez t2, again
      ${PUT('y')} ${SHUTDOWN}
      second: ${WRITE(0xc0, '0x40')} li t0, 0x2000; csrw sie, t0
      loop: csrr t0, siselect; ${EXPECT('0xc0')} csrr t0, sie; ${EXPECT('0x2000')} j loop\n`,
      2,
    );
    expect(bed.run().output).toBe('y');
    expect(bed.vcpus[1]?.stat('exitYield')).toBeGreaterThan(10);
  });

  test('a guest raises and clears LCOFI, across exits, and it ends WFI', () => {
    const call = 'li a7, 0x10; li a6, 0; ecall\n';
    const bed = bedOf(`
      li t3, 0x2000; csrw sip, t3; ${call}
      csrr t0, sip; ${EXPECT('0x2000')}
      csrw sie, t3; wfi
      csrr t0, stopi; srli t0, t0, 16; ${EXPECT('13')}
      la t0, handler; csrw stvec, t0; csrsi sstatus, 2
      j bad
      .align 2
      handler: csrr t0, scause; slli t0, t0, 1; srli t0, t0, 1; ${EXPECT('13')}
      csrc sip, t3; ${call}
      csrr t0, sip; ${EXPECT('0')} ${PUT('y')} ${SHUTDOWN}`);
    expect(bed.run().output).toBe('y');
  });

  test('a counter that overflows raises LCOFI, once for each start', () => {
    const pmu = (id: number, args: string) => `li a7, 0x504d55; li a6, ${id}; ${args}; ecall; bnez a0, bad\n`;
    const START = pmu(3, 'li a0, 0; li a1, 5; li a2, 1; li a3, -20000; li a4, 0');
    const STOP = pmu(4, 'li a0, 0; li a1, 4; li a2, 0');
    const spin = (turns: number) => `li t4, ${turns}; 1: addi t4, t4, -1; bnez t4, 1b\n`;
    const bed = bedOf(`
      ${pmu(2, 'li a0, 0; li a1, 1; li a2, 0; li a3, 1; li a4, 0')}
      ${pmu(2, 'li a0, 0; li a1, 4; li a2, 0; li a3, 2; li a4, 0')}
      li t3, 0x2000; csrw sie, t3; la t0, handler; csrw stvec, t0
      li s2, 0; li s3, 2; csrsi sstatus, 2
      again: ${START} rdinstret s4
      wait: beqz s2, wait
      # Not before it was due, and only a little later.
      rdinstret t0; blez t0, bad; li t1, 4000; bgt t0, t1, bad
      csrr t0, 0xda0; ${EXPECT('5')}
      li s2, 0
      # It has overflown, and tells nothing more.
      ${spin(20000)}
      bnez s2, bad
      csrr t0, sip; ${EXPECT('0')}
      ${pmu(4, 'li a0, 0; li a1, 5; li a2, 0')}
      addi s3, s3, -1; bnez s3, again
      # Started, and stopped in time.
      ${pmu(3, 'li a0, 0; li a1, 4; li a2, 1; li a3, -20000; li a4, 0')}
      csrr t0, 0xda0; ${EXPECT('1')}
      ${STOP} ${spin(20000)}
      bnez s2, bad
      ${PUT('y')} ${SHUTDOWN}
      .align 2
      handler: csrr t5, scause; slli t5, t5, 1; srli t5, t5, 1; li t6, 13; bne t5, t6, bad
      csrc sip, t3; addi s2, s2, 1; sret\n`);
    expect(bed.run().output).toBe('y');
  });

  test('priorities of a guest are read-only zeros', () => {
    const bed = bedOf(`
      la t0, bad; csrw stvec, t0
      ${WRITE(0x30, '-1')} csrr t0, sireg; ${EXPECT('0')}
      li t0, 0x3e; csrw siselect, t0; li t0, 7; csrrs t0, sireg, t0; ${EXPECT('0')}
      la t0, odd; csrw stvec, t0
      li t0, 0x31; csrw siselect, t0; csrr t0, sireg; j bad
      .align 2
      odd: csrr t0, scause; ${EXPECT('2')} ${PUT('y')} ${SHUTDOWN}`);
    expect(bed.run().output).toBe('y');
    expect(bed.vcpu.stat('exitVirtual')).toBe(4);
  });
});

describe.each([32, 64] as const)('interrupts above 31 on RV%i', (xlen) => {
  const UPPER = xlen === 32 ? { ip: 'siph', ie: 'sieh', at: 32 } : { ip: 'sip', ie: 'sie', at: 0 };
  const bit = (irq: number) => `li t3, 1; slli t3, t3, ${irq - UPPER.at}\n`;
  const PENDING = (irq: number) => `csrr t0, ${UPPER.ip}; ${bit(irq)} bne t0, t3, bad\n`;
  const CALL = 'li a7, 0x10; li a6, 0; ecall\n';
  const LATER = 'rdtime a0; li t0, 3000; add a0, a0, t0; li a7, 0x54494d45; li a6, 0; li a1, 0; ecall\n';
  const bed = (program: string, vcpus = 1) => new DomainBed({ vcpus, xlen, aia: true }).load(program + BAD);

  test.each([35, 43])('a guest raises and clears number %i, across exits, and it ends WFI', (irq) => {
    const run = bed(`
      ${bit(irq)} csrw ${UPPER.ip}, t3; ${CALL} ${PENDING(irq)}
      csrw ${UPPER.ie}, t3; wfi
      csrr t0, stopi; srli t0, t0, 16; ${EXPECT(`${irq}`)}
      la t0, handler; csrw stvec, t0; csrsi sstatus, 2
      j bad
      .align 2
      handler: csrr t0, scause; slli t0, t0, 1; srli t0, t0, 1; ${EXPECT(`${irq}`)}
      ${bit(irq)} csrc ${UPPER.ip}, t3; ${CALL}
      csrr t0, ${UPPER.ip}; ${EXPECT('0')} ${PUT('y')} ${SHUTDOWN}`).run();
    expect(run.output).toBe('y');
  });

  test('has no others', () => {
    const all = `li t3, -1; csrw ${UPPER.ip}, t3; csrr t0, ${UPPER.ip}\n`;
    // On RV64 the lower half has SSIP and LCOFIP.
    const given =
      xlen === 32 ? 'li t1, 0x808\n' : 'li t1, 0x101; slli t1, t1, 35; li t2, 0x2002; or t1, t1, t2\n';
    expect(bed(`${all} ${given} bne t0, t1, bad\n ${PUT('y')} ${SHUTDOWN}`).run().output).toBe('y');
  });

  test('stay with their vCPU where two take turns on a hart', () => {
    const run = bed(
      `
      ${bit(35)} csrw ${UPPER.ip}, t3; csrw ${UPPER.ie}, t3
      ${START_SECOND}
      li t2, 20
      again: ${PENDING(35)} csrr t0, ${UPPER.ie}; bne t0, t3, bad
      ${LATER}
      addi t2, t2, -1; bnez t2, again
      ${PUT('y')} ${SHUTDOWN}
      second: ${bit(43)} csrw ${UPPER.ip}, t3
      loop: csrr t0, ${UPPER.ip}; bne t0, t3, bad
      csrr t0, ${UPPER.ie}; bnez t0, bad
      j loop\n`,
      2,
    ).run();
    expect(run.output).toBe('y');
  });

  test.each([35, 43])('set from another thread, number %i wakes a vCPU that sleeps', (irq) => {
    const asleep = bed(`
      ${bit(irq)} csrw ${UPPER.ie}, t3
      wfi
      ${PENDING(irq)} ${PUT('y')} ${SHUTDOWN}`);
    let sent = false;
    asleep.onLook = () => {
      if (sent || asleep.vcpu.stat('sleeps') !== 1) return;
      sent = true;
      asleep.vcpuOf(0, () => false).interrupts.setInterrupt(irq);
    };
    asleep.start();
    asleep.pcpus[0]?.run();
    expect([asleep.output, sent]).toEqual(['y', true]);
  });
});
