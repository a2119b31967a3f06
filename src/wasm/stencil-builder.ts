import { ByteWriter } from './byte-writer.ts';
import { Local, type ValType } from './expression.ts';
import { FunctionBuilder, type Label } from './function-builder.ts';
import { HOLE, indexHole, SLOTS } from './hole.ts';
import type { Stencil } from './stencil.ts';

/** Records a stencil: the code that is written to the builder, with holes where it uses those of this module. */
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
    const recorded: number[] = [];
    const callees: number[] = [];
    const holes = this.#recorded.holes ?? [];
    const bytes = this.#recorded.toBytes();
    let next = 0;
    for (let at = 0; at <= bytes.length; at++) {
      for (; next < holes.length && holes[next].at === at; next++) {
        recorded.push(named(holes[next].operation, callees));
      }
      if (at < bytes.length) recorded.push(bytes[at]);
    }
    const { operations, kept } = withoutDetours(recorded);
    return {
      operations: Int32Array.from(operations),
      temporaries: kept.map((slot) => this.#temporaries[slot - SLOTS.temporaries]),
      callees,
    };
  }
}

const LOCAL = { get: 0x20, set: 0x21, tee: 0x22 } as const;

/**
 * Leaves values on the stack that are set to a local of the stencil only to be read at once, and numbers the locals
 * that are still used anew.
 */
function withoutDetours(recorded: readonly number[]): {
  readonly operations: readonly number[];
  /** The slots that the locals had before. */
  readonly kept: readonly number[];
} {
  const operations: number[] = [];
  for (let at = 0; at < recorded.length; at++) {
    const local = recorded[at + 1];
    const isDetour =
      recorded[at] === LOCAL.set &&
      isTemporary(local) &&
      recorded[at + 2] === LOCAL.get &&
      recorded[at + 3] === local;
    if (!isDetour) {
      operations.push(recorded[at]);
      continue;
    }
    if (recorded.filter((other) => other === local).length > 2) operations.push(LOCAL.tee, local);
    at += 3;
  }
  const kept = [...new Set(operations.filter(isTemporary))].sort((a, b) => a - b);
  const renumber = (operation: number): number =>
    isTemporary(operation) ? indexHole(SLOTS.temporaries + kept.indexOf(operation)) : operation;
  return { operations: operations.map(renumber), kept: kept.map((hole) => (hole >> 8) & 0xffff) };
}

/** Holes of locals come behind opcodes only: no other byte before one looks like reading or setting a local. */
function isTemporary(operation: number | undefined): operation is number {
  return (
    operation !== undefined &&
    operation >= indexHole(SLOTS.temporaries) &&
    operation < indexHole(SLOTS.callees)
  );
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
