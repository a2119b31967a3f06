import { expect, test } from 'vitest';
import { haveQemu, runOnQemu } from '../../../test/machine/on-qemu.ts';
import { bareProgram, finish } from '../../../test/machine/programs.ts';
import { runMachine } from '../../../test/machine/run-machine.ts';
import { APLIC } from './facts.ts';
import { DOMAINCFG, MAP, MODE } from './registers.ts';

const LIMIT = 240_000;
/** The source of the serial port. */
const SERIAL = 10;
const MEIP = 1 << 11;
const SEIP = 1 << 9;

let checks = 0;
/** Ends with a failure of its own code unless the register has that value. */
function check(register: string, value: number): string {
  return `li t6, ${value}; li a7, ${++checks}; beq ${register}, t6, 9f; j fail; 9:\n`;
}

/** Ends with a failure unless a bit of mip comes to that level soon. */
function expectLine(bit: number, level: boolean): string {
  return `
    li t2, 1000000; li a7, ${++checks}
    1: csrr t0, mip; li t1, ${bit}; and t0, t0, t1; ${level ? 'bnez' : 'beqz'} t0, 2f
    addi t2, t2, -1; bnez t2, 1b; j fail
    2:
  `;
}

const put = (base: string, offset: number, value: number): string => `
  li t0, ${offset}; add t0, t0, ${base}; li t1, ${value}; sw t1, (t0)
`;
const get = (base: string, offset: number): string => `li t0, ${offset}; add t0, t0, ${base}; lwu t0, (t0)\n`;

const idc = (register: number): number => MAP.IDC + register;
/** The transmitter of the serial port is empty: its line is high while that interrupt is enabled. */
const serial = (on: boolean): string => `li t0, 0x10000001; li t1, ${on ? 2 : 0}; sb t1, (t0)\n`;

/** QEMU keeps a level pending beyond its end until somebody claims it. */
const silence = (base: string): string => `${serial(false)} ${get(base, idc(MAP.CLAIMI))}`;

/** Brings a domain into a known state: a reset leaves most of it open, and QEMU 7.2 does. */
const clear = (base: string): string => `
  ${put(base, MAP.DOMAINCFG, 0)}
  li t0, ${MAP.SOURCECFG + 4}; add t0, t0, ${base}; li t1, ${APLIC.sources}
1: sw zero, (t0); addi t0, t0, 4; addi t1, t1, -1; bnez t1, 1b
  ${[MAP.IDELIVERY, MAP.IFORCE, MAP.ITHRESHOLD].map((register) => put(base, idc(register), 0)).join('')}
`;

/** Has the serial port's source interrupt hart 0 by a domain. */
const listen = (base: string): string => `
  ${put(base, MAP.SOURCECFG + 4 * SERIAL, MODE.LEVEL1)}
  ${put(base, MAP.TARGET + 4 * SERIAL, 1)}
  ${put(base, MAP.SETIE + MAP.BY_NUMBER, SERIAL)}
  ${put(base, idc(MAP.ITHRESHOLD), 0)}
  ${put(base, idc(MAP.IDELIVERY), 1)}
  ${put(base, MAP.DOMAINCFG, DOMAINCFG.IE)}
`;

const program = `
  la t0, trap; csrw mtvec, t0
  li s0, 0xc000000; li s1, ${0xc00_0000 + APLIC.supervisorAt}
  ${clear('s0')} ${clear('s1')}
  ${get('s0', MAP.DOMAINCFG)} ${check('t0', 0x8000_0000)}
  ${get('s1', MAP.DOMAINCFG)} ${check('t0', 0x8000_0000)}

  ${listen('s0')}
  ${serial(true)} ${expectLine(MEIP, true)}
  ${get('s0', idc(MAP.TOPI))} ${check('t0', 0xa_0001)}
  ${get('s0', idc(MAP.CLAIMI))} ${check('t0', 0xa_0001)}
  # A level is there for as long as its wire is high.
  ${expectLine(MEIP, true)}
  ${get('s0', MAP.SETIP)} ${check('t0', 1 << SERIAL)}
  ${get('s0', MAP.CLRIP)} ${check('t0', 1 << SERIAL)}
  ${silence('s0')} ${expectLine(MEIP, false)}
  ${get('s0', idc(MAP.CLAIMI))} ${check('t0', 0)}

  # A threshold, and an interrupt that is forced.
  ${put('s0', idc(MAP.ITHRESHOLD), 1)} ${serial(true)} ${expectLine(MEIP, false)}
  ${put('s0', idc(MAP.IFORCE), 1)} ${expectLine(MEIP, true)}
  # QEMU 7.2 looks at the line again when the next register is written.
  ${get('s0', idc(MAP.CLAIMI))} ${check('t0', 0)} ${put('s0', idc(MAP.ITHRESHOLD), 1)} ${expectLine(MEIP, false)}
  ${put('s0', idc(MAP.ITHRESHOLD), 2)} ${expectLine(MEIP, true)}

  # The handler silences the port.
  li t0, ${MEIP}; csrs mie, t0; li s3, 0
  csrsi mstatus, 8
1: beqz s3, 1b
  csrci mstatus, 8
  ${check('s3', 0xa_0001)} ${expectLine(MEIP, false)}

  # The same source, delegated.
  ${put('s0', MAP.SOURCECFG + 4 * SERIAL, 0x400)}
  ${listen('s1')}
  ${serial(true)} ${expectLine(SEIP, true)} ${expectLine(MEIP, false)}
  ${get('s0', MAP.SETIP)} ${check('t0', 0)}
  ${get('s1', idc(MAP.CLAIMI))} ${check('t0', 0xa_0001)}
  ${silence('s1')} ${expectLine(SEIP, false)}

  # A source without a wire, by number.
  ${put('s1', MAP.SOURCECFG + 4 * 77, MODE.DETACHED)}
  ${put('s1', MAP.SETIE + MAP.BY_NUMBER, 77)}
  ${expectLine(SEIP, false)}
  ${put('s0', MAP.SOURCECFG + 4 * 77, 0x400)}
  ${put('s1', MAP.SOURCECFG + 4 * 77, MODE.DETACHED)}
  ${put('s1', MAP.TARGET + 4 * 77, 3)}
  ${put('s1', MAP.SETIE + MAP.BY_NUMBER, 77)}
  ${put('s1', MAP.SETIPNUM_LE, 77)} ${expectLine(SEIP, true)}
  ${get('s1', idc(MAP.CLAIMI))} ${check('t0', (77 << 16) | 3)} ${expectLine(SEIP, false)}
  ${finish(0x5555)}
  j .

fail:
  li t5, 0x100000; slli a7, a7, 16; li t6, 0x3333; or a7, a7, t6; sw a7, (t5)
  j .

.balign 4
trap:
  ${get('s0', idc(MAP.CLAIMI))} mv s3, t0
  ${silence('s0')}
  mret
`;

test.each(['jit', 'interp', 'lockstep'] as const)(
  'a program in M-mode uses both domains (%s)',
  async (engine) => {
    const config = { kind: 'bare', harts: 1, memoryBytes: 32 << 20, aia: 'aplic', engine } as const;
    const { end } = await runMachine({ ...config, program: bareProgram(program) }, LIMIT);
    expect(end).toEqual({ reason: 'poweroff' });
  },
  LIMIT,
);

test.runIf(haveQemu())(
  'it finds the same on QEMU',
  async () => {
    const { code } = await runOnQemu(bareProgram(program), ['-M', 'aia=aplic'], LIMIT);
    expect(code).toBe(0);
  },
  LIMIT,
);
