import { assemble, type Xlen } from '../../src/isa/index.ts';
import type { Dialect } from './dialects.ts';
import { LAYOUT, type Roles, TRAP_BYTES, TRAP_FIELDS } from './layout.ts';

/** The mode in which the body of a program runs. */
export type Mode = 'M' | 'S' | 'U' | 'VS' | 'VU';

/** Machine state under which the body runs. */
export interface Setting {
  readonly dialect: Dialect;
  readonly xlen: Xlen;
  readonly mode: Mode;
  /** Sv39 or Sv32 is on, the VS-stage in a guest; never in M-mode. */
  readonly paged: boolean;
  /** Exceptions handed to S-mode, as medeleg bits. */
  readonly delegated: number;
  readonly sum: boolean;
  readonly mxr: boolean;
  /** Pointer masking in the mode of the body: 0, 2 or 3. */
  readonly pmm: number;
}

export const CSRS: ReadonlyMap<string, number> = new Map([
  ['fflags', 0x001],
  ['frm', 0x002],
  ['fcsr', 0x003],
  ['sstatus', 0x100],
  ['stvec', 0x105],
  ['scounteren', 0x106],
  ['senvcfg', 0x10a],
  ['sscratch', 0x140],
  ['sepc', 0x141],
  ['scause', 0x142],
  ['stval', 0x143],
  ['satp', 0x180],
  ['vsstatus', 0x200],
  ['vsatp', 0x280],
  ['hstatus', 0x600],
  ['hedeleg', 0x602],
  ['hideleg', 0x603],
  ['htval', 0x643],
  ['henvcfg', 0x60a],
  ['hgatp', 0x680],
  ['mstatus', 0x300],
  ['mstatush', 0x310],
  ['misa', 0x301],
  ['medeleg', 0x302],
  ['mideleg', 0x303],
  ['mie', 0x304],
  ['mtvec', 0x305],
  ['mcounteren', 0x306],
  ['menvcfg', 0x30a],
  ['mscratch', 0x340],
  ['mepc', 0x341],
  ['mcause', 0x342],
  ['mtval', 0x343],
  ['mtval2', 0x34b],
  ['pmpcfg0', 0x3a0],
  ['pmpaddr0', 0x3b0],
  ['mvendorid', 0xf11],
  ['mhartid', 0xf14],
]);

const MODE_BITS = { M: 3, S: 1, U: 0, VS: 1, VU: 0 } as const;
const STATUS = { floatsDirty: 3 << 13, sum: 1 << 18, mxr: 1 << 19, mppShift: 11, mpvHigh: 1 << 7 } as const;

/** A value of satp, vsatp or hgatp: mode 8 is Sv39, or Sv39x4, on RV32 mode 1 Sv32, or Sv32x4. */
const addressSpace = (root: number, xlen: Xlen): bigint =>
  (xlen === 64 ? 8n << 60n : 1n << 31n) | BigInt(root >>> 12);

export function isVirtual(mode: Mode): boolean {
  return mode === 'VS' || mode === 'VU';
}

export function isUser(mode: Mode): boolean {
  return mode === 'U' || mode === 'VU';
}

/** x1 to x31 without those in `roles`. */
export function freeRegisters(roles: Roles): number[] {
  const taken = new Set<number>(Object.values(roles));
  return Array.from({ length: 31 }, (_, index) => index + 1).filter((register) => !taken.has(register));
}

/** The code around the body: setting up, the trap handlers, and storing the registers at the end. */
export function assembleFrame(roles: Roles, setting: Setting): Uint8Array<ArrayBuffer> {
  const { xlen } = setting;
  const parts = [
    start(roles, setting),
    handler('m', roles, xlen),
    handler('s', roles, xlen),
    end(roles, xlen),
  ];
  const { bytes } = assemble(parts.join('\n'), { xlen, origin: BigInt(LAYOUT.frame), csrs: CSRS });
  if (bytes.length > LAYOUT.frameBytes) throw new Error('the frame of a program is too long');
  return bytes;
}

/** The registers that choose how pointers are masked, each for other modes; nothing where no program is masked. */
function masking({ mode, pmm }: Setting): [name: string, pmm: number][] {
  if (pmm === 0) return [];
  const own = isUser(mode) ? 'senvcfg' : isVirtual(mode) ? 'henvcfg' : 'menvcfg';
  return [[own, pmm]];
}

function start(roles: Roles, setting: Setting): string {
  const t = `x${roles.temporary}`;
  const supervisor = STATUS.floatsDirty | (setting.sum ? STATUS.sum : 0) | (setting.mxr ? STATUS.mxr : 0);
  const virtual = isVirtual(setting.mode);
  const { xlen } = setting;
  const statusHigh = virtual ? STATUS.mpvHigh : 0;
  const statusLow = supervisor | (MODE_BITS[setting.mode] << STATUS.mppShift);
  const tables = setting.paged ? addressSpace(LAYOUT.tables, xlen) : 0n;
  const csr = (name: string, value: string | number | bigint): string =>
    `li ${t}, ${value}\ncsrw ${name}, ${t}`;
  return [
    `csrr ${t}, mhartid`,
    `bnez ${t}, park_here`,
    `la ${t}, m_handler`,
    `csrw mtvec, ${t}`,
    `la ${t}, s_handler`,
    `csrw stvec, ${t}`,
    ...['mscratch', 'sscratch', 'mcounteren', 'scounteren', 'mepc', 'sepc'].map((name) => csr(name, 0)),
    ...['mcause', 'scause', 'mtval', 'stval', 'mideleg', 'mie'].map((name) => csr(name, 0)),
    csr('medeleg', setting.delegated),
    csr('pmpaddr0', -1),
    csr('pmpcfg0', 0x1f),
    csr('satp', virtual ? 0 : tables),
    csr('vsatp', virtual ? tables : 0),
    csr('hgatp', virtual ? addressSpace(LAYOUT.guestTables, xlen) : 0),
    csr('vsstatus', supervisor),
    ...masking(setting).flatMap(([name, pmm]) => [`li ${t}, ${BigInt(pmm) << 32n}`, `csrs ${name}, ${t}`]),
    ...['hedeleg', 'hideleg', 'hstatus', 'htval', 'mtval2'].map((name) => csr(name, 0)),
    'sfence.vma x0, x0',
    'hfence.gvma x0, x0',
    'hfence.vvma x0, x0',
    ...(xlen === 64
      ? [csr('mstatus', (BigInt(statusHigh) << 32n) | BigInt(statusLow))]
      : [csr('mstatus', statusLow), csr('mstatush', statusHigh)]),
    csr('fcsr', 0),
    ...registers(roles, xlen),
    csr('mepc', LAYOUT.body),
    'mret',
    'park_here: wfi',
    'j park_here',
  ].join('\n');
}

/** Values of all registers at the start. */
function registers(roles: Roles, xlen: Xlen): string[] {
  const { pool } = roles;
  return [
    `li x${pool}, ${LAYOUT.poolMiddle}`,
    ...Array.from({ length: 32 }, (_, index) => `fld f${index}, ${index * 8}(x${pool})`),
    ...freeRegisters(roles).map((index) => `${xlen === 64 ? 'ld' : 'lw'} x${index}, ${-index * 8}(x${pool})`),
    `li x${roles.data}, ${LAYOUT.dataMiddle}`,
    `li x${roles.log}, ${LAYOUT.log + 2048}`,
    `li x${roles.traps}, ${LAYOUT.traps}`,
    `li x${roles.link}, 0`,
    `li x${roles.counter}, 0`,
  ];
}

type TrapField = (typeof TRAP_FIELDS)[number];
/** This exception's xtval is taken to be 0, as it is on QEMU 7.2; QEMU 10 gives the address. */
const BREAKPOINT = 3;
/** Where a handler finds GVA; that of M-mode is in mstatush on RV32, which is not noted. */
const GUEST_ADDRESS_BITS: Readonly<Record<'m' | 's', Partial<Record<TrapField, number>>>> = {
  m: { status: 38, hstatus: 6 },
  s: { hstatus: 6 },
};

/** Notes the trap and goes on behind the instruction; after a fault of fetch, where the link register says. */
function handler(level: 'm' | 's', roles: Roles, xlen: Xlen): string {
  const t = `x${roles.temporary}`;
  const traps = `x${roles.traps}`;
  const label = (name: string): string => `${level}_${name}`;
  const csrOf = (name: string): string =>
    name === 'hstatus' ? name : name === 'tval2' && level === 's' ? 'htval' : level + name;
  const noted = TRAP_FIELDS.flatMap((name, index) => {
    const guestAddress = GUEST_ADDRESS_BITS[level][name];
    return [
      `csrr ${t}, ${csrOf(name)}`,
      // QEMU 7.2 has its own idea of which traps set GVA.
      ...(guestAddress === undefined || guestAddress >= xlen ? [] : [`bclri ${t}, ${t}, ${guestAddress}`]),
      `${storeOf(xlen)} ${t}, ${index * 8}(${traps})`,
    ];
  });
  return `
    .balign 4
    ${label('handler')}:
    bltz x${roles.counter}, ${label('last')}
    csrr ${t}, ${level}cause
    addi ${t}, ${t}, ${-BREAKPOINT}
    bnez ${t}, ${label('note')}
    csrw ${level}tval, x0
    ${label('note')}:
    ${noted.join('\n')}
    addi ${traps}, ${traps}, ${TRAP_BYTES}
    csrr ${t}, ${level}cause
    beqz ${t}, ${label('fetch')}
    addi ${t}, ${t}, -1
    beqz ${t}, ${label('fetch')}
    addi ${t}, ${t}, -11
    beqz ${t}, ${label('fetch')}
    addi ${t}, ${t}, -8
    beqz ${t}, ${label('fetch')}
    csrr ${t}, ${level}epc
    lhu ${t}, 0(${t})
    andi ${t}, ${t}, 3
    addi ${t}, ${t}, -3
    beqz ${t}, ${label('long')}
    csrr ${t}, ${level}epc
    addi ${t}, ${t}, 2
    csrw ${level}epc, ${t}
    ${level}ret
    ${label('long')}:
    csrr ${t}, ${level}epc
    addi ${t}, ${t}, 4
    csrw ${level}epc, ${t}
    ${level}ret
    ${label('fetch')}:
    csrw ${level}epc, x${roles.link}
    ${level}ret
    ${label('last')}:
    ${level === 's' ? 'ecall' : 'j end'}`;
}

const STORED_CSRS = ['fcsr', 'mscratch', 'sscratch', 'sepc', 'scause', 'stval'] as const;

/** Names of the 64-bit words at {@link LAYOUT.state}. */
export const STATE_NAMES: readonly string[] = [
  ...Array.from({ length: 32 }, (_, index) => `x${index}`),
  ...Array.from({ length: 32 }, (_, index) => `f${index}`),
  ...STORED_CSRS,
];

/** The store of a whole integer register. */
function storeOf(xlen: Xlen): 'sd' | 'sw' {
  return xlen === 64 ? 'sd' : 'sw';
}

function end(roles: Roles, xlen: Xlen): string {
  const t = `x${roles.temporary}`;
  const log = `x${roles.log}`;
  const sx = storeOf(xlen);
  const integers = Array.from({ length: 32 }, (_, index) => `${sx} x${index}, ${index * 8}(${t})`);
  const floats = Array.from({ length: 32 }, (_, index) => `fsd f${index}, ${256 + index * 8}(${t})`);
  const csrs = STORED_CSRS.map(
    (name, index) => `csrr ${log}, ${name}\n${sx} ${log}, ${512 + index * 8}(${t})`,
  );
  return `
    end:
    li ${t}, ${STATUS.floatsDirty}
    csrs mstatus, ${t}
    li ${t}, ${LAYOUT.state}
    ${[...integers, ...floats, ...csrs].join('\n')}
    li ${t}, ${LAYOUT.finisher}
    li ${log}, 0x5555
    sw ${log}, 0(${t})
    stop: j stop`;
}
