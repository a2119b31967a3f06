/**
 * Counters. Every instruction takes one cycle: mcycle and minstret both count retired instructions, each with an
 * offset that makes up for writes. While mcountinhibit stops a counter, its offset field holds the value itself.
 */

import { addTo, subtractTo } from '../../layout/halves.ts';
import { CSR } from '../layout.ts';
import type { Context, Features } from './context.ts';
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
import { COUNTER, MODE } from './registers.ts';

/** Counters that can be stopped: the bit in mcountinhibit and the offset field. */
const CYCLE = { bit: COUNTER.cycle, offset: CSR.mcycleOffset };
const INSTRET = { bit: COUNTER.instret, offset: CSR.minstretOffset };
type Counter = typeof CYCLE | typeof INSTRET;

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

function isInhibited(context: Context, counter: Counter): boolean {
  return ((context.state.csr[CSR.mcountinhibit] as number) & counter.bit) !== 0;
}

function readCounter(context: Context, counter: Counter): void {
  const { csr } = context.state;
  const low = csr[counter.offset] as number;
  const high = csr[counter.offset + 1] as number;
  if (isInhibited(context, counter)) {
    context.low = low;
    context.high = high;
    return;
  }
  context.hooks.retired(context);
  addTo(context, context.low, context.high, low, high);
}

/** The next instruction reads what is written: the writing instruction does not count ("minstret"). */
function writeCounter(context: Context, counter: Counter, low: number, high: number): void {
  const { csr } = context.state;
  if (isInhibited(context, counter)) {
    context.low = low;
    context.high = high;
  } else {
    context.hooks.retired(context);
    addTo(context, context.low, context.high, context.instructions, 0);
    subtractTo(context, low, high, context.low, context.high);
  }
  csr[counter.offset] = context.low;
  csr[counter.offset + 1] = context.high;
}

/** Stopping or starting a counter keeps its value. */
function writeInhibit(context: Context, low: number): void {
  const { csr } = context.state;
  for (const counter of [CYCLE, INSTRET]) {
    readCounter(context, counter);
    const { low: valueLow, high: valueHigh } = context;
    csr[CSR.mcountinhibit] = ((csr[CSR.mcountinhibit] as number) & ~counter.bit) | (low & counter.bit);
    writeCounter(context, counter, valueLow, valueHigh);
  }
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

const withEventCounters = ({ extensions }: Features): boolean => extensions.has('zihpm');

/** hpmcounter3..31 count nothing. */
const eventCounters = Array.from({ length: 29 }, (_, index) => index + 3).flatMap((index) => [
  {
    ...constant(0xc00 + index, `hpmcounter${index}`),
    exists: withEventCounters,
    gate: counterGate(1 << index),
    upper: 0xc00 + index + UPPER,
  },
  constant(0xb00 + index, `mhpmcounter${index}`, 0, 0, { upper: 0xb00 + index + UPPER }),
  constant(0x320 + index, `mhpmevent${index}`),
]);

/** Sscofpmf, for guests of a hypervisor that is no software of this hart's: counters that overflowed. */
const overflows: CsrDefinition = {
  number: 0xda0,
  name: 'scountovf',
  read: (context) => {
    const { csr } = context.state;
    const enabled = context.state.virtual !== 0 ? (csr[CSR.hcounteren] as number) : ~0;
    context.low = (csr[CSR.scountovf] as number) & (csr[CSR.mcounteren] as number) & enabled;
    context.high = 0;
  },
  write: ignoreWrite,
  exists: ({ hsHost, imsic }) => hsHost && imsic,
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
