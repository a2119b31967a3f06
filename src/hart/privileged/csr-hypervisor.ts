/** CSRs of the hypervisor extension: those of HS-mode and the VS replicas of supervisor CSRs. */
import { CSR } from '../layout.ts';
import { readAddressSpace, writeHgatp, writeSatp } from './address-space.ts';
import type { Context } from './context.ts';
import { type CsrDefinition, ignoreWrite, legalized, stored } from './csr-definition.ts';
import { hypervisorInterrupts, writeTrapPc, writeTrapVector } from './csr-machine.ts';
import { timerGate } from './csr-supervisor.ts';
import { guestExternalMask, guestExternalPending, hypervisorPending } from './pending.ts';
import { GUEST_INTERRUPTS, INTERRUPT } from './registers.ts';
import { readHstatus, readVsstatus, writeHstatus, writeVsstatus } from './status.ts';

/** Exceptions that can be handed on to a guest ("Bits of hedeleg that must be writable"). */
const GUEST_DELEGABLE = 0x000c_b1ff;

function low(context: Context, value: number): void {
  context.low = value;
  context.high = 0;
}

/** Interrupts that the guest sees; in vsip and vsie they are one bit position lower than in hip and hie. */
function delegated(context: Context): number {
  return (context.state.csr[CSR.hideleg] as number) & GUEST_INTERRUPTS;
}

function writeHie(context: Context, value: number): void {
  context.state.csr[CSR.hie] = value & hypervisorInterrupts(context);
}

/** VSSIP of hip is hvip's; the other bits are levels. */
function writeSoftwarePending({ state: { csr } }: Context, pending: number): void {
  csr[CSR.hvip] = ((csr[CSR.hvip] as number) & ~INTERRUPT.vssi) | (pending & INTERRUPT.vssi);
}

function writeVsip(context: Context, value: number): void {
  if ((delegated(context) & INTERRUPT.vssi) !== 0) writeSoftwarePending(context, value << 1);
}

function readVsie(context: Context): void {
  low(context, ((context.state.csr[CSR.hie] as number) & delegated(context)) >> 1);
}

function writeVsie(context: Context, value: number): void {
  const { csr } = context.state;
  const bits = delegated(context);
  csr[CSR.hie] = ((csr[CSR.hie] as number) & ~bits) | ((value << 1) & bits);
}

function writeHgeie({ state, features }: Context, value: number): void {
  state.csr[CSR.hgeie] = features.geilen === 0 ? 0 : value & guestExternalMask(features.geilen);
}

const definitions: readonly CsrDefinition[] = [
  { number: 0x600, name: 'hstatus', read: readHstatus, write: writeHstatus },
  stored(0x602, 'hedeleg', [GUEST_DELEGABLE, 0], { upper: 0x612 }),
  stored(0x603, 'hideleg', [GUEST_INTERRUPTS, 0]),
  legalized(0x604, 'hie', writeHie),
  stored(0x605, 'htimedelta', undefined, { upper: 0x615 }),
  legalized(0x607, 'hgeie', writeHgeie),
  stored(0x643, 'htval'),
  {
    number: 0x644,
    name: 'hip',
    read: (context) => low(context, hypervisorPending(context, hypervisorInterrupts(context))),
    write: writeSoftwarePending,
  },
  stored(0x645, 'hvip', [GUEST_INTERRUPTS, 0]),
  stored(0x64a, 'htinst'),
  {
    number: 0x680,
    name: 'hgatp',
    read: readAddressSpace(CSR.hgatp),
    write: (context, value, high) => writeHgatp(context, CSR.hgatp, value, high),
    trappedByTvm: true,
  },
  {
    number: 0xe12,
    name: 'hgeip',
    read: (context) => low(context, guestExternalPending(context)),
    write: ignoreWrite,
  },
  { number: 0x200, name: 'vsstatus', read: readVsstatus, write: writeVsstatus },
  { number: 0x204, name: 'vsie', read: readVsie, write: writeVsie },
  legalized(0x205, 'vstvec', writeTrapVector(CSR.vstvec)),
  stored(0x240, 'vsscratch'),
  legalized(0x241, 'vsepc', writeTrapPc(CSR.vsepc)),
  stored(0x242, 'vscause'),
  stored(0x243, 'vstval'),
  {
    number: 0x244,
    name: 'vsip',
    read: (context) => low(context, hypervisorPending(context, delegated(context)) >> 1),
    write: writeVsip,
  },
  {
    number: 0x280,
    name: 'vsatp',
    read: readAddressSpace(CSR.vsatp),
    write: (context, value, high) => writeSatp(context, CSR.vsatp, value, high),
  },
];

export const HYPERVISOR_CSRS: readonly CsrDefinition[] = [
  ...definitions.map((definition) => ({
    ...definition,
    exists: (features: Context['features']) => features.hypervisor,
  })),
  stored(0x24d, 'vstimecmp', undefined, {
    upper: 0x25d,
    gate: timerGate,
    exists: (features) => features.hypervisor && features.sstc,
  }),
];
