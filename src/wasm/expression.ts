import type { ByteWriter } from './byte-writer.ts';
import { HOLE } from './hole.ts';

/** The number types of WebAssembly. */
export type ValType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** Binary encodings of the value types (core specification 5.3.1). */
export const VALTYPE_CODE: Readonly<Record<ValType, number>> = {
  ...{ i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b },
};

/**
 * A typed WebAssembly expression: a tree that leaves one value of type `T` on the stack.
 *
 * Trees are written to the code buffer when a statement consumes them, so a tree that reads a local or memory reads
 * it at that moment, and a tree that is consumed twice is evaluated twice: use {@link FunctionBuilder.let} to name a
 * value.
 */
export abstract class Expr<T extends ValType = ValType> {
  readonly type: T;

  constructor(type: T) {
    this.type = type;
  }

  /** Of a value of 64 bits: whether its upper half is sure to be the sign of its lower half. */
  get isSignExtended(): boolean {
    return false;
  }

  /** The lower half of a value of 64 bits, computed with 32 bits as far as that gives the same. */
  narrowed(): Expr<'i32'> {
    return new Unary('i32', OPCODE.wrap, this);
  }

  /**
   * The same value of 32 bits, without a detour over values of 64 bits: lower halves are computed with 32 bits, and
   * words are compared where those that are compared are sign-extended.
   */
  ofWords(): Expr<T> {
    return this;
  }

  abstract emit(code: ByteWriter): void;
}

/** Opcodes that {@link Expr.narrowed} knows. */
const OPCODE = {
  wrap: 0xa7,
  extendSigned: 0xac,
  extendUnsigned: 0xad,
  extend8: 0xc2,
  extend16: 0xc3,
  extend32: 0xc4,
  narrowExtend8: 0xc0,
  narrowExtend16: 0xc1,
  /** Comparisons of 64 bits, and how much lower those of 32 bits are. */
  isZero: 0x50,
  firstComparison: 0x51,
  lastComparison: 0x5a,
  toWords: 0x0b,
  /** i64.and, or and xor. */
  firstBitwise: 0x83,
  lastBitwise: 0x85,
} as const;

/** Whether an opcode is that of an operation on two words: a comparison, or one with a word as its result. */
function takesWords(opcode: number): boolean {
  return (opcode >= 0x46 && opcode <= 0x4f) || (opcode >= 0x6a && opcode <= 0x78);
}

/** Loads to 64 bits, and those that load the lower half alone. */
const NARROW_LOADS: ReadonlyMap<number, number> = new Map([
  [0x29, 0x28],
  [0x30, 0x2c],
  [0x31, 0x2d],
  [0x32, 0x2e],
  [0x33, 0x2f],
  [0x34, 0x28],
  [0x35, 0x28],
]);

/** i64.add, sub, mul, and, or, xor, and their counterparts with 32 bits. */
const NARROW: ReadonlyMap<number, number> = new Map([
  [0x7c, 0x6a],
  [0x7d, 0x6b],
  [0x7e, 0x6c],
  [0x83, 0x71],
  [0x84, 0x72],
  [0x85, 0x73],
]);

export class I32Const extends Expr<'i32'> {
  readonly value: number;

  constructor(value: number) {
    super('i32');
    this.value = value | 0;
  }

  emit(code: ByteWriter): void {
    code.u8(0x41);
    code.s32(this.value);
  }
}

export class I64Const extends Expr<'i64'> {
  readonly value: number | bigint;

  constructor(value: number | bigint) {
    super('i64');
    this.value = value;
  }

  override get isSignExtended(): boolean {
    const wide = BigInt(this.value);
    return BigInt.asIntN(32, wide) === wide;
  }

  override narrowed(): Expr<'i32'> {
    return new I32Const(Number(BigInt.asIntN(32, BigInt(this.value))));
  }

  emit(code: ByteWriter): void {
    code.u8(0x42);
    code.s64(this.value);
  }
}

/** A constant that a stencil fills in from a slot; `wide`: from two (see {@link HOLE}). */
export class ConstHole<T extends 'i32' | 'i64'> extends Expr<T> {
  readonly #slot: number;
  readonly #kind: 'signed' | 'wide';

  constructor(type: T, slot: number, kind: 'signed' | 'wide' = 'signed') {
    super(type);
    this.#slot = slot;
    this.#kind = kind;
  }

  override get isSignExtended(): boolean {
    return this.#kind === 'signed';
  }

  override narrowed(): Expr<'i32'> {
    return this.#kind === 'signed' ? new ConstHole('i32', this.#slot) : super.narrowed();
  }

  emit(code: ByteWriter): void {
    code.u8(this.type === 'i32' ? 0x41 : 0x42);
    code.hole(HOLE[this.#kind] | (this.#slot << 8));
  }
}

/** A local variable or parameter; as an expression, its value. */
export class Local<T extends ValType = ValType> extends Expr<T> {
  readonly index: number;

  constructor(type: T, index: number) {
    super(type);
    this.index = index;
  }

  emit(code: ByteWriter): void {
    code.u8(0x20);
    code.index(this.index);
  }
}

/** Sets a local and leaves the value on the stack. */
export class Tee<T extends ValType> extends Expr<T> {
  readonly #local: Local<T>;
  readonly #value: Expr<T>;

  constructor(local: Local<T>, value: Expr<T>) {
    super(local.type);
    this.#local = local;
    this.#value = value;
  }

  emit(code: ByteWriter): void {
    this.#value.emit(code);
    code.u8(0x22);
    code.index(this.#local.index);
  }
}

export class Unary<T extends ValType> extends Expr<T> {
  readonly #opcode: number;
  readonly #operand: Expr;

  /** @param opcode one byte, or 0xfc00 | n for the saturating truncations */
  constructor(type: T, opcode: number, operand: Expr) {
    super(type);
    this.#opcode = opcode;
    this.#operand = operand;
  }

  /** The operand, if this is the operation with that opcode. */
  operandOf(opcode: number): Expr | undefined {
    return this.#opcode === opcode ? this.#operand : undefined;
  }

  override get isSignExtended(): boolean {
    return this.#opcode === OPCODE.extendSigned;
  }

  override narrowed(): Expr<'i32'> {
    const operand = this.#operand;
    switch (this.#opcode) {
      case OPCODE.extendSigned:
      case OPCODE.extendUnsigned:
        return operand.ofWords() as Expr<'i32'>;
      case OPCODE.extend32:
        return operand.narrowed();
      case OPCODE.extend8:
        return new Unary('i32', OPCODE.narrowExtend8, operand.narrowed());
      case OPCODE.extend16:
        return new Unary('i32', OPCODE.narrowExtend16, operand.narrowed());
      default:
        return super.narrowed();
    }
  }

  override ofWords(): Expr<T> {
    const operand = this.#operand;
    if (this.#opcode === OPCODE.wrap) return operand.narrowed() as Expr as Expr<T>;
    if (operand.type === 'i32' && this.type === 'i32') {
      return new Unary(this.type, this.#opcode, operand.ofWords());
    }
    const isTest = this.#opcode === OPCODE.isZero && operand.isSignExtended;
    return isTest ? new Unary(this.type, OPCODE.isZero - OPCODE.toWords, operand.narrowed()) : this;
  }

  emit(code: ByteWriter): void {
    this.#operand.emit(code);
    if (this.#opcode > 0xff) {
      code.u8(this.#opcode >> 8);
      code.u32(this.#opcode & 0xff);
    } else {
      code.u8(this.#opcode);
    }
  }
}

export class Binary<T extends ValType> extends Expr<T> {
  readonly #opcode: number;
  readonly #left: Expr;
  readonly #right: Expr;

  constructor(type: T, opcode: number, left: Expr, right: Expr) {
    super(type);
    this.#opcode = opcode;
    this.#left = left;
    this.#right = right;
  }

  override get isSignExtended(): boolean {
    const isBitwise = this.#opcode >= OPCODE.firstBitwise && this.#opcode <= OPCODE.lastBitwise;
    return isBitwise && this.#left.isSignExtended && this.#right.isSignExtended;
  }

  override narrowed(): Expr<'i32'> {
    const opcode = NARROW.get(this.#opcode);
    if (opcode === undefined) return super.narrowed();
    return new Binary('i32', opcode, this.#left.narrowed(), this.#right.narrowed());
  }

  override ofWords(): Expr<T> {
    if (takesWords(this.#opcode)) {
      return new Binary(this.type, this.#opcode, this.#left.ofWords(), this.#right.ofWords());
    }
    const compares = this.#opcode >= OPCODE.firstComparison && this.#opcode <= OPCODE.lastComparison;
    if (!compares || !this.#left.isSignExtended || !this.#right.isSignExtended) return this;
    const opcode = this.#opcode - OPCODE.toWords;
    return new Binary(this.type, opcode, this.#left.narrowed(), this.#right.narrowed());
  }

  emit(code: ByteWriter): void {
    this.#left.emit(code);
    this.#right.emit(code);
    code.u8(this.#opcode);
  }
}

/** `condition ? whenTrue : whenFalse`; both sides are evaluated. */
export class Select<T extends ValType> extends Expr<T> {
  readonly #condition: Expr<'i32'>;
  readonly #whenTrue: Expr<T>;
  readonly #whenFalse: Expr<T>;

  constructor(condition: Expr<'i32'>, whenTrue: Expr<T>, whenFalse: Expr<T>) {
    super(whenTrue.type);
    this.#condition = condition;
    this.#whenTrue = whenTrue;
    this.#whenFalse = whenFalse;
  }

  override narrowed(): Expr<'i32'> {
    return new Select(this.#condition.ofWords(), this.#whenTrue.narrowed(), this.#whenFalse.narrowed());
  }

  override ofWords(): Expr<T> {
    if (this.type !== 'i32') return this;
    return new Select(this.#condition.ofWords(), this.#whenTrue.ofWords(), this.#whenFalse.ofWords());
  }

  emit(code: ByteWriter): void {
    this.#whenTrue.emit(code);
    this.#whenFalse.emit(code);
    this.#condition.emit(code);
    code.u8(0x1b);
  }
}

/** Writes the operands of a memory instruction: alignment exponent and static offset in bytes. */
export function emitMemoryArgument(code: ByteWriter, alignment: number, offset: number): void {
  code.u32(alignment);
  code.index(offset);
}

/** A load; the access may be misaligned, the alignment exponent 0 promises nothing. */
export class Load<T extends ValType> extends Expr<T> {
  readonly #opcode: number;
  readonly #address: Expr<'i32'>;
  readonly #offset: number;

  constructor(type: T, opcode: number, address: Expr<'i32'>, offset: number) {
    super(type);
    this.#opcode = opcode;
    this.#address = address;
    this.#offset = offset;
  }

  override narrowed(): Expr<'i32'> {
    const opcode = NARROW_LOADS.get(this.#opcode);
    return opcode === undefined ? super.narrowed() : new Load('i32', opcode, this.#address, this.#offset);
  }

  emit(code: ByteWriter): void {
    this.#address.emit(code);
    code.u8(this.#opcode);
    emitMemoryArgument(code, 0, this.#offset);
  }
}

/** An atomic access (threads proposal): load, read-modify-write, compare-exchange, wait or notify. */
export class Atomic<T extends ValType> extends Expr<T> {
  readonly #opcode: number;
  readonly #alignment: number;
  readonly #offset: number;
  readonly #operands: readonly Expr[];

  /** @param operands address first, then the values in the order of the instruction */
  constructor(type: T, opcode: number, alignment: number, offset: number, operands: readonly Expr[]) {
    super(type);
    this.#opcode = opcode;
    this.#alignment = alignment;
    this.#offset = offset;
    this.#operands = operands;
  }

  emit(code: ByteWriter): void {
    for (const operand of this.#operands) operand.emit(code);
    code.u8(0xfe);
    code.u32(this.#opcode);
    emitMemoryArgument(code, this.#alignment, this.#offset);
  }
}

/** A function of the module under construction: its index and signature. */
export interface FunctionRef<R extends ValType | 'void' = ValType | 'void'> {
  readonly index: number;
  readonly name: string;
  readonly params: readonly ValType[];
  readonly result: R;
}

/** Writes a call with its arguments; the caller checks nothing but their number. */
export function emitCall(code: ByteWriter, callee: FunctionRef, args: readonly Expr[]): void {
  if (args.length !== callee.params.length) {
    throw new Error(`${callee.name} takes ${callee.params.length} arguments, not ${args.length}`);
  }
  for (const arg of args) arg.emit(code);
  code.u8(0x10);
  if (code.holes === undefined) code.u32(callee.index);
  else code.hole(HOLE.callee | (callee.index << 8));
}

/** The value of a function call. */
export class Call<T extends ValType> extends Expr<T> {
  readonly #callee: FunctionRef<T>;
  readonly #args: readonly Expr[];

  constructor(callee: FunctionRef<T>, args: readonly Expr[]) {
    super(callee.result);
    this.#callee = callee;
    this.#args = args;
  }

  emit(code: ByteWriter): void {
    emitCall(code, this.#callee, this.#args);
  }
}

/**
 * a × b + c, rounded once or twice as the engine likes (relaxed SIMD proposal): the scalars go through the first lane.
 * An engine always does the same.
 */
export class RelaxedMadd<T extends 'f32' | 'f64'> extends Expr<T> {
  readonly #operands: readonly Expr<T>[];

  constructor(type: T, operands: readonly Expr<T>[]) {
    super(type);
    this.#operands = operands;
  }

  emit(code: ByteWriter): void {
    const single = this.type === 'f32';
    for (const operand of this.#operands) {
      operand.emit(code);
      emitVector(code, single ? 0x13 : 0x14); // splat
    }
    emitVector(code, single ? 0x105 : 0x107); // relaxed_madd
    emitVector(code, single ? 0x1f : 0x21); // extract_lane
    code.u8(0);
  }
}

/** An instruction on 16 bytes: the prefix and its number. */
export function emitVector(code: ByteWriter, opcode: number): void {
  code.u8(0xfd);
  code.u32(opcode);
}

/** A function type of a module. */
export interface FunctionType<R extends ValType | 'void' = ValType | 'void'> {
  readonly index: number;
  readonly params: readonly ValType[];
  readonly result: R;
}

/** A call through the module's table; it traps if the function there is of another type. */
export class CallIndirect<T extends ValType> extends Expr<T> {
  readonly #callee: FunctionType<T>;
  readonly #element: Expr<'i32'>;
  readonly #args: readonly Expr[];

  constructor(callee: FunctionType<T>, element: Expr<'i32'>, args: readonly Expr[]) {
    super(callee.result);
    this.#callee = callee;
    this.#element = element;
    this.#args = args;
  }

  emit(code: ByteWriter): void {
    for (const arg of this.#args) arg.emit(code);
    this.#element.emit(code);
    code.u8(0x11);
    code.u32(this.#callee.index);
    code.u8(0); // the module's only table
  }
}
