import { LOADS, STORE_NAMES } from '../../codegen/index.ts';
import type { MemoryShape } from '../../isa/index.ts';
import {
  call,
  type I32,
  type I64,
  i32,
  i64,
  type Label,
  type Local,
  select,
  v128,
} from '../../wasm/index.ts';
import { LOAD_KINDS } from '../interpreter/load-kinds.ts';
import { DATUM, tlbEntry } from '../interpreter/tlb-code.ts';
import { FIELD, TLB } from '../layout.ts';
import { ACCESS_RESULT, elementAddress, type KernelFrame } from './kernel-frame.ts';

const PAGE = 4096;
const UNSIGNED = ['u8', 'u16', 'u32', 'i64'] as const;

/**
 * Loads and stores. Accesses that the TLB does not have go through TypeScript, element by element; when an element
 * raises an exception, vstart is its index, and all before it are done.
 */
class MemoryKernel {
  readonly #kernel: KernelFrame;
  readonly #shape: MemoryShape;
  readonly #vd: Local<'i32'>;
  readonly #base: Local<'i64'>;
  readonly #end: Local<'i32'>;
  /** Log2 of the bytes of an element of data. */
  readonly #size: number;

  constructor(kernel: KernelFrame, shape: MemoryShape) {
    this.#kernel = kernel;
    this.#shape = shape;
    this.#size = shape.addressing === 'indexed' ? kernel.setting.sew : shape.eew;
    this.#vd = kernel.vector('rd');
    this.#base = kernel.let(kernel.x('rs1'));
    this.#end = kernel.let(this.#elements());
  }

  generate(): void {
    const { addressing, fields } = this.#shape;
    const isUnit = addressing !== 'strided' && addressing !== 'indexed';
    const isRow = addressing === 'whole' || addressing === 'mask' || fields === 1;
    if (isUnit && isRow && !this.#kernel.setting.masked) this.#row();
    else this.#eachElement();
    this.#kernel.done();
  }

  #elements(): I32 {
    const { addressing, fields, eew } = this.#shape;
    const { vl, setting } = this.#kernel;
    if (addressing === 'whole') return i32.const((fields * setting.vlenb) >> eew);
    if (addressing === 'mask') return i32.shr_u(i32.add(vl, i32.const(7)), i32.const(3));
    return vl;
  }

  /** Registers from one field of a segment to the next. */
  get #registers(): number {
    const { lmul, sew } = this.#kernel.setting;
    return 2 ** Math.max(0, lmul + this.#size - sew);
  }

  #eachElement(): void {
    const kernel = this.#kernel;
    const { f } = kernel;
    const { addressing, fields } = this.#shape;
    const stride = f.let(
      addressing === 'strided'
        ? kernel.x('rs2')
        : i64.const(addressing === 'indexed' ? 0 : fields << this.#size),
    );
    const indices = kernel.vector('rs2');
    kernel.each(
      (index) => {
        const distance =
          addressing === 'indexed'
            ? kernel.element(indices, index, this.#shape.eew, false)
            : i64.mul(i64.extend_i32_u(index), stride);
        const address = f.let(i64.add(this.#base, distance));
        // A vector is made shorter by whole segments, and nothing of the others is written.
        if (addressing === 'fault-only-first' && fields > 1) this.#touch(index, address);
        for (let field = 0; field < fields; field++) {
          const at = f.let(i64.add(address, i64.const(field << this.#size)));
          const offset = field * this.#registers * kernel.setting.vlenb;
          this.#element(index, at, i32.add(this.#vd, i32.const(offset)));
        }
      },
      { to: this.#end },
    );
  }

  /** Looks whether all fields of a segment can be loaded. */
  #touch(index: Local<'i32'>, address: Local<'i64'>): void {
    const { f } = this.#kernel;
    for (let field = 0; field < this.#shape.fields; field++) {
      const at = f.let(i64.add(address, i64.const(field << this.#size)));
      f.block((done) => {
        f.block((alone) => {
          this.#probe(at, (1 << this.#size) - 1, alone);
          f.br(done);
        });
        this.#load(index, at);
      });
    }
  }

  /** Elements that lie one behind the other, as many at once as lie within a page. */
  #row(): void {
    const kernel = this.#kernel;
    const { f } = kernel;
    const index = f.let(kernel.vstart);
    f.block((over) => {
      f.loop((next) => {
        f.brIf(over, i32.ge_u(index, this.#end));
        const address = f.let(i64.add(this.#base, i64.extend_i32_u(i32.shl(index, i32.const(this.#size)))));
        const rest = f.let(i32.shl(i32.sub(this.#end, index), i32.const(this.#size)));
        const inPage = f.let(i32.sub(i32.const(PAGE), i32.and(i32.wrap_i64(address), i32.const(PAGE - 1))));
        const whole = i32.and(inPage, i32.const(-1 << this.#size));
        const bytes = f.let(select(i32.lt_u(rest, inPage), rest, whole));
        f.block((alone) => {
          const host = this.#probe(address, 0, alone);
          f.brIf(alone, i32.eqz(bytes));
          this.#copy(host, f.let(elementAddress(this.#vd, index, this.#size)), bytes);
          f.set(index, i32.add(index, i32.shr_u(bytes, i32.const(this.#size))));
          f.br(next);
        });
        this.#outside(index, address, this.#vd);
        f.set(index, i32.add(index, i32.const(1)));
        f.br(next);
      });
    });
  }

  /**
   * Copies elements between memory and registers: 64 and 16 bytes at once, then 8, then one element after the other.
   */
  #copy(host: Local<'i32'>, register: Local<'i32'>, bytes: Local<'i32'>): void {
    const { f } = this.#kernel;
    const at = f.local('i32');
    f.set(at, i32.const(0));
    const move = (size: number): void => {
      const place = i32.add(register, at);
      const memory = i32.add(host, at);
      const name = STORE_NAMES[(8 << size) as 8 | 16 | 32 | 64];
      if (this.#shape.stores) f.store(name, memory, LOADS[UNSIGNED[size]](place, FIELD.v));
      else f.store(name, place, LOADS[UNSIGNED[size]](memory), FIELD.v);
      f.set(at, i32.add(at, i32.const(1 << size)));
    };
    for (const many of [64, 16]) {
      f.block((over) => {
        f.loop((next) => {
          f.brIf(over, i32.lt_u(bytes, i32.add(at, i32.const(many))));
          const place = f.let(i32.add(register, at));
          const memory = f.let(i32.add(host, at));
          for (let part = 0; part < many; part += 16) {
            if (this.#shape.stores) f.storeVector(memory, v128.load(place, FIELD.v + part), part);
            else f.storeVector(place, v128.load(memory, part), FIELD.v + part);
          }
          f.set(at, i32.add(at, i32.const(many)));
          f.br(next);
        });
      });
    }
    for (const size of this.#size === 3 ? [3] : [3, this.#size]) {
      f.block((over) => {
        f.loop((next) => {
          f.brIf(over, i32.lt_u(bytes, i32.add(at, i32.const(1 << size))));
          move(size);
          f.br(next);
        });
      });
    }
  }

  /** One element: found in the TLB, or not. */
  #element(index: Local<'i32'>, address: Local<'i64'>, register: I32): void {
    const { f } = this.#kernel;
    f.block((done) => {
      f.block((alone) => {
        const host = this.#probe(address, (1 << this.#size) - 1, alone);
        const kind = UNSIGNED[this.#size];
        if (this.#shape.stores) {
          const value = this.#kernel.element(register, index, this.#size, false);
          f.store(STORE_NAMES[(8 << this.#size) as 8 | 16 | 32 | 64], host, value);
        } else this.#kernel.setElement(register, index, this.#size, LOADS[kind](host));
        f.br(done);
      });
      this.#outside(index, address, register);
    });
  }

  /** The address in linear memory, or a branch: the tag differs where the TLB has no such page, or by low bits. */
  #probe(address: Local<'i64'>, lowBits: number, miss: Label): Local<'i32'> {
    const { f, hart } = this.#kernel;
    const table = this.#shape.stores ? TLB.stores : TLB.loads;
    const key = this.#shape.stores ? FIELD.storeKey : FIELD.loadKey;
    const entry = f.let(tlbEntry(hart, address));
    const wanted = i64.or(i64.and(address, i64.const(-PAGE | lowBits)), i64.load(hart, key));
    f.brIf(miss, i64.ne(i64.load(entry, table), wanted));
    return f.let(i32.add(i32.wrap_i64(address), i32.load(entry, table + DATUM)));
  }

  /** One element through TypeScript. */
  #outside(index: Local<'i32'>, address: I64, register: I32): void {
    const { f, hart, out } = this.#kernel;
    if (this.#shape.stores) {
      f.store('i32.store', hart, index, FIELD.vstart);
      f.store('i64.store', hart, address, FIELD.mailboxAddress);
      f.store(
        'i64.store',
        hart,
        this.#kernel.element(register, index, this.#size, false),
        FIELD.mailboxValue,
      );
      f.if(call(out.store, i32.const(1 << this.#size)), () => this.#kernel.stop());
      return;
    }
    this.#load(index, address);
    this.#kernel.setElement(register, index, this.#size, i64.load(hart, FIELD.mailboxValue));
  }

  /** Loads an element to the mailbox. */
  #load(index: Local<'i32'>, address: I64): void {
    const { f, hart, out } = this.#kernel;
    f.store('i32.store', hart, index, FIELD.vstart);
    f.store('i64.store', hart, address, FIELD.mailboxAddress);
    const kind = LOAD_KINDS.findIndex((entry) => entry.kind === UNSIGNED[this.#size]);
    const result = f.let(call(out.load, i32.const(kind)));
    f.if(result, () => {
      if (this.#shape.addressing === 'fault-only-first') this.#shorten(index, result);
      this.#kernel.stop();
    });
  }

  /** An exception of any element but the first makes the vector shorter. */
  #shorten(index: Local<'i32'>, result: Local<'i32'>): void {
    const { f, hart } = this.#kernel;
    const isException = i32.eq(result, i32.const(ACCESS_RESULT.exception));
    f.if(i32.and(isException, i32.ne(index, i32.const(0))), () => {
      f.store('i32.store', hart, index, FIELD.vl);
      this.#kernel.done();
    });
  }
}

export function memoryKernel(kernel: KernelFrame, shape: MemoryShape): void {
  new MemoryKernel(kernel, shape).generate();
}
