import { ByteWriter } from './byte-writer.ts';
import {
  type Expr,
  emitCall,
  emitMemoryArgument,
  emitVector,
  type FunctionRef,
  Local,
  VALTYPE_CODE,
  type ValType,
} from './expression.ts';
import { SLOTS } from './hole.ts';
import type { Stencil } from './stencil.ts';

/** The target of a branch: the end of a block, or the start of a loop. */
export interface Label {
  readonly depth: number;
}

/** Store instructions by name (core specification 5.4.6; the atomic ones are of the threads proposal). */
const STORES = {
  'i32.store': { opcode: 0x36, atomicAlignment: undefined },
  'i64.store': { opcode: 0x37, atomicAlignment: undefined },
  'f32.store': { opcode: 0x38, atomicAlignment: undefined },
  'f64.store': { opcode: 0x39, atomicAlignment: undefined },
  'i32.store8': { opcode: 0x3a, atomicAlignment: undefined },
  'i32.store16': { opcode: 0x3b, atomicAlignment: undefined },
  'i64.store8': { opcode: 0x3c, atomicAlignment: undefined },
  'i64.store16': { opcode: 0x3d, atomicAlignment: undefined },
  'i64.store32': { opcode: 0x3e, atomicAlignment: undefined },
  'i32.atomic.store': { opcode: 0x17, atomicAlignment: 2 },
  'i64.atomic.store': { opcode: 0x18, atomicAlignment: 3 },
} as const;

export type StoreName = keyof typeof STORES;

const BLOCK_TYPE_EMPTY = 0x40;
const END = 0x0b;

/** Writes the body of one function: statements are appended as they are called. */
export class FunctionBuilder {
  readonly params: readonly Local[];
  readonly #code: ByteWriter;
  #codeOffset = 0;
  readonly #localTypes: ValType[] = [];
  readonly #paramCount: number;
  /** Locals of scopes that have ended. */
  readonly #free: Local[] = [];
  #scoped: Local[] | undefined;
  /** Locals of stencils, of each type in turn. */
  readonly #temporaries: Record<ValType, number[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  #depth = 0;

  /** @param code takes the code, from its start on; it is free again once the body is complete */
  constructor(params: readonly ValType[], code = new ByteWriter(256)) {
    code.reset();
    this.#code = code;
    this.#paramCount = params.length;
    this.params = params.map((type, index) => new Local(type, index));
  }

  /** The parameter at `index`, which must have type `type`. */
  param<T extends ValType>(index: number, type: T): Local<T> {
    const found = this.params[index];
    if (found?.type !== type) throw new Error(`parameter ${index} is not a ${type}`);
    return new Local(type, index);
  }

  /** Declares a local variable: initially zero, but of unknown value within {@link scope}. */
  local<T extends ValType>(type: T): Local<T> {
    const free = this.#free.findIndex((local) => local.type === type);
    const [reused] = free < 0 ? [] : this.#free.splice(free, 1);
    const index = reused?.index ?? this.#paramCount + this.#localTypes.push(type) - 1;
    const local = new Local(type, index);
    this.#scoped?.push(local);
    return local;
  }

  /** As {@link local}, but only the index. */
  declare(type: ValType): number {
    return this.#paramCount + this.#localTypes.push(type) - 1;
  }

  /**
   * Runs `body`; the locals that it declares are used again by later scopes. A function with many alternatives thus
   * has as many locals as the largest of them, not as all together, which engines compile faster.
   */
  scope(body: () => void): void {
    const outer = this.#scoped;
    const scoped: Local[] = [];
    this.#scoped = scoped;
    body();
    this.#scoped = outer;
    this.#free.push(...scoped);
  }

  /** Evaluates `value` now, once, and names the result. */
  let<T extends ValType>(value: Expr<T>): Local<T> {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }

  set<T extends ValType>(local: Local<T>, value: Expr<T>): void {
    value.emit(this.#code);
    this.#code.u8(0x21);
    this.#code.index(local.index);
  }

  /** Leaves a value on the stack, for {@link openIf}. */
  push(value: Expr): void {
    value.emit(this.#code);
  }

  drop(value: Expr): void {
    value.emit(this.#code);
    this.#code.u8(0x1a);
  }

  store(name: StoreName, address: Expr<'i32'>, value: Expr, offset = 0): void {
    const { opcode, atomicAlignment } = STORES[name];
    address.emit(this.#code);
    value.emit(this.#code);
    if (atomicAlignment !== undefined) this.#code.u8(0xfe);
    this.#code.u8(opcode);
    emitMemoryArgument(this.#code, atomicAlignment ?? 0, offset);
  }

  /** Stores 16 bytes; the address may be misaligned. */
  storeVector(address: Expr<'i32'>, value: Expr<'v128'>, offset = 0): void {
    address.emit(this.#code);
    value.emit(this.#code);
    emitVector(this.#code, 0x0b);
    emitMemoryArgument(this.#code, 0, offset);
  }

  /** Orders all earlier memory accesses before all later ones, sequentially consistent. */
  atomicFence(): void {
    this.#code.u8(0xfe);
    this.#code.u8(0x03);
    this.#code.u8(0x00);
  }

  memoryFill(address: Expr<'i32'>, byte: Expr<'i32'>, length: Expr<'i32'>): void {
    for (const operand of [address, byte, length]) operand.emit(this.#code);
    this.#code.u8(0xfc);
    this.#code.u32(11);
    this.#code.u8(0);
  }

  /** Calls a function without a result. */
  call(callee: FunctionRef<'void'>, ...args: readonly Expr[]): void {
    emitCall(this.#code, callee, args);
  }

  /** `body` may branch to the label it is given, which is the end of the block. */
  block(body: (end: Label) => void): void {
    this.#nest('block', body);
  }

  /**
   * Branches to the end of a block that is left with a value. That is evaluated in any case: it should be a constant.
   */
  brIfWith(label: Label, value: Expr, condition: Expr<'i32'>): void {
    value.emit(this.#code);
    this.brIf(label, condition);
    this.#code.u8(0x1a);
  }

  /** `body` may branch to the label it is given, which is the start of the loop. */
  loop(body: (start: Label) => void): void {
    this.#nest('loop', body);
  }

  /** As {@link if}, for rare cases: the engine need not keep registers for it. */
  ifUnlikely(condition: Expr<'i32'>, then: () => void): void {
    condition.emit(this.#code);
    this.#code.markUnlikely();
    this.openIf();
    then();
    this.close();
  }

  if(condition: Expr<'i32'>, then: () => void, otherwise?: () => void): void {
    condition.emit(this.#code);
    this.openIf();
    then();
    if (otherwise !== undefined) {
      this.#code.u8(0x05);
      otherwise();
    }
    this.close();
  }

  br(label: Label): void {
    this.branch(label.depth);
  }

  brIf(label: Label, condition: Expr<'i32'>): void {
    condition.emit(this.#code);
    this.branchIf(label.depth);
  }

  /** Branches to `labels[index]`, or to `fallback` when the index is out of range. */
  brTable(labels: readonly Label[], fallback: Label, index: Expr<'i32'>): void {
    index.emit(this.#code);
    const depths = labels.map(({ depth }) => depth);
    this.branchTable(depths, fallback.depth);
  }

  return(value?: Expr): void {
    value?.emit(this.#code);
    this.#code.u8(0x0f);
  }

  unreachable(): void {
    this.#code.u8(0x00);
  }

  /** The encoded function body: locals, code and final `end` (core specification 5.5.13). */
  toBody(): ByteWriter {
    const body = new ByteWriter(this.#code.length + 64);
    this.writeBody(body);
    return body;
  }

  /** As {@link toBody}, behind the code that `body` has already. */
  writeBody(body: ByteWriter): void {
    if (this.#depth !== 0) throw new Error('a block was left open');
    const types = this.#localTypes;
    const start = body.length;
    let groups = 0;
    for (let i = 0; i < types.length; i++) if (i === 0 || types[i] !== types[i - 1]) groups++;
    body.u32(groups);
    for (let from = 0; from < types.length; ) {
      let to = from;
      while (to < types.length && types[to] === types[from]) to++;
      body.u32(to - from);
      body.u8(VALTYPE_CODE[types[from]]);
      from = to;
    }
    this.#codeOffset = body.length - start;
    body.append(this.#code);
    body.u8(END);
  }

  /** How many blocks are open: the depth of the innermost label. */
  get depth(): number {
    return this.#depth;
  }

  /** Opens a block or loop, which {@link close} closes; its label has the new {@link depth}. */
  open(what: 'block' | 'loop', type?: ValType): void {
    this.#code.u8(what === 'block' ? 0x02 : 0x03);
    this.#code.u8(type === undefined ? BLOCK_TYPE_EMPTY : VALTYPE_CODE[type]);
    this.#depth++;
  }

  /** Opens a block that runs if the value on the stack is not 0. */
  openIf(): void {
    this.#code.u8(0x04);
    this.#code.u8(BLOCK_TYPE_EMPTY);
    this.#depth++;
  }

  close(): void {
    this.#depth--;
    this.#code.u8(END);
  }

  /** Takes the value on the stack, as which a block was left. */
  setFromStack(local: Local): void {
    this.#code.u8(0x21);
    this.#code.index(local.index);
  }

  /** Branches to a label by its depth if the value on the stack is not 0. */
  branchIf(depth: number): void {
    this.#code.u8(0x0d);
    this.#code.index(this.#depth - depth);
  }

  /** Branches to the label at the place that is on the stack, or to `fallback` if there is none; by their depths. */
  branchTable(depths: readonly number[], fallback: number): void {
    this.#code.u8(0x0e);
    this.#code.u32(depths.length);
    for (const depth of depths) this.#code.index(this.#depth - depth);
    this.#code.index(this.#depth - fallback);
  }

  /** Branches to a label by its depth. */
  branch(depth: number): void {
    this.#code.u8(0x0c);
    this.#code.index(this.#depth - depth);
  }

  /**
   * Writes a stencil.
   *
   * @param values for its holes, of {@link SLOTS}.all elements; those for its own locals are filled in here
   */
  paste({ operations, temporaries }: Stencil, values: Int32Array): void {
    const used = { i32: 0, i64: 0, f32: 0, f64: 0, v128: 0 };
    for (let k = 0; k < temporaries.length; k++) {
      const type = temporaries[k];
      values[SLOTS.temporaries + k] = this.#temporary(type, used[type]++);
    }
    this.#code.paste(operations, values);
  }

  #temporary(type: ValType, nth: number): number {
    const pool = this.#temporaries[type];
    if (nth === pool.length) pool.push(this.declare(type));
    return pool[nth];
  }

  /** Offsets in the body of the branches that are hardly ever taken; call {@link toBody} first. */
  unlikelyBranches(): number[] {
    return this.#code.unlikely.map((at) => at + this.#codeOffset);
  }

  #nest(what: 'block' | 'loop', body: (label: Label) => void): void {
    this.open(what);
    body({ depth: this.#depth });
    this.close();
  }
}
