/** The custom section of an interpreter's module that has its table. */
export const OPERATION_SECTION = 'hartvisor.operations';

/** Entries of an instruction: of each length, for near and far targets, with its result kept or dropped. */
const VARIANTS = 8;
/** A bit of an entry: the target of the jump or branch is a distance between slots. The others are a number. */
const NEAR = 0x8000;

/** An instruction as it is met: its length, whether its target is in the same page, and whether rd is x0. */
export interface AskedVariant {
  readonly length: 2 | 4;
  readonly near: boolean;
  readonly discards: boolean;
}

function place(id: number, length: number, near: boolean, discards: boolean): number {
  return id * VARIANTS + (length === 2 ? 4 : 0) + (near ? 2 : 0) + (discards ? 1 : 0);
}

/**
 * The operation of each instruction in each variant, by the instruction's `id`. The module of an interpreter brings its
 * own: a hart that made it anew would have to run the descriptions of all instructions before its first one, which
 * takes a cold thread longer than to make all else that a hart has.
 */
export class OperationTable {
  /** 0: there is no such operation. */
  readonly #entries: Uint16Array<ArrayBuffer>;

  private constructor(entries: Uint16Array<ArrayBuffer>) {
    this.#entries = entries;
  }

  /** An empty table for instructions with numbers below `ids`. */
  static ofIds(ids: number): OperationTable {
    return new OperationTable(new Uint16Array(ids * VARIANTS));
  }

  /** The table of the operations of an interpreter. @throws Error for a module that is none */
  static ofModule(module: WebAssembly.Module): OperationTable {
    const [section] = WebAssembly.Module.customSections(module, OPERATION_SECTION);
    if (section === undefined) throw new Error('the interpreter module does not list its operations');
    return new OperationTable(new Uint16Array(section));
  }

  /** The content of the section. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#entries.buffer);
  }

  set(
    id: number,
    { length, near, discards }: AskedVariant,
    operation: { readonly number: number; readonly near: boolean },
  ): void {
    this.#entries[place(id, length, near, discards)] = operation.number | (operation.near ? NEAR : 0);
  }

  /** An entry, of which {@link numberOf} and {@link isNear} are the parts. */
  find(id: number, length: number, near: boolean, discards: boolean): number {
    const entry = this.#entries[place(id, length, near, discards)] ?? 0;
    if (entry === 0) throw new Error(`instruction ${id} has no operation of length ${length}`);
    return entry;
  }
}

/** The number of an entry's operation. */
export function numberOf(entry: number): number {
  return entry & ~NEAR;
}

/** Whether an entry's operation wants its target as a distance between slots. */
export function isNear(entry: number): boolean {
  return (entry & NEAR) !== 0;
}
