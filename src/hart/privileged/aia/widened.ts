/** The interrupt CSRs that the AIA widens to 64 interrupts: differences from their definitions without it. */
import { CSR } from '../../layout.ts';
import type { Context, Features } from '../context.ts';
import { type CsrDefinition, type Gate, upperHalves, VERDICT } from '../csr-definition.ts';
import { stateGate } from '../csr-environment.ts';
import { hypervisorInterrupts } from '../csr-machine.ts';
import {
  hasSupervisorTimer,
  hypervisorPending,
  machineEnabled,
  machinePending,
  storedPending,
} from '../pending.ts';
import { GUEST_INTERRUPTS, INTERRUPT, MIE, STATEEN } from '../registers.ts';
import {
  DELEGABLE,
  hidelegHigh,
  hidelegLow,
  LOCAL_LOW,
  mipLow,
  sieHigh,
  sieLow,
  sipHigh,
  sipLow,
  virtualLow,
  vsieHigh,
  vsieLocalLow,
  vsipHigh,
  vsipLocalLow,
} from './local-interrupts.ts';
import { hasInjection } from './top.ts';

type Part = Omit<Partial<CsrDefinition>, 'name' | 'number'>;

function set(context: Context, low: number, high: number): void {
  context.low = low;
  context.high = high;
}

/** Replaces the bits of `mask` in half of a CSR. */
function replace({ state: { csr } }: Context, field: number, mask: number, value: number): void {
  csr[field] = ((csr[field] as number) & ~mask) | (value & mask);
}

function guestBits(context: Context): number {
  return hidelegLow(context) & GUEST_INTERRUPTS;
}

/** Bits 1, 5 and 9 of vsip and vsie are 2, 6 and 10 of hip and hie. */
function readVsip(context: Context): void {
  const standard = hypervisorPending(context, guestBits(context)) >> 1;
  const local = vsipLocalLow(context, sipLow(context, mipLow(context, INTERRUPT.lcofi)));
  set(context, standard | local, vsipHigh(context));
}

function readVsie(context: Context): void {
  const standard = ((context.state.csr[CSR.hie] as number) & guestBits(context)) >> 1;
  set(context, standard | vsieLocalLow(context), vsieHigh(context));
}

/** A write to sip, of the bits in the mask: SSIP and those from 13 on change. */
function writeSip(context: Context, low: number, high: number, lowMask = ~0, highMask = ~0): void {
  const { csr } = context.state;
  const delegated = (csr[CSR.mideleg] as number) & (INTERRUPT.ssi | INTERRUPT.lcofi);
  replace(context, CSR.mip, delegated & lowMask, low);
  // SEIP is read-only here, as it is without filtering.
  const virtual = virtualLow(context) & ~INTERRUPT.sei;
  replace(context, CSR.mvip, virtual & lowMask, low);
  replace(context, CSR.mvip + 1, (csr[CSR.mvien + 1] as number) & highMask, high);
}

function writeSie(context: Context, low: number, high: number, lowMask = ~0, highMask = ~0): void {
  const { csr } = context.state;
  replace(context, CSR.mie, (csr[CSR.mideleg] as number) & DELEGABLE & lowMask, low);
  replace(context, CSR.sieVirtual, virtualLow(context) & lowMask, low);
  replace(context, CSR.sieVirtual + 1, (csr[CSR.mvien + 1] as number) & highMask, high);
}

function writeVsip(context: Context, low: number, high: number): void {
  const { csr } = context.state;
  const handedOn = hidelegLow(context);
  const handedOnHigh = hidelegHigh(context);
  replace(context, CSR.hvip, handedOn & INTERRUPT.vssi, low << 1);
  writeSip(context, low, high, handedOn & LOCAL_LOW, handedOnHigh);
  replace(context, CSR.hvip, (csr[CSR.hvien] as number) & ~handedOn, low);
  replace(context, CSR.hvip + 1, (csr[CSR.hvien + 1] as number) & ~handedOnHigh, high);
}

function writeVsie(context: Context, low: number, high: number): void {
  const { csr } = context.state;
  const handedOn = hidelegLow(context);
  const handedOnHigh = hidelegHigh(context);
  replace(context, CSR.hie, handedOn & GUEST_INTERRUPTS, low << 1);
  writeSie(context, low, high, handedOn & LOCAL_LOW, handedOnHigh);
  replace(context, CSR.vsieVirtual, (csr[CSR.hvien] as number) & ~handedOn, low);
  replace(context, CSR.vsieVirtual + 1, (csr[CSR.hvien + 1] as number) & ~handedOnHigh, high);
}

/** As without the AIA, with LCOFIP, and SEIP only while bit 9 of mvien is 0. */
function writeMip(context: Context, low: number): void {
  const { csr } = context.state;
  const filtered = (csr[CSR.mvien] as number) & INTERRUPT.sei;
  const timer = hasSupervisorTimer(context) ? INTERRUPT.sti : 0;
  replace(context, CSR.mip, DELEGABLE & ~filtered & ~timer, low);
  if (context.features.hypervisor) replace(context, CSR.hvip, INTERRUPT.vssi, low);
}

function modifyMip(context: Context): void {
  const { csr } = context.state;
  const stored = storedPending(context) & INTERRUPT.sei & ~(csr[CSR.mvien] as number);
  const rest = machinePending(context, ~INTERRUPT.sei) | ((csr[CSR.mip] as number) & INTERRUPT.lcofi);
  set(context, rest | stored, 0);
}

/** With hvictl.VTI the hypervisor carries out a guest's accesses to sip and sie. */
const injectionGate: Gate = (context, _privilege, virtual) =>
  virtual !== 0 && hasInjection(context) ? VERDICT.virtual : VERDICT.allowed;

/** By name. */
export const WIDENED: ReadonlyMap<string, Part> = new Map<string, Part>([
  [
    'mip',
    {
      upper: 0x354,
      read: (context) => set(context, mipLow(context, ~0), 0),
      write: writeMip,
      modify: modifyMip,
    },
  ],
  [
    'mie',
    {
      upper: 0x314,
      read: (context) => set(context, machineEnabled(context), 0),
      write: (context, low) => {
        replace(context, CSR.mie, MIE | INTERRUPT.lcofi, low);
        replace(context, CSR.hie, hypervisorInterrupts(context), low);
      },
    },
  ],
  [
    'mideleg',
    {
      upper: 0x313,
      write: (context, low) => {
        context.state.csr[CSR.mideleg] = (low & DELEGABLE) | hypervisorInterrupts(context);
      },
    },
  ],
  [
    'sip',
    {
      upper: 0x154,
      read: (context) => set(context, sipLow(context, mipLow(context, DELEGABLE)), sipHigh(context)),
      write: writeSip,
      gate: injectionGate,
    },
  ],
  [
    'sie',
    {
      upper: 0x114,
      read: (context) => set(context, sieLow(context), sieHigh(context)),
      write: writeSie,
      gate: injectionGate,
    },
  ],
  [
    'hideleg',
    {
      upper: 0x613,
      read: (context) => set(context, hidelegLow(context), hidelegHigh(context)),
      write: ({ state: { csr } }, low, high) => {
        const own = ((csr[CSR.mideleg] as number) | (csr[CSR.mvien] as number)) & LOCAL_LOW;
        csr[CSR.hideleg] = low & (own | GUEST_INTERRUPTS);
        csr[CSR.hideleg + 1] = high & (csr[CSR.mvien + 1] as number);
      },
    },
  ],
  [
    'hvip',
    {
      upper: 0x655,
      write: (context, low, high) => {
        replace(context, CSR.hvip, GUEST_INTERRUPTS | LOCAL_LOW, low);
        replace(context, CSR.hvip + 1, ~0, high);
      },
    },
  ],
  ['vsip', { upper: 0x254, read: readVsip, write: writeVsip }],
  ['vsie', { upper: 0x214, read: readVsie, write: writeVsie }],
]);

const aiaGate = stateGate(STATEEN.aiaHigh);

/** The upper halves of these on RV32; mstateen0 closes those of S, HS and VS with the rest of the AIA. */
export function widenedUpperHalves(definitions: readonly CsrDefinition[]): CsrDefinition[] {
  const widened = definitions.flatMap((definition) => {
    const part = WIDENED.get(definition.name);
    if (part === undefined) return [];
    const { exists } = definition;
    return [
      {
        ...definition,
        ...part,
        exists: (features: Features) => features.aia && exists?.(features) !== false,
      },
    ];
  });
  return upperHalves(widened).map((half) => ({ ...half, gate: inTurn(aiaGate, half.gate) }));
}

function inTurn(first: Gate, second: Gate | undefined): Gate {
  if (second === undefined) return first;
  return (...access) => {
    const verdict = first(...access);
    return verdict === VERDICT.allowed ? second(...access) : verdict;
  };
}
