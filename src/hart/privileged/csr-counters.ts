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
  return (hart, privilege, virtual) => {
    if (privilege === MODE.machine) return VERDICT.allowed;
    const { csr } = hart.state;
    if (((csr[CSR.mcounteren] as number) & bit) === 0) return VERDICT.illegal;
    if (virtual !== 0 && ((csr[CSR.hcounteren] as number) & bit) === 0) return VERDICT.virtual;
    if (privilege === MODE.user && ((csr[CSR.scounteren] as number) & bit) === 0) {
      return virtual !== 0 ? VERDICT.virtual : VERDICT.illegal;
    }
    return VERDICT.allowed;
  };
}

function isInhibited(hart: Context, counter: Counter): boolean {
  return ((hart.state.csr[CSR.mcountinhibit] as number) & counter.bit) !== 0;
}

function readCounter(hart: Context, counter: Counter): void {
  const { csr } = hart.state;
  const low = csr[counter.offset] as number;
  const high = csr[counter.offset + 1] as number;
  if (isInhibited(hart, counter)) {
    hart.low = low;
    hart.high = high;
    return;
  }
  hart.hooks.retired(hart);
  addTo(hart, hart.low, hart.high, low, high);
}

/** The next instruction reads what is written: the writing instruction does not count ("minstret"). */
function writeCounter(hart: Context, counter: Counter, low: number, high: number): void {
  const { csr } = hart.state;
  if (isInhibited(hart, counter)) {
    hart.low = low;
    hart.high = high;
  } else {
    hart.hooks.retired(hart);
    addTo(hart, hart.low, hart.high, hart.instructions, 0);
    subtractTo(hart, low, high, hart.low, hart.high);
  }
  csr[counter.offset] = hart.low;
  csr[counter.offset + 1] = hart.high;
}

/** Stopping or starting a counter keeps its value. */
function writeInhibit(hart: Context, low: number): void {
  const { csr } = hart.state;
  for (const counter of [CYCLE, INSTRET]) {
    readCounter(hart, counter);
    const { low: valueLow, high: valueHigh } = hart;
    csr[CSR.mcountinhibit] = ((csr[CSR.mcountinhibit] as number) & ~counter.bit) | (low & counter.bit);
    writeCounter(hart, counter, valueLow, valueHigh);
  }
}

function machineCounter(number: number, name: string, counter: Counter): CsrDefinition {
  return {
    number,
    name,
    read: (hart) => readCounter(hart, counter),
    write: (hart, low, high) => writeCounter(hart, counter, low, high),
  };
}

function userCounter(number: number, name: string, read: CsrDefinition['read']): CsrDefinition {
  return { number, name, read, write: ignoreWrite, gate: counterGate(1 << (number & 31)) };
}

const withEventCounters = ({ extensions }: Features): boolean => extensions.has('zihpm');

/** hpmcounter3..31 count nothing. */
const eventCounters = Array.from({ length: 29 }, (_, index) => index + 3).flatMap((index) => [
  {
    ...constant(0xc00 + index, `hpmcounter${index}`),
    exists: withEventCounters,
    gate: counterGate(1 << index),
  },
  constant(0xb00 + index, `mhpmcounter${index}`),
  constant(0x320 + index, `mhpmevent${index}`),
]);

export const COUNTER_CSRS: readonly CsrDefinition[] = [
  userCounter(0xc00, 'cycle', (hart) => readCounter(hart, CYCLE)),
  userCounter(0xc01, 'time', (hart) => readTime(hart, hart.state.virtual !== 0)),
  userCounter(0xc02, 'instret', (hart) => readCounter(hart, INSTRET)),
  machineCounter(0xb00, 'mcycle', CYCLE),
  machineCounter(0xb02, 'minstret', INSTRET),
  {
    ...stored(0x320, 'mcountinhibit'),
    write: (hart, low) => writeInhibit(hart, low),
  },
  stored(0x306, 'mcounteren', LOW_HALF),
  stored(0x106, 'scounteren', LOW_HALF),
  stored(0x606, 'hcounteren', LOW_HALF, { exists: (features) => features.hypervisor }),
  ...eventCounters,
];
