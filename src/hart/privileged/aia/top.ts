/** mtopi, stopi and vstopi: the interrupt of highest priority that is pending and enabled at each level. */
import { CSR } from '../../layout.ts';
import type { Context } from '../context.ts';
import { hypervisorPending, machineEnabled } from '../pending.ts';
import { GUEST_INTERRUPTS, HSTATUS, INTERRUPT } from '../registers.ts';
import {
  hidelegHigh,
  hidelegLow,
  mipLow,
  sieHigh,
  sieLow,
  sipHigh,
  sipLow,
  vsieHigh,
  vsieLocalLow,
  vsipHigh,
  vsipLocalLow,
} from './local-interrupts.ts';
import { EXTERNAL_DEFAULT, TopInterrupt } from './priorities.ts';

const MACHINE_EXTERNAL = 11;
const SUPERVISOR_EXTERNAL = 9;
const SUPERVISOR_SOFTWARE = 1;
const SUPERVISOR_TIMER = 5;
const COUNTER_OVERFLOW = 13;

/** Numbers of interrupt files ({@link Platform.interruptFile}); guest file `n` has number 1 + n. */
export const FILE = { machine: 0, supervisor: 1 } as const;

export const HVICTL = {
  vti: 1 << 30,
  iid: 0xfff << 16,
  iidShift: 16,
  dpr: 1 << 9,
  ipriom: 1 << 8,
  iprio: 0xff,
} as const;

/** hvictl.VTI: the hypervisor names the top for its guest. */
export function hasInjection({ state }: Context): boolean {
  return ((state.csr[CSR.hvictl] as number) & HVICTL.vti) !== 0;
}

const forMachine = new TopInterrupt(MACHINE_EXTERNAL);
const forSupervisor = new TopInterrupt(SUPERVISOR_EXTERNAL);
const forGuest = new TopInterrupt(SUPERVISOR_EXTERNAL);

/** The number of the guest file that VGEIN selects, 0 for none. */
export function guestFile({ state, features }: Context): number {
  const vgein = ((state.csr[CSR.hstatus] as number) & HSTATUS.vgein) >> HSTATUS.vgeinShift;
  return features.imsic && vgein > 0 && vgein <= features.geilen ? vgein + FILE.supervisor : 0;
}

/** The number of byte `index` in an array of priorities that begins at a CSR field. */
function byteAt(context: Context, field: number, index: number): number {
  return ((context.state.csr[field + (index >> 2)] as number) >>> (8 * (index & 3))) & 0xff;
}

/** The priority number of the external interrupt that a file delivers, or of one that comes from elsewhere. */
function externalPriority(context: Context, number: number): number {
  const file = context.platform.interruptFile?.(number);
  if (!context.features.imsic || file === undefined || !file.asserts()) return EXTERNAL_DEFAULT;
  return file.top() || EXTERNAL_DEFAULT;
}

/** The value of mtopi or stopi: without an IMSIC no priority can be configured, and IPRIO is 1 then. */
function shown(context: Context, top: TopInterrupt): number {
  return top.found && !context.features.imsic ? (top.cause << 16) | 1 : top.register;
}

/** The value of mtopi. */
export function machineTop(context: Context): number {
  const { csr } = context.state;
  const enabled = machineEnabled(context) & ~(csr[CSR.mideleg] as number);
  const pending = enabled === 0 ? 0 : mipLow(context, enabled) & enabled;
  if (pending === 0) return 0;
  forMachine.clear();
  forMachine.considerAll(pending, 0, (cause) =>
    cause === MACHINE_EXTERNAL
      ? externalPriority(context, FILE.machine)
      : byteAt(context, CSR.miprio0, cause),
  );
  return shown(context, forMachine);
}

/** The value of stopi. */
export function supervisorTop(context: Context): number {
  const { csr } = context.state;
  const notGuests = ~hidelegLow(context);
  const own = sieLow(context) & notGuests;
  const guests = (csr[CSR.hie] as number) & notGuests;
  const high = sieHigh(context) & sipHigh(context) & ~hidelegHigh(context);
  if ((own | guests | high) === 0) return 0;
  const pendingOwn = own === 0 ? 0 : sipLow(context, mipLow(context, own)) & own;
  const low = pendingOwn | (guests === 0 ? 0 : hypervisorPending(context, guests));
  if ((low | high) === 0) return 0;
  forSupervisor.clear();
  forSupervisor.considerAll(low, high, (cause) =>
    cause === SUPERVISOR_EXTERNAL
      ? externalPriority(context, FILE.supervisor)
      : byteAt(context, CSR.siprio0, cause),
  );
  return shown(context, forSupervisor);
}

/**
 * The value of vstopi: the highest of an external interrupt, and of the others that are pending, or that hvictl names
 * instead.
 */
export function guestTop(context: Context): number {
  const { csr } = context.state;
  const hvictl = csr[CSR.hvictl] as number;
  const instead = hasInjection(context);
  const bits = hidelegLow(context) & GUEST_INTERRUPTS & (csr[CSR.hie] as number);
  const wanted = instead ? bits & INTERRUPT.vsei : bits;
  const pending = wanted === 0 ? 0 : hypervisorPending(context, wanted) >> 1;
  forGuest.clear();
  if ((pending & INTERRUPT.sei) !== 0) forGuest.consider(SUPERVISOR_EXTERNAL, guestExternal(context, hvictl));
  if (instead) considerInjected(hvictl);
  else considerLocal(context, pending & ~INTERRUPT.sei);
  if (!forGuest.found) return 0;
  return (hvictl & HVICTL.ipriom) !== 0 ? forGuest.register : (forGuest.cause << 16) | 1;
}

function guestExternal(context: Context, hvictl: number): number {
  const { csr } = context.state;
  const number = guestFile(context);
  if (number !== 0) return context.platform.interruptFile?.(number)?.top() || EXTERNAL_DEFAULT;
  const hasNone = ((csr[CSR.hstatus] as number) & HSTATUS.vgein) === 0;
  const isExternal = (hvictl & HVICTL.iid) >> HVICTL.iidShift === SUPERVISOR_EXTERNAL;
  return hasNone && isExternal ? hvictl & HVICTL.iprio || EXTERNAL_DEFAULT : EXTERNAL_DEFAULT;
}

function considerInjected(hvictl: number): void {
  const cause = (hvictl & HVICTL.iid) >> HVICTL.iidShift;
  if (cause === SUPERVISOR_EXTERNAL) return;
  const above = (hvictl & HVICTL.dpr) === 0;
  forGuest.considerRanked(cause, hvictl & HVICTL.iprio, above ? -1 : Number.POSITIVE_INFINITY, above);
}

/** Interrupts other than the external one; `standard` are SSI and STI. */
function considerLocal(context: Context, standard: number): void {
  const enabledLow = vsieLocalLow(context);
  const local = enabledLow === 0 ? 0 : vsipLocalLow(context, sipLow(context, mipLow(context, enabledLow)));
  const high = vsieHigh(context) & vsipHigh(context);
  const low = standard | (local & enabledLow);
  if ((low | high) !== 0) forGuest.considerAll(low, high, (cause) => guestPriority(context, cause));
}

/**
 * The number in hviprio1 or hviprio2: bytes 1, 3, 5, 6, 7 of the first are 1, 5, 13, 14 and 15, the second's 16 to 23.
 */
function guestPriority(context: Context, cause: number): number {
  if (cause === SUPERVISOR_SOFTWARE) return byteAt(context, CSR.hviprio1, 1);
  if (cause === SUPERVISOR_TIMER) return byteAt(context, CSR.hviprio1, 3);
  if (cause < COUNTER_OVERFLOW || cause > 23) return 0;
  return cause < 16 ? byteAt(context, CSR.hviprio1, cause - 8) : byteAt(context, CSR.hviprio2, cause - 16);
}
