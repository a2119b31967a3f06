/** WFI, and the news that a sleeping hart waits for. */

import { isAtLeast, subtractTo, toNumber } from '../../layout/halves.ts';
import { CAUSE } from '../exceptions.ts';
import { CSR, FIELD } from '../layout.ts';
import { guestTop, machineTop, supervisorTop } from './aia/top.ts';
import { type Context, OUTCOME, type Outcome, raise } from './context.ts';
import { hasGuestTimer, hasSupervisorTimer, pendingAndEnabled, readTime } from './pending.ts';
import { HSTATUS, MODE, STATUS } from './registers.ts';

/**
 * How often a waiting hart looks at memory until it looks at its interrupts and the clock again, which takes much
 * longer: some 300 ns.
 */
const LOOKS = 64;

/**
 * WFI may complete: a locally enabled interrupt is pending, regardless of global enables and delegation; with the AIA,
 * mtopi, stopi or vstopi is not 0.
 */
export function wakePending(context: Context): boolean {
  if (!context.features.aia) return pendingAndEnabled(context) !== 0;
  if (machineTop(context) !== 0 || supervisorTop(context) !== 0) return true;
  return context.features.hypervisor && guestTop(context) !== 0;
}

/**
 * WFI. The time limit after which TW and VTW make it trap is 0, as permitted: with them it traps even if an
 * interrupt is pending. U-mode may never wait, VU-mode neither.
 *
 * @param bits the encoding, for xtval
 */
export function waitForInterrupt(context: Context, bits: number): Outcome {
  const { csr, privilege, virtual } = context.state;
  if (privilege !== MODE.machine) {
    if (((csr[CSR.mstatus] as number) & STATUS.tw) !== 0)
      return raise(context, CAUSE.illegalInstruction, bits);
    const refusedToGuest =
      virtual !== 0 && (privilege === MODE.user || ((csr[CSR.hstatus] as number) & HSTATUS.vtw) !== 0);
    if (refusedToGuest) return raise(context, CAUSE.virtualInstruction, bits);
    if (privilege === MODE.user) return raise(context, CAUSE.illegalInstruction, bits);
  }
  return wakePending(context) ? OUTCOME.next : OUTCOME.wait;
}

/**
 * WRS.NTO (Zawrs): waiting on a reservation set may end at any time, so it ends at once. A guest under VTW waits as
 * long as its host allows, and traps then: its hypervisor can use the time better.
 *
 * @param bits the encoding, for xtval
 */
export function waitOnReservation(context: Context, bits: number): Outcome {
  const { words, csr, virtual } = context.state;
  const waits = virtual !== 0 && words[FIELD.reservation >> 2] !== 0 && !wakePending(context);
  const limited = ((csr[CSR.hstatus] as number) & HSTATUS.vtw) !== 0;
  const machineLimit = ((csr[CSR.mstatus] as number) & STATUS.tw) !== 0;
  if (!waits || !limited || machineLimit) return OUTCOME.next;
  const outcome = watch(context);
  return outcome === OUTCOME.exception ? raise(context, CAUSE.virtualInstruction, bits) : outcome;
}

/**
 * Watches the reservation set. An answer that comes from another thread is seen much sooner than by way of the host.
 * Who wants the hart meanwhile may want no more than a look at its interrupts, for which the guest is not left: that is
 * decided as at each poll, and the guest waits again behind it.
 */
function watch(context: Context): Outcome {
  const { platform, hooks } = context;
  const limit = platform.watchTicks?.() ?? 0;
  if (limit <= 0) return OUTCOME.exception;
  const end = platform.ticks() + limit;
  while (!wakePending(context)) {
    for (let look = 0; look < LOOKS; look++) if (!hooks.reservationHolds()) return OUTCOME.next;
    if (hooks.exitRequested()) return OUTCOME.again;
    if (platform.ticks() >= end) return OUTCOME.exception;
  }
  return OUTCOME.next;
}

/**
 * The earliest time, in ticks, at which stimecmp or vstimecmp will make an interrupt pending; Infinity if none will.
 * Whether it is enabled may change until then, of which nobody is told. A deadline that has passed counts for nothing:
 * its interrupt is pending already.
 */
export function nextDeadline(context: Context): number {
  let remaining = hasSupervisorTimer(context) ? ticksUntil(context, CSR.stimecmp, false) : Infinity;
  if (hasGuestTimer(context)) remaining = Math.min(remaining, ticksUntil(context, CSR.vstimecmp, true));
  return remaining === Infinity ? Infinity : context.platform.ticks() + remaining;
}

/** Distances of 2^53 ticks (28 years) and more are for ever. */
function ticksUntil(context: Context, field: number, virtual: boolean): number {
  const { csr } = context.state;
  const low = csr[field] as number;
  const high = csr[field + 1] as number;
  readTime(context, virtual);
  if (isAtLeast(context.low, context.high, low, high)) return Infinity;
  subtractTo(context, low, high, context.low, context.high);
  const ticks = toNumber(context.low, context.high);
  return ticks > Number.MAX_SAFE_INTEGER ? Infinity : ticks;
}
