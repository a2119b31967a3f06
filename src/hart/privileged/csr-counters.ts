/** Counters: {@link CYCLE}, {@link INSTRET} and those of events. */
import { CSR } from '../layout.ts';
import type { Context, Features } from './context.ts';
import {
  type Counter,
  CYCLE,
  changeCounting,
  EVENT_COUNTERS,
  hasEventCounters,
  hasOverflows,
  INSTRET,
  readCounter,
  writeCounter,
} from './counting.ts';
import {
  type CsrDefinition,
  constant,
  type Gate,
  ignoreWrite,
  LOW_HALF,
  stored,
  VERDICT,
} from './csr-definition.ts';
import { readTime } from './pending.ts';
import { HPM_EVENT, MODE } from './registers.ts';

/**
 * Access to user-level counters ("Counter-Enable Registers" of M, H and S): mcounteren decides for everything below
 * M-mode, then hcounteren for guests, then scounteren for user mode.
 */
export function counterGate(bit: number): Gate {
  return (context, privilege, virtual) => {
    if (privilege === MODE.machine) return VERDICT.allowed;
    const { csr } = context.state;
    if (((csr[CSR.mcounteren] as number) & bit) === 0) return VERDICT.illegal;
    if (virtual !== 0 && ((csr[CSR.hcounteren] as number) & bit) === 0) return VERDICT.virtual;
    if (privilege === MODE.user && ((csr[CSR.scounteren] as number) & bit) === 0) {
      return virtual !== 0 ? VERDICT.virtual : VERDICT.illegal;
    }
    return VERDICT.allowed;
  };
}

/** Stopping or starting a counter keeps its value. */
function writeInhibit(context: Context, low: number): void {
  const { csr } = context.state;
  const counters = [CYCLE, INSTRET, ...(hasEventCounters(context.features) ? EVENT_COUNTERS : [])];
  const bits = counters.reduce((all, { bit }) => all | bit, 0);
  changeCounting(context, counters, () => {
    csr[CSR.mcountinhibit] = low & bits;
  });
}

/** From the number of a counter to that of its upper half on RV32. */
const UPPER = 0x80;

function machineCounter(number: number, name: string, counter: Counter): CsrDefinition {
  return {
    number,
    name,
    read: (context) => readCounter(context, counter),
    write: (context, low, high) => writeCounter(context, counter, low, high),
    upper: number + UPPER,
  };
}

function userCounter(number: number, name: string, read: CsrDefinition['read']): CsrDefinition {
  const gate = counterGate(1 << (number & 31));
  return { number, name, read, write: ignoreWrite, gate, upper: number + UPPER };
}

const withUserCounters = ({ extensions }: Features): boolean => extensions.has('zihpm');

/** Event numbers that can be chosen: those of cycles and instructions in the SBI; others count nothing. */
const LAST_EVENT = 2;

/** The bits of mhpmevent that are more than the event. */
function eventBits(features: Features): number {
  if (!hasOverflows(features)) return 0;
  const ofGuests = features.hypervisor ? HPM_EVENT.vsinhHigh | HPM_EVENT.vuinhHigh : 0;
  return HPM_EVENT.ofHigh | HPM_EVENT.minhHigh | HPM_EVENT.sinhHigh | HPM_EVENT.uinhHigh | ofGuests;
}

function writeEvent(
  context: Context,
  counter: (typeof EVENT_COUNTERS)[number],
  low: number,
  high: number,
): void {
  const { state, features, hooks } = context;
  changeCounting(context, [counter], () => {
    state.csr[counter.event] = low >>> 0 <= LAST_EVENT ? low : 0;
    state.csr[counter.event + 1] = high & eventBits(features);
  });
  hooks.contextChanged();
}

/** mhpmcounter3..31 and mhpmevent3..31; those without a counter are 0. */
function machineEventCounter(index: number): CsrDefinition[] {
  const counter = EVENT_COUNTERS[index - FIRST_EVENT_COUNTER];
  const none = [
    constant(0xb00 + index, `mhpmcounter${index}`, 0, 0, { upper: 0xb00 + index + UPPER }),
    constant(0x320 + index, `mhpmevent${index}`, 0, 0, { upper: 0x720 + index }),
  ];
  if (counter === undefined) return none;
  const isThere = (context: Context): boolean => hasEventCounters(context.features);
  const { event } = counter;
  return [
    {
      ...machineCounter(0xb00 + index, `mhpmcounter${index}`, counter),
      write: (context, low, high) => isThere(context) && writeCounter(context, counter, low, high),
    },
    {
      number: 0x320 + index,
      name: `mhpmevent${index}`,
      read: (context) => {
        context.low = context.state.csr[event] as number;
        context.high = context.state.csr[event + 1] as number;
      },
      write: (context, low, high) => isThere(context) && writeEvent(context, counter, low, high),
      upper: 0x720 + index,
    },
  ];
}

const FIRST_EVENT_COUNTER = 3;

const eventCounters = Array.from({ length: 29 }, (_, index) => index + FIRST_EVENT_COUNTER).flatMap(
  (index) => {
    const counter = EVENT_COUNTERS[index - FIRST_EVENT_COUNTER];
    const read = (context: Context): void => {
      context.low = 0;
      context.high = 0;
      if (counter !== undefined) readCounter(context, counter);
    };
    const user = userCounter(0xc00 + index, `hpmcounter${index}`, read);
    return [{ ...user, exists: withUserCounters }, ...machineEventCounter(index)];
  },
);

/**
 * Counters that overflowed, of those that the mode may see: those of events, or of a guest those that its hypervisor
 * names.
 */
function overflown({ state: { csr }, features }: Context): number {
  if (features.hsHost) return csr[CSR.scountovf] as number;
  const isOver = ({ event }: { event: number }): boolean =>
    ((csr[event + 1] as number) & HPM_EVENT.ofHigh) !== 0;
  return EVENT_COUNTERS.filter(isOver).reduce((bits, { bit }) => bits | bit, 0);
}

/** Sscofpmf. */
const overflows: CsrDefinition = {
  number: 0xda0,
  name: 'scountovf',
  read: (context) => {
    const { csr, privilege, virtual } = context.state;
    const opened = privilege === MODE.machine ? ~0 : (csr[CSR.mcounteren] as number);
    const enabled = virtual !== 0 ? (csr[CSR.hcounteren] as number) : ~0;
    context.low = overflown(context) & opened & enabled;
    context.high = 0;
  },
  write: ignoreWrite,
  exists: (features) => (features.hsHost ? features.imsic : hasOverflows(features)),
};

export const COUNTER_CSRS: readonly CsrDefinition[] = [
  overflows,
  userCounter(0xc00, 'cycle', (context) => readCounter(context, CYCLE)),
  userCounter(0xc01, 'time', (context) => readTime(context, context.state.virtual !== 0)),
  userCounter(0xc02, 'instret', (context) => readCounter(context, INSTRET)),
  machineCounter(0xb00, 'mcycle', CYCLE),
  machineCounter(0xb02, 'minstret', INSTRET),
  {
    ...stored(0x320, 'mcountinhibit'),
    write: (context, low) => writeInhibit(context, low),
  },
  stored(0x306, 'mcounteren', LOW_HALF),
  stored(0x106, 'scounteren', LOW_HALF),
  stored(0x606, 'hcounteren', LOW_HALF, { exists: (features) => features.hypervisor }),
  ...eventCounters,
];
