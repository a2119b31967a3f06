/** CSRs of M-mode, except counters, environment configuration and PMP. */
import { CSR } from '../layout.ts';
import type { Context } from './context.ts';
import { type CsrDefinition, constant, ignoreWrite, legalized, type Mask, stored } from './csr-definition.ts';
import {
  hasSupervisorTimer,
  machineEnabled,
  machinePending,
  overflowInterrupt,
  storedPending,
} from './pending.ts';
import { GUEST_INTERRUPTS, INTERRUPT, MIE, SUPERVISOR_INTERRUPTS } from './registers.ts';
import { readMstatus, writeMstatus } from './status.ts';

/** Exceptions that can be delegated: all but ecall from M-mode (11), the reserved and the double trap (16). */
const DELEGABLE_EXCEPTIONS: Mask = [0x00fc_b7ff, 0];
const GUEST_EXCEPTIONS = 0x00f0_0400;

/** Interrupts of VS level, always delegated to HS; 12 exists if there are guest external interrupts. */
export function hypervisorInterrupts(context: Context): number {
  const { hypervisor, geilen } = context.features;
  if (!hypervisor) return 0;
  return geilen > 0 ? GUEST_INTERRUPTS | INTERRUPT.sgei : GUEST_INTERRUPTS;
}

function low(context: Context, value: number): void {
  context.low = value;
  context.high = 0;
}

function writeMedeleg({ state, features }: Context, value: number): void {
  const bits = features.hypervisor ? DELEGABLE_EXCEPTIONS[0] : DELEGABLE_EXCEPTIONS[0] & ~GUEST_EXCEPTIONS;
  state.csr[CSR.medeleg] = value & bits;
}

/** Interrupts of supervisor level: of LCOFI the counters decide. */
function delegable(context: Context): number {
  return SUPERVISOR_INTERRUPTS | overflowInterrupt(context);
}

function writeMideleg(context: Context, value: number): void {
  context.state.csr[CSR.mideleg] = (value & delegable(context)) | hypervisorInterrupts(context);
}

/** hie is part of mie and has its own storage. */
function writeMie(context: Context, value: number): void {
  const { csr } = context.state;
  csr[CSR.mie] = value & (MIE | overflowInterrupt(context));
  csr[CSR.hie] = value & hypervisorInterrupts(context);
}

/**
 * SSIP and SEIP are stored here, STIP too unless stimecmp drives it, VSSIP in hvip; everything else is a level. What
 * csrrs and csrrc start from leaves the external line out of SEIP ("mip and mie").
 */
function writeMip(context: Context, value: number): void {
  const { csr } = context.state;
  const bits = hasSupervisorTimer(context) ? delegable(context) & ~INTERRUPT.sti : delegable(context);
  csr[CSR.mip] = ((csr[CSR.mip] as number) & ~bits) | (value & bits);
  if (!context.features.hypervisor) return;
  csr[CSR.hvip] = ((csr[CSR.hvip] as number) & ~INTERRUPT.vssi) | (value & INTERRUPT.vssi);
}

function modifyMip(context: Context): void {
  low(context, (machinePending(context, ~0) & ~INTERRUPT.sei) | (storedPending(context) & INTERRUPT.sei));
}

/** Bits 1:0 hold MODE: 0 direct, 1 vectored. */
export function writeTrapVector(field: number): CsrDefinition['write'] {
  return ({ state: { csr } }, value, high) => {
    csr[field] = value & ~2;
    csr[field + 1] = high;
  };
}

/** pc of a trap: bit 0 is 0, and bit 1 too where all instructions are 4 bytes long. */
export function writeTrapPc(field: number): CsrDefinition['write'] {
  return ({ state: { csr }, features }, value, high) => {
    csr[field] = value & (features.extensions.has('c') ? ~1 : ~3);
    csr[field + 1] = high;
  };
}

const withHypervisor: CsrDefinition['exists'] = (features) => features.hypervisor;

function pmp(
  number: number,
  name: string,
  firstEntry: number,
  isFor: (features: Context['features']) => boolean = () => true,
): CsrDefinition {
  return {
    number,
    name,
    exists: (features) => firstEntry < features.pmpEntries && isFor(features),
    read: (context) => context.hooks.pmpRead(number, context),
    write: (context, value, high) => context.hooks.pmpWrite(number, value, high),
  };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export const MACHINE_CSRS: readonly CsrDefinition[] = [
  constant(0xf11, 'mvendorid'),
  constant(0xf12, 'marchid'),
  constant(0xf13, 'mimpid'),
  {
    number: 0xf14,
    name: 'mhartid',
    read: (context) => low(context, context.features.hartId),
    write: ignoreWrite,
  },
  constant(0xf15, 'mconfigptr'),
  { number: 0x300, name: 'mstatus', read: readMstatus, write: writeMstatus, upper: 0x310 },
  legalized(0x301, 'misa', ignoreWrite),
  legalized(0x302, 'medeleg', writeMedeleg, { upper: 0x312 }),
  legalized(0x303, 'mideleg', writeMideleg),
  { number: 0x304, name: 'mie', read: (context) => low(context, machineEnabled(context)), write: writeMie },
  legalized(0x305, 'mtvec', writeTrapVector(CSR.mtvec)),
  stored(0x340, 'mscratch'),
  legalized(0x341, 'mepc', writeTrapPc(CSR.mepc)),
  stored(0x342, 'mcause'),
  stored(0x343, 'mtval'),
  {
    number: 0x344,
    name: 'mip',
    read: (context) => low(context, machinePending(context, ~0)),
    write: writeMip,
    modify: modifyMip,
  },
  stored(0x34a, 'mtinst', undefined, { exists: withHypervisor }),
  stored(0x34b, 'mtval2', undefined, { exists: withHypervisor }),
  constant(0x747, 'mseccfg', 0, 0, { upper: 0x757 }),
  // RV64 has the even-numbered pmpcfg registers only, each for 8 entries; on RV32 each is for 4.
  ...range(16).map((index) =>
    pmp(0x3a0 + index, `pmpcfg${index}`, 4 * index, ({ xlen }) => xlen === 32 || index % 2 === 0),
  ),
  ...range(64).map((index) => pmp(0x3b0 + index, `pmpaddr${index}`, index)),
  // No debug triggers: type 0 in tdata1, and tinfo says so.
  constant(0x7a0, 'tselect'),
  constant(0x7a1, 'tdata1'),
  constant(0x7a2, 'tdata2'),
  constant(0x7a3, 'tdata3'),
  constant(0x7a4, 'tinfo', 1),
];
