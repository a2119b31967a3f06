import { CSR, type CsrField } from '../layout.ts';
import type { Context, Features } from './context.ts';

/** Whether an access is permitted, and if not, which exception it raises. */
export const VERDICT = { allowed: 0, illegal: 1, virtual: 2 } as const;
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

/**
 * Decides about an access beyond the rules of the CSR number, such as counter enables. Privilege and V are arguments
 * because the choice of exception in a guest depends on the rights of HS-mode.
 */
export type Gate = (context: Context, privilege: number, virtual: number, writes: boolean) => Verdict;

/** A CSR as data. The number itself tells the lowest privilege (bits 9:8) and read-only CSRs (bits 11:10 = 3). */
export interface CsrDefinition {
  readonly number: number;
  readonly name: string;
  /** Leaves the value in `hart.low` and `hart.high`. */
  readonly read: (context: Context) => void;
  readonly write: (context: Context, low: number, high: number) => void;
  /** As `write`, where the change depends on the value that the same instruction has read. */
  readonly exchange?: (context: Context, oldLow: number, oldHigh: number, low: number, high: number) => void;
  /** Gives the value that csrrs and csrrc start from, where it differs from the one that is read. */
  readonly modify?: (context: Context) => void;
  readonly gate?: Gate;
  /** Decides alone about accesses with V=1, where the rules for all CSRs of a level do not apply. */
  readonly guestGate?: (context: Context, privilege: number) => Verdict;
  /** The VS CSR that takes its place when V=1. */
  readonly guest?: string;
  /**
   * On RV32 the register has 32 bits, and its upper half is a register of this number, whose name has an h more.
   * Without it RV32 has no upper half.
   */
  readonly upper?: number;
  /** mstatus.TVM closes it to HS-mode, hstatus.VTVM to VS-mode. */
  readonly trappedByTvm?: boolean;
  /** False: a hart with these features lacks it. */
  readonly exists?: (features: Features) => boolean;
}

export type CsrExtras = Pick<
  CsrDefinition,
  'gate' | 'guestGate' | 'guest' | 'upper' | 'trappedByTvm' | 'exists'
>;

/** Bits that software may write: low and high half. */
export type Mask = readonly [low: number, high: number];

const ALL: Mask = [~0, ~0];
/** 32-bit registers. */
export const LOW_HALF: Mask = [~0, 0];

/** A CSR that is its storage: writes change the bits in `mask`. */
export function stored(
  number: number,
  name: CsrField,
  mask: Mask = ALL,
  extras: CsrExtras = {},
): CsrDefinition {
  return {
    number,
    name,
    read: (context) => readField(context, CSR[name]),
    write: (context, low, high) => writeField(context, CSR[name], mask, low, high),
    ...extras,
  };
}

/** A CSR that is read as a field and written through a rule that makes the value legal. */
export function legalized(
  number: number,
  name: CsrField,
  write: CsrDefinition['write'],
  extras: CsrExtras = {},
): CsrDefinition {
  return { number, name, read: (context) => readField(context, CSR[name]), write, ...extras };
}

/** The registers of RV32 that have the upper halves of others. */
export function upperHalves(definitions: readonly CsrDefinition[]): CsrDefinition[] {
  return definitions.flatMap((whole) => (whole.upper === undefined ? [] : [upperHalf(whole, whole.upper)]));
}

function upperHalf(whole: CsrDefinition, number: number): CsrDefinition {
  const { name, gate, guest, exists, read, modify = read } = whole;
  return {
    number,
    name: `${name}h`,
    read: (context) => {
      read(context);
      context.low = context.high;
      context.high = 0;
    },
    write: (context, low) => {
      modify(context);
      whole.write(context, context.low, low);
    },
    ...(gate === undefined ? {} : { gate }),
    ...(guest === undefined ? {} : { guest: `${guest}h` }),
    exists: (features) => features.xlen === 32 && exists?.(features) !== false,
  };
}

/** A CSR that always reads as the same value; writes, where the number permits them, are ignored. */
export function constant(
  number: number,
  name: string,
  low = 0,
  high = 0,
  extras: CsrExtras = {},
): CsrDefinition {
  return {
    number,
    name,
    read: (context) => {
      context.low = low;
      context.high = high;
    },
    write: ignoreWrite,
    ...extras,
  };
}

export const ignoreWrite: CsrDefinition['write'] = () => undefined;

/** @param field index from {@link CSR} */
function readField(context: Context, field: number): void {
  const { csr } = context.state;
  context.low = csr[field] as number;
  context.high = csr[field + 1] as number;
}

function writeField(context: Context, field: number, mask: Mask, low: number, high: number): void {
  const { csr } = context.state;
  csr[field] = ((csr[field] as number) & ~mask[0]) | (low & mask[0]);
  csr[field + 1] = ((csr[field + 1] as number) & ~mask[1]) | (high & mask[1]);
}
