/**
 * Small concurrent programs as the memory models see them: a list of instructions for each hart, over a few named
 * locations. Values are 32-bit integers; the address of a location is a value too, so that address dependencies work.
 */

/**
 * Annotations of a memory instruction, `.aq` and `.rl` (RISC-V unprivileged manual, "RVWMO"). Every instruction of the
 * manual that has them is RCsc: rule 7 keeps a release and a later acquire in order. RCpc ones lack that.
 */
export interface Order {
  readonly acquire: boolean;
  readonly release: boolean;
  readonly rcsc: boolean;
}

export const RELAXED: Order = { acquire: false, release: false, rcsc: true };

/** Bits of a fence's predecessor and successor sets. */
export const READS = 1;
export const WRITES = 2;

/** One pair of sets that a fence orders: what is in `before` precedes what is in `after`. */
export interface FenceOrder {
  /** {@link READS}, {@link WRITES} or both. */
  readonly before: number;
  readonly after: number;
}

/** `fence.tso` orders reads before everything, and writes before writes. */
export const FENCE_TSO: readonly FenceOrder[] = [
  { before: READS, after: READS | WRITES },
  { before: WRITES, after: WRITES },
];

export const FENCE_FULL: readonly FenceOrder[] = [{ before: READS | WRITES, after: READS | WRITES }];

/** Whether one of the fences is `fence rw,rw` alone: all that comes before it precedes all that comes after it. */
export function hasFullFence(orders: readonly FenceOrder[]): boolean {
  return orders.some(({ before, after }) => (before & after) === (READS | WRITES));
}

export type AmoOperation = 'swap' | 'add' | 'and' | 'or' | 'xor' | 'min' | 'max' | 'minu' | 'maxu';
export type AluOperation = 'add' | 'sub' | 'and' | 'or' | 'xor' | 'sll' | 'srl' | 'slt' | 'sltu';
export type BranchTest = 'eq' | 'ne' | 'lt' | 'ge' | 'ltu' | 'geu';

/** The common part of memory instructions: `offset(base)`, the size in bytes and the annotations. */
interface MemoryOperands {
  /** Register number, 0-31. */
  readonly base: number;
  readonly offset: number;
  /** Bytes: 4 or 8. */
  readonly width: number;
  readonly order: Order;
}

/** Register numbers are 0-31 and register 0 is always zero. Targets are indices of instructions of the same hart. */
export type Instruction =
  | ({ readonly kind: 'load'; readonly rd: number } & MemoryOperands)
  | ({ readonly kind: 'store'; readonly data: number } & MemoryOperands)
  | ({ readonly kind: 'load-reserved'; readonly rd: number } & MemoryOperands)
  | ({ readonly kind: 'store-conditional'; readonly rd: number; readonly data: number } & MemoryOperands)
  | ({
      readonly kind: 'amo';
      readonly operation: AmoOperation;
      readonly rd: number;
      readonly data: number;
    } & MemoryOperands)
  | { readonly kind: 'fence'; readonly orders: readonly FenceOrder[] }
  | {
      readonly kind: 'alu';
      readonly operation: AluOperation;
      readonly rd: number;
      readonly left: number;
      /** A register, or an immediate. */
      readonly right: { readonly register: number } | { readonly immediate: number };
    }
  | {
      readonly kind: 'branch';
      readonly test: BranchTest;
      readonly left: number;
      readonly right: number;
      readonly target: number;
    }
  | { readonly kind: 'jump'; readonly target: number }
  | {
      /** `jalr`: goes to the instruction whose {@link codeAddress} the sum is. */
      readonly kind: 'jump-register';
      readonly rd: number;
      readonly base: number;
      readonly offset: number;
    };

export interface Program {
  readonly harts: readonly (readonly Instruction[])[];
  /** Initial registers of each hart; those not in the map are zero. */
  readonly registers: readonly ReadonlyMap<number, number>[];
  /** Initial values of the locations. */
  readonly memory: readonly number[];
}

/** The value that stands for the address of location `index`. */
export function addressOf(index: number): number {
  return (index + 1) << 12;
}

/** The location at an address, or -1 when there is none. */
export function locationAt(address: number, locations: number): number {
  const index = (address >> 12) - 1;
  return (address & 0xfff) === 0 && index >= 0 && index < locations ? index : -1;
}

const CODE = 0x40000000;

/** The value that stands for the address of instruction `index` of a hart. */
export function codeAddress(index: number): number {
  return CODE + 4 * index;
}

/** The instruction at a code address, or -1 when the hart has none there; one past the last one is its end. */
export function instructionAt(address: number, length: number): number {
  const index = (address - CODE) / 4;
  return Number.isInteger(index) && index >= 0 && index <= length ? index : -1;
}

/** The value that an AMO stores when it finds `old`. */
export function amoResult(operation: AmoOperation, old: number, operand: number): number {
  switch (operation) {
    case 'swap':
      return operand;
    case 'add':
      return (old + operand) | 0;
    case 'and':
      return old & operand;
    case 'or':
      return old | operand;
    case 'xor':
      return old ^ operand;
    case 'min':
      return Math.min(old, operand);
    case 'max':
      return Math.max(old, operand);
    case 'minu':
      return Math.min(old >>> 0, operand >>> 0) | 0;
    case 'maxu':
      return Math.max(old >>> 0, operand >>> 0) | 0;
  }
}

export function aluResult(operation: AluOperation, left: number, right: number): number {
  switch (operation) {
    case 'add':
      return (left + right) | 0;
    case 'sub':
      return (left - right) | 0;
    case 'and':
      return left & right;
    case 'or':
      return left | right;
    case 'xor':
      return left ^ right;
    case 'sll':
      return left << (right & 31);
    case 'srl':
      return (left >>> (right & 31)) | 0;
    case 'slt':
      return left < right ? 1 : 0;
    case 'sltu':
      return left >>> 0 < right >>> 0 ? 1 : 0;
  }
}

export function isTaken(test: BranchTest, left: number, right: number): boolean {
  switch (test) {
    case 'eq':
      return left === right;
    case 'ne':
      return left !== right;
    case 'lt':
      return left < right;
    case 'ge':
      return left >= right;
    case 'ltu':
      return left >>> 0 < right >>> 0;
    case 'geu':
      return left >>> 0 >= right >>> 0;
  }
}
