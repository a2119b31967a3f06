import { LOADS, STORE_NAMES } from '../../codegen/index.ts';
import type { ElementFloat, LoadKind } from '../../isa/index.ts';
import {
  type Expr,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  type I64,
  i32,
  i64,
  type Label,
  type Local,
  type ValType,
} from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';

/**
 * How a kernel ends: the instruction is done, or it has stopped at element vstart and TypeScript goes on from there.
 */
export const KERNEL = { done: 0, stopped: 1 } as const;

/** Results of a call-out for a memory access: done, an exception, or that it is for the path through TypeScript. */
export const ACCESS_RESULT = { done: 0, exception: 1, declined: 2 } as const;
export type AccessResult = (typeof ACCESS_RESULT)[keyof typeof ACCESS_RESULT];

/** The functions of TypeScript that kernels call; addresses and values are in the hart's mailbox. */
export interface KernelCallOuts {
  /** Loads; the argument is an index of LOAD_KINDS. The result is an {@link ACCESS_RESULT}. */
  readonly load: FunctionRef<'i32'>;
  /** Stores; the argument is the width in bytes. */
  readonly store: FunctionRef<'i32'>;
}

/** Elements that are done together. */
export interface Chunk {
  readonly elements: number;
  /** Looks at the state that chunks depend on: at the start, and behind elements that were done one by one. */
  prepare?(): void;
  /**
   * Does them, from an index on. It may branch to the label, and has changed nothing then: they are done one by one.
   */
  emit(index: Local<'i32'>, declined: Label): void;
}

/** Floating point of a kernel. */
export interface FloatOfKernel extends ElementFloat {
  /** The scalar operand, of SEW bits. */
  scalar(): I64;
  /** Writes the scalar result. */
  setRegister(value: I64): void;
  /** Generates the end of a kernel. */
  finish(): void;
}

/** The subject of a kernel: one instruction, under every vtype that makes no difference to it. */
export interface KernelSetting {
  /** VLEN in bytes, a power of two. */
  readonly vlenb: number;
  /** Log2 of the bytes of an element of SEW bits. */
  readonly sew: number;
  /** Log2 of LMUL. */
  readonly lmul: number;
  /** v0 tells which elements are active. */
  readonly masked: boolean;
}

/** Where the number of a register is in the encoding. */
const PLACE = { rd: 7, rs1: 15, rs2: 20 } as const;
export type Place = keyof typeof PLACE;

const LOAD_KIND: Readonly<Record<'signed' | 'unsigned', readonly LoadKind[]>> = {
  signed: ['i8', 'i16', 'i32', 'i64'],
  unsigned: ['u8', 'u16', 'u32', 'i64'],
};

/** Log2 of the bytes of an element: 0 to 3. */
export type Eew = number;

/**
 * The function that carries out one instruction: `(hart, bits) -> KERNEL`. It goes on at vstart, which is 0 when it is
 * done, and takes it that the instruction is legal. Elements of the tail and inactive ones are left as they were, which
 * both policies, undisturbed and agnostic, allow.
 */
export class KernelFrame {
  readonly f: FunctionBuilder;
  readonly hart: Local<'i32'>;
  /** The encoding. */
  readonly bits: Local<'i32'>;
  readonly setting: KernelSetting;
  readonly out: KernelCallOuts;
  #float: FloatOfKernel | undefined;

  constructor(f: FunctionBuilder, setting: KernelSetting, out: KernelCallOuts) {
    this.f = f;
    this.hart = f.param(0, 'i32');
    this.bits = f.param(1, 'i32');
    this.setting = setting;
    this.out = out;
  }

  /** Floating point, of kernels whose instruction has to do with it. */
  get float(): FloatOfKernel {
    if (this.#float === undefined) throw new Error('the instruction has nothing to do with floating point');
    return this.#float;
  }

  useFloat(float: FloatOfKernel): void {
    this.#float = float;
  }

  let<T extends ValType>(value: Expr<T>): Local<T> {
    return this.f.let(value);
  }

  /** The number of a register. */
  number(place: Place): I32 {
    return i32.and(i32.shr_u(this.bits, i32.const(PLACE[place])), i32.const(31));
  }

  /** Where a vector register is in memory, less {@link FIELD}.v. */
  vector(place: Place): Local<'i32'> {
    const shift = Math.log2(this.setting.vlenb);
    return this.let(i32.add(this.hart, i32.shl(this.number(place), i32.const(shift))));
  }

  /** An integer register. */
  x(place: Place): I64 {
    return i64.load(i32.add(this.hart, i32.shl(this.number(place), i32.const(3))), FIELD.x);
  }

  setX(value: I64): void {
    const { f } = this;
    const rd = f.let(this.number('rd'));
    const result = f.let(value);
    f.if(rd, () => f.store('i64.store', i32.add(this.hart, i32.shl(rd, i32.const(3))), result, FIELD.x));
  }

  /** The immediate in the place of rs1, sign-extended. */
  get signedImmediate(): I64 {
    return i64.extend_i32_s(i32.shr_s(i32.shl(this.bits, i32.const(12)), i32.const(27)));
  }

  get unsignedImmediate(): I64 {
    return i64.extend_i32_u(this.number('rs1'));
  }

  /** Bit 5 of an immediate of 6 bits. */
  get sixthBit(): I64 {
    return i64.extend_i32_u(i32.and(i32.shr_u(this.bits, i32.const(26 - 5)), i32.const(1 << 5)));
  }

  get vl(): I32 {
    return i32.load(this.hart, FIELD.vl);
  }

  get vstart(): I32 {
    return i32.load(this.hart, FIELD.vstart);
  }

  /** Elements that a group of LMUL registers holds. */
  get vlmax(): number {
    const { vlenb, lmul, sew } = this.setting;
    return vlenb * 2 ** (lmul - sew);
  }

  /** Leaves the instruction to TypeScript, which refuses it if vstart is not 0. */
  needsStart(): void {
    this.f.if(this.vstart, () => this.stop());
  }

  stop(): void {
    this.f.return(i32.const(KERNEL.stopped));
  }

  /** The end of every kernel. */
  done(): void {
    this.#float?.finish();
    this.f.store('i32.store', this.hart, i32.const(0), FIELD.vstart);
    this.f.return(i32.const(KERNEL.done));
    this.f.unreachable();
  }

  /** A bit of a mask register: 0 or 1. */
  maskBit(register: I32, index: I32): I32 {
    const byte = i32.load8_u(i32.add(register, i32.shr_u(index, i32.const(3))), FIELD.v);
    return i32.and(i32.shr_u(byte, i32.and(index, i32.const(7))), i32.const(1));
  }

  setMaskBit(register: I32, index: Local<'i32'>, value: I32): void {
    const { f } = this;
    const at = f.let(i32.add(register, i32.shr_u(index, i32.const(3))));
    const place = f.let(i32.and(index, i32.const(7)));
    const others = i32.and(i32.load8_u(at, FIELD.v), i32.rotl(i32.const(-2), place));
    f.store('i32.store8', at, i32.or(others, i32.shl(value, place)), FIELD.v);
  }

  /** The bit of v0. */
  activeBit(index: I32): I32 {
    return this.maskBit(this.hart, index);
  }

  element(register: I32, index: I32, eew: Eew, signed: boolean): I64 {
    const kind = LOAD_KIND[signed ? 'signed' : 'unsigned'][eew];
    return LOADS[kind](elementAddress(register, index, eew), FIELD.v);
  }

  setElement(register: I32, index: I32, eew: Eew, value: I64): void {
    const width = (8 << eew) as 8 | 16 | 32 | 64;
    this.f.store(STORE_NAMES[width], elementAddress(register, index, eew), value, FIELD.v);
  }

  /**
   * Runs `body` for each active element from an index on; by default from vstart to vl. It may branch to the label,
   * which goes on with the next element.
   */
  each(
    body: (index: Local<'i32'>) => void,
    { from = this.vstart, to = this.vl, masked = this.setting.masked }: ElementRange = {},
  ): void {
    const { f } = this;
    const index = f.let(from);
    const end = f.let(to);
    this.countUp(index, end, () => {
      if (masked) f.if(this.activeBit(index), () => body(index));
      else body(index);
    });
  }

  /**
   * Runs `body` for each element from vstart to vl, none of which is masked; those that a chunk does are done at once,
   * as long as it does not decline.
   *
   * @param chunks the largest first
   */
  eachInChunks(chunks: readonly Chunk[], body: (index: Local<'i32'>) => void): void {
    const { f } = this;
    const index = f.let(this.vstart);
    const end = f.let(this.vl);
    const limit = f.local('i32');
    const prepare = (): void => chunks[0]?.prepare?.();
    prepare();
    f.block((over) => {
      f.loop((next) => {
        f.brIf(over, i32.ge_u(index, end));
        f.block((declined) => {
          for (const { elements, emit } of chunks) {
            f.set(limit, i32.add(index, i32.const(elements)));
            f.if(i32.le_u(limit, end), () => {
              emit(index, declined);
              f.set(index, limit);
              f.br(next);
            });
          }
          f.set(limit, end);
        });
        this.countUp(index, limit, () => body(index));
        prepare();
        f.br(next);
      });
    });
  }

  /** Runs `body` with each value of `index` from the one that it has to `end`, if that is larger. */
  countUp(index: Local<'i32'>, end: I32, body: () => void): void {
    const { f } = this;
    f.block((over) => {
      f.loop((next) => {
        f.brIf(over, i32.ge_u(index, end));
        body();
        f.set(index, i32.add(index, i32.const(1)));
        f.br(next);
      });
    });
  }
}

/** Elements that a loop goes through. */
export interface ElementRange {
  readonly from?: I32;
  readonly to?: I32;
  readonly masked?: boolean;
}

export function elementAddress(register: I32, index: I32, eew: Eew): I32 {
  return i32.add(register, i32.shl(index, i32.const(eew)));
}
