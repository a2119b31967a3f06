import { ByteWriter } from './byte-writer.ts';
import { Local, type ValType } from './expression.ts';
import { FunctionBuilder, type Label } from './function-builder.ts';
import { HOLE, indexHole, SLOTS } from './hole.ts';
import type { Stencil } from './stencil.ts';

/** Records a stencil: what is written to the builder, with holes where it uses those of this module. */
export function recordStencil(build: (f: FunctionBuilder) => void): Stencil {
  const builder = new StencilBuilder();
  build(builder);
  return builder.stencil();
}

/** A local whose index is filled in. */
export function localHole<T extends ValType>(type: T, slot: number): Local<T> {
  return new Local(type, indexHole(slot));
}

/** A label outside of the stencil: the slot has its distance from where the stencil is written. */
export function labelHole(slot: number): Label {
  return { depth: -indexHole(slot) };
}

class StencilBuilder extends FunctionBuilder {
  readonly #temporaries: ValType[] = [];
  readonly #recorded: ByteWriter;

  constructor() {
    const code = new ByteWriter(256, true);
    super([], code);
    this.#recorded = code;
  }

  override local<T extends ValType>(type: T): Local<T> {
    const slot = SLOTS.temporaries + this.#temporaries.push(type) - 1;
    if (slot >= SLOTS.callees) throw new Error('a stencil with too many locals');
    return new Local(type, indexHole(slot));
  }

  stencil(): Stencil {
    const operations: number[] = [];
    const callees: number[] = [];
    const holes = this.#recorded.holes ?? [];
    const bytes = this.#recorded.toBytes();
    let next = 0;
    for (let at = 0; at <= bytes.length; at++) {
      for (; next < holes.length && holes[next].at === at; next++) {
        operations.push(named(holes[next].operation, callees));
      }
      if (at < bytes.length) operations.push(bytes[at]);
    }
    return { operations: Int32Array.from(operations), temporaries: this.#temporaries, callees };
  }
}

/** Gives each function that is called a slot. */
function named(operation: number, callees: number[]): number {
  if ((operation & HOLE.kinds) !== HOLE.callee) return operation;
  const callee = (operation >> 8) & 0xffff;
  const known = callees.indexOf(callee);
  const slot = SLOTS.callees + (known < 0 ? callees.push(callee) - 1 : known);
  if (slot >= SLOTS.all) throw new Error('a stencil with too many calls');
  return indexHole(slot);
}
