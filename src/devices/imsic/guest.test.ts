import { expect, test } from 'vitest';
import { haveQemu, runOnQemu } from '../../../test/machine/on-qemu.ts';
import { bareProgram, finish, guestProgram } from '../../../test/machine/programs.ts';
import { runMachine } from '../../../test/machine/run-machine.ts';
import { MAP as APLIC, DOMAINCFG, MODE } from '../aplic/registers.ts';
import { IMSIC } from './facts.ts';

const LIMIT = 240_000;
const FILES = 0x2400_0000 + IMSIC.supervisorAt;
/** The source of the serial port, and the identity of its messages. */
const SERIAL = 10;
const IDENTITY = 200;
const SEIP = 1 << 9;

let checks = 0;
/** Ends with a failure of its own code unless the register has that value. */
function check(register: string, value: number): string {
  return `li t6, ${value}; li a7, ${++checks}; beq ${register}, t6, 9f; j fail; 9:\n`;
}

/** Waits until an interrupt is on top of the file, claims it, and checks its identity. */
function expectMessage(identity: number): string {
  return `
    li t2, 1000000; li a7, ${++checks}
    1: csrrw t0, stopei, x0; bnez t0, 2f
    addi t2, t2, -1; bnez t2, 1b; j fail
    2: ${check('t0', (identity << 16) | identity)}
  `;
}

const select = (register: number): string => `li t0, ${register}; csrw siselect, t0\n`;
const set = (register: number, value: number): string =>
  `${select(register)} li t1, ${value}; csrw sireg, t1\n`;
const send = (identity: number): string => `li t0, ${FILES}; li t1, ${identity}; sw t1, (t0)\n`;
const put = (base: string, offset: number, value: number): string =>
  `li t0, ${offset}; add t0, t0, ${base}; li t1, ${value}; sw t1, (t0)\n`;
const serial = (on: boolean): string => `li t0, 0x10000001; li t1, ${on ? 2 : 0}; sb t1, (t0)\n`;
const nothingPending = (): string => `
  csrr t0, stopei; ${check('t0', 0)}
  csrr t0, sip; andi t0, t0, ${SEIP}; ${check('t0', 0)}
`;

/**
 * Firmware: delegates all to S-mode, and the APLIC's sources to the domain below, which it tells where the files are.
 */
const mMode = (xlen: 32 | 64 = 64): string => `
  li t0, -1; csrw pmpaddr0, t0; li t0, 0x1f; csrw pmpcfg0, t0
  li t0, -1; csrw mideleg, t0; csrw mcounteren, t0
  li t0, 1; slli t0, t0, ${xlen - 1}; csrs ${xlen === 32 ? 'menvcfgh' : 'menvcfg'}, t0
  li s1, 0xc000000
  ${put('s1', APLIC.MSIADDRCFG + 8, FILES / 4096)} ${put('s1', APLIC.MSIADDRCFG + 12, 0)}
  ${put('s1', APLIC.SOURCECFG + 4 * SERIAL, 0x400)}
  la t0, start; csrw mepc, t0
  li t0, 0x1800; csrc mstatus, t0; li t0, 0x800; csrs mstatus, t0
  mret
  start:
`;

/** Registers of a file that are there, from the one with this number on; with 32 bits twice as many. */
const arrayFrom = (first: number, xlen: 32 | 64): number[] =>
  Array.from({ length: 256 / xlen }, (_, index) => first + (index * xlen) / 32);

const sMode = (xlen: 32 | 64 = 64): string => `
  la t0, trap; csrw stvec, t0
  li s1, 0xd000000
  ${set(0x70, 0)} ${set(0x72, 0)}
  # What a reset leaves is open.
  ${[...arrayFrom(0x80, xlen), ...arrayFrom(0xc0, xlen)].map((register) => set(register, 0)).join('')}

  # Pending, enabled, delivered.
  ${send(5)} ${send(300)} ${send(0)}
  ${nothingPending()}
  ${select(0x80)} csrr t0, sireg; ${check('t0', 1 << 5)}
  ${set(0xc0, -1)} csrr t0, sireg; ${check('t0', -2)}
  csrr t0, stopei; ${check('t0', 0x5_0005)}
  csrr t0, sip; andi t0, t0, ${SEIP}; ${check('t0', 0)}
  ${set(0x70, 1)}
  csrr t0, sip; andi t0, t0, ${SEIP}; ${check('t0', SEIP)}

  ${xlen === 32 ? set(0xc1, -1) : ''}
  # A threshold, and the smaller identity first.
  ${set(0x72, 5)} ${nothingPending()}
  ${send(4)} ${send(63)} csrr t0, stopei; ${check('t0', 0x4_0004)}
  ${set(0x72, 0)}
  ${expectMessage(4)} ${expectMessage(5)} ${expectMessage(63)} ${nothingPending()}

  # An interrupt.
  li t0, ${SEIP}; csrw sie, t0; li s3, 0; csrsi sstatus, 2
  ${send(7)}
1: beqz s3, 1b
  csrci sstatus, 2
  ${check('s3', 0x7_0007)}

  # A wire, by the APLIC.
  ${set(0xc6, -1)}
  ${put('s1', APLIC.SOURCECFG + 4 * SERIAL, MODE.LEVEL1)}
  ${put('s1', APLIC.TARGET + 4 * SERIAL, IDENTITY)}
  ${put('s1', APLIC.SETIE + APLIC.BY_NUMBER, SERIAL)}
  ${put('s1', APLIC.DOMAINCFG, DOMAINCFG.IE | DOMAINCFG.DM)}
  li t0, ${APLIC.DOMAINCFG}; add t0, t0, s1; lw t0, (t0); ${check('t0', 0x8000_0104 | 0)}
  ${serial(true)} ${expectMessage(IDENTITY)} ${nothingPending()}
  # Once, but again for who asks while the wire is high.
  ${put('s1', APLIC.SETIPNUM_LE, SERIAL)} ${expectMessage(IDENTITY)}
  ${serial(false)} ${nothingPending()}
  ${put('s1', APLIC.GENMSI, 9)} ${expectMessage(9)} ${nothingPending()}
  ${finish(0x5555)}
  j .

fail:
  li t5, 0x100000; slli a7, a7, 16; li t6, 0x3333; or a7, a7, t6; sw a7, (t5)
  j .

.balign 4
trap:
  csrr t0, scause; srli t1, t0, ${xlen - 1}; ${check('t1', 1)}
  andi t0, t0, 0xff; ${check('t0', 9)}
  csrrw s3, stopei, x0
  sret
`;

const shape = { memoryBytes: 32 << 20, aia: 'aplic-imsic' } as const;

test.each(['jit', 'interp', 'lockstep'] as const)(
  'a program uses its interrupt file and the APLIC (%s)',
  async (engine) => {
    const bare = {
      ...shape,
      kind: 'bare',
      harts: 1,
      engine,
      program: bareProgram(mMode() + sMode()),
    } as const;
    expect((await runMachine(bare, LIMIT)).end).toEqual({ reason: 'poweroff' });
    const kernel = guestProgram(sMode());
    const vcpus = { kind: 'domain', vcpus: 1, pcpus: 1, protocol: 'take-mirror', bootArgs: '' } as const;
    expect((await runMachine({ ...shape, ...vcpus, engine, kernel }, LIMIT)).end).toEqual({
      reason: 'poweroff',
    });
  },
  LIMIT,
);

test.each(['jit', 'interp'] as const)(
  'with 32 bits a program finds the same, and odd registers of arrays (%s)',
  async (engine) => {
    const bare = { ...shape, kind: 'bare', xlen: 32, aiaGuests: 1, harts: 1, engine } as const;
    const program = bareProgram(mMode(32) + sMode(32), 32);
    expect((await runMachine({ ...bare, program }, LIMIT)).end).toEqual({ reason: 'poweroff' });
    const kernel = guestProgram(sMode(32), 32);
    const vcpus = {
      kind: 'domain',
      xlen: 32,
      vcpus: 1,
      pcpus: 1,
      protocol: 'take-mirror',
      bootArgs: '',
    } as const;
    expect((await runMachine({ ...shape, ...vcpus, engine, kernel }, LIMIT)).end).toEqual({
      reason: 'poweroff',
    });
  },
  LIMIT,
);

test.runIf(haveQemu())(
  'it finds the same on QEMU',
  async () => {
    const { code } = await runOnQemu(bareProgram(mMode() + sMode()), ['-M', 'aia=aplic-imsic'], LIMIT);
    expect(code).toBe(0);
  },
  LIMIT,
);

/** Each of two vCPUs sends to the other and waits for it, so often; on one thread they take turns. */
const pingPong = (rounds: number): string => `
  li a7, 0x48534d; li a6, 0; li a0, 1; la a1, second; li a2, 0; ecall
  li s0, 0; li s6, 0xc0; j begin
second:
  li s0, 1; li s6, 0x80
begin:
  xori t1, s0, 1; slli t1, t1, 12; li s5, ${FILES}; add s5, s5, t1
  ${set(0xc0, -1)} ${set(0x70, 1)}
  li t0, ${SEIP}; csrw sie, t0
  # The register that is selected stays the vCPU's own.
  csrw siselect, s6
  li s2, ${rounds}
  bnez s0, wait
send:
  addi t1, s0, 1; sw t1, (s5)
wait:
  csrrw t0, stopei, x0; bnez t0, got
  wfi; j wait
got:
  csrr t1, siselect; li a7, 1; bne t1, s6, fail
  srli t0, t0, 16; xori t1, s0, 1; addi t1, t1, 1; li a7, 2; bne t0, t1, fail
  bnez s0, send
  addi s2, s2, -1; bnez s2, send
  ${finish(0x5555)}
  j .
fail:
  li t5, 0x100000; slli a7, a7, 16; li t6, 0x3333; or a7, a7, t6; sw a7, (t5)
  j .
`;

test.each([1, 2])(
  'two vCPUs on %i threads send to each other without a call',
  async (pcpus) => {
    const kernel = guestProgram(pingPong(2000));
    const vcpus = { kind: 'domain', vcpus: 2, pcpus, protocol: 'take-mirror', bootArgs: '' } as const;
    const { end, stats } = await runMachine({ ...shape, ...vcpus, kernel }, LIMIT);
    expect(end).toEqual({ reason: 'poweroff' });
    expect(stats.map(({ exitSbi }) => exitSbi).reduce((sum, count) => sum + count)).toBeLessThan(5);
  },
  LIMIT,
);
