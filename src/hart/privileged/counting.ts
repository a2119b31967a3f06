/**
 * Events that count, and overflows of counters (Sscofpmf). Every instruction takes one cycle: mcycle, minstret and the
 * counters of events all count retired instructions, each with an offset that makes up for writes. While a counter
 * stands still, its offset field holds the value itself.
 */
import { addTo, subtractTo } from '../../layout/halves.ts';
import { CSR, FIELD } from '../layout.ts';
import type { Context, Features } from './context.ts';
import { COUNTER, HPM_EVENT, INTERRUPT, MODE, QUIET } from './registers.ts';

/** A counter: its bit in mcountinhibit and scountovf, its offset field, and the register of its event if it has one. */
export interface Counter {
  readonly bit: number;
  readonly offset: number;
  readonly event?: number;
}

export const CYCLE: Counter = { bit: COUNTER.cycle, offset: CSR.mcycleOffset };
export const INSTRET: Counter = { bit: COUNTER.instret, offset: CSR.minstretOffset };

/** mhpmcounter3 and those behind it; there are no others. */
export const EVENT_COUNTERS = [
  { bit: 1 << 3, offset: CSR.mhpmoffset3, event: CSR.mhpmevent3 },
  { bit: 1 << 4, offset: CSR.mhpmoffset4, event: CSR.mhpmevent4 },
  { bit: 1 << 5, offset: CSR.mhpmoffset5, event: CSR.mhpmevent5 },
  { bit: 1 << 6, offset: CSR.mhpmoffset6, event: CSR.mhpmevent6 },
] as const satisfies readonly Counter[];

/** Their bits, by the numbers of the counters. */
export const EVENT_COUNTER_BITS = EVENT_COUNTERS.reduce((bits, { bit }) => bits | bit, 0);

/** Guests of our hypervisor count by the SBI, and have no such counters. */
export function hasEventCounters({ extensions, hsHost }: Features): boolean {
  return !hsHost && extensions.has('zihpm');
}

/** Counters tell of overflows, and can be for some modes alone. */
export function hasOverflows(features: Features): boolean {
  return hasEventCounters(features) && features.extensions.has('sscofpmf');
}

/** The bit of mhpmevent that closes it to a mode. */
function filterOf(privilege: number, virtual: number): number {
  if (privilege === MODE.machine) return HPM_EVENT.minhHigh;
  if (virtual !== 0) return privilege === MODE.user ? HPM_EVENT.vuinhHigh : HPM_EVENT.vsinhHigh;
  return privilege === MODE.user ? HPM_EVENT.uinhHigh : HPM_EVENT.sinhHigh;
}

/** Some counter counts in some modes alone, so that all changes of the mode must come here. Each of them asks. */
export function countsByMode(csr: Int32Array): boolean {
  for (const { event } of EVENT_COUNTERS) {
    if (csr[event] !== 0 && ((csr[event + 1] as number) & HPM_EVENT.filtersHigh) !== 0) return true;
  }
  return false;
}

function isCounting({ state }: Context, { bit, event }: Counter): boolean {
  const { csr, privilege, virtual } = state;
  if (((csr[CSR.mcountinhibit] as number) & bit) !== 0) return false;
  if (event === undefined) return true;
  return csr[event] !== 0 && ((csr[event + 1] as number) & filterOf(privilege, virtual)) === 0;
}

/** Leaves the value in the context. */
export function readCounter(context: Context, counter: Counter): void {
  const { csr } = context.state;
  const low = csr[counter.offset] as number;
  const high = csr[counter.offset + 1] as number;
  if (!isCounting(context, counter)) {
    context.low = low;
    context.high = high;
    return;
  }
  context.hooks.retired(context);
  addTo(context, context.low, context.high, low, high);
}

/** The next instruction reads the written value: the writing instruction does not count ("minstret"). */
function setCounter(context: Context, counter: Counter, low: number, high: number): void {
  const { csr } = context.state;
  if (isCounting(context, counter)) {
    context.hooks.retired(context);
    addTo(context, context.low, context.high, context.instructions, 0);
    subtractTo(context, low, high, context.low, context.high);
  } else {
    context.low = low;
    context.high = high;
  }
  csr[counter.offset] = context.low;
  csr[counter.offset + 1] = context.high;
}

/** Software writes a counter; that is no overflow. */
export function writeCounter(context: Context, counter: Counter, low: number, high: number): void {
  noticeOverflows(context);
  setCounter(context, counter, low, high);
  context.nearOverflow &= ~counter.bit;
  limitRun(context);
}

/** Changes something that decides whether counters count; all keep their values. */
export function changeCounting(context: Context, counters: readonly Counter[], change: () => void): void {
  noticeOverflows(context);
  const values = counters.map((counter) => {
    readCounter(context, counter);
    return [context.low, context.high] as const;
  });
  change();
  for (const [index, counter] of counters.entries())
    setCounter(context, counter, ...(values[index] ?? [0, 0]));
  limitRun(context);
}

function limitRun(context: Context): void {
  const instructions = untilOverflow(context);
  if (instructions !== Number.POSITIVE_INFINITY) context.hooks.limitRun(instructions);
}

const TWO_32 = 0x1_0000_0000;

/**
 * Instructions until the first counter overflows that can tell of it, as long as nothing changes; Infinity if that is
 * far away. {@link noticeOverflows} will look at the same ones.
 */
export function untilOverflow(context: Context): number {
  let least = Number.POSITIVE_INFINITY;
  context.nearOverflow = 0;
  if (!hasOverflows(context.features)) return least;
  const { csr } = context.state;
  for (const counter of EVENT_COUNTERS) {
    if (((csr[counter.event + 1] as number) & HPM_EVENT.ofHigh) !== 0 || !isCounting(context, counter))
      continue;
    readCounter(context, counter);
    if ((context.high | 0) !== -1) continue;
    context.nearOverflow |= counter.bit;
    least = Math.min(least, TWO_32 - (context.low >>> 0));
  }
  return least;
}

/** Sets OF of counters that have overflowed, and raises the local counter overflow interrupt. */
export function noticeOverflows(context: Context): void {
  if (context.nearOverflow === 0) return;
  const { csr, words } = context.state;
  for (const counter of EVENT_COUNTERS) {
    if ((context.nearOverflow & counter.bit) === 0) continue;
    readCounter(context, counter);
    if ((context.high | 0) < 0) continue;
    context.nearOverflow &= ~counter.bit;
    csr[counter.event + 1] = (csr[counter.event + 1] as number) | HPM_EVENT.ofHigh;
    csr[CSR.mip] = (csr[CSR.mip] as number) | INTERRUPT.lcofi;
    words[FIELD.quiet >> 2] = QUIET.no;
  }
}
