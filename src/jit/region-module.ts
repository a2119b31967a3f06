import { declareFloat, type FloatFunctions, floatFunctions } from '../float/float.ts';
import {
  ByteWriter,
  FunctionBuilder,
  type FunctionRef,
  type MemoryLimits,
  ModuleBuilder,
  writeSingleFunction,
} from '../wasm/index.ts';

const PARAMETERS = ['i32'] as const;
/**
 * Shells that are kept; for more, all are made anew. A guest chooses the order of its imports, of which there is no
 * end.
 */
const MOST_SHELLS = 128;

/** Carries out a vector instruction with an encoding by its kernel: see `src/hart/interpreter/vector-code.ts`. */
export const VECTOR_STEP = {
  // A number that no function of floating point has.
  index: 1 + Math.max(...floatFunctions(declareFloat()).map(({ index }) => index)),
  name: 'vectorStep',
  params: ['i32', 'i32'],
  result: 'i32',
} as const satisfies FunctionRef<'i32'>;

/** Reads vl; the result is less than 0 where that is illegal. */
export const VECTOR_LENGTH = {
  ...{ index: VECTOR_STEP.index + 1, name: 'vectorLength', params: ['i32'], result: 'i64' },
} as const satisfies FunctionRef<'i64'>;

/** Zeroes the block at an address (CBO.ZERO): see `src/hart/interpreter/privileged-code.ts`. @returns 0: not done */
export const ZERO_BLOCK = {
  ...{ index: VECTOR_STEP.index + 2, name: 'zeroBlock', params: ['i32', 'i64'], result: 'i32' },
} as const satisfies FunctionRef<'i32'>;

/**
 * Accesses a CSR by its number, with a kind of change, an operand and the offset of rd: see
 * `src/hart/interpreter/csr-code.ts`. @returns 0: not done
 */
export const ACCESS_CSR = {
  index: VECTOR_STEP.index + 3,
  name: 'csr',
  params: ['i32', 'i32', 'i32', 'i64', 'i32'],
  result: 'i32',
} as const satisfies FunctionRef<'i32'>;

const OTHERS: readonly FunctionRef[] = [VECTOR_STEP, VECTOR_LENGTH, ZERO_BLOCK, ACCESS_CSR];

/** The sections around the code of a module. */
interface Shell {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** The functions that a region imports, in the order in which they are first called. */
export class Imports {
  /** By their numbers among all functions of floating point, behind which the others are. */
  readonly numbers: number[] = [];

  /** The index of a function in the region's module. */
  indexOf(number: number): number {
    const known = this.numbers.indexOf(number);
    return known < 0 ? this.numbers.push(number) - 1 : known;
  }
}

/**
 * Modules of regions: one function `region`, and functions of floating point, for vectors and for the privileged
 * architecture as imports. The surroundings of the code are the same for all with the same imports, most of which have
 * none; buffers are used again.
 */
export class RegionModules {
  /** The functions that can be called, with the numbers of {@link Imports}. */
  readonly float: FloatFunctions = declareFloat();
  readonly #limits: MemoryLimits;
  readonly #functions: ReadonlyMap<number, FunctionRef>;
  readonly #shells = new Map<string, Shell>();
  readonly #code = new ByteWriter(16_384);
  readonly #body = new ByteWriter(16_384);
  readonly #module = new ByteWriter(16_384);

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
    this.#functions = byNumber(this.float);
  }

  /** How many shells are kept. */
  get shells(): number {
    return this.#shells.size;
  }

  /** The function of the next region; the one before must be complete. */
  function(): FunctionBuilder {
    return new FunctionBuilder(PARAMETERS, this.#code);
  }

  /** The module around a function. */
  bytes(builder: FunctionBuilder, { numbers }: Imports): Uint8Array<ArrayBuffer> {
    const { head, tail } = this.#shellFor(numbers);
    const out = this.#module;
    out.reset();
    out.bytes(head);
    writeSingleFunction(out, numbers.length, builder, this.#body);
    out.bytes(tail);
    return out.toBytes();
  }

  #shellFor(numbers: readonly number[]): Shell {
    const key = numbers.join();
    const known = this.#shells.get(key);
    if (known !== undefined) return known;
    const module = new ModuleBuilder(this.#limits);
    for (const number of numbers) {
      const ref = this.#functions.get(number);
      if (ref === undefined) throw new Error(`there is no function ${number}`);
      module.import('float', ref.name, ref.params, ref.result);
    }
    module.declare('region', PARAMETERS, 'i32', true);
    const head = new ByteWriter();
    const tail = new ByteWriter();
    module.writeHead(head);
    module.writeTail(tail);
    const shell = { head: head.toBytes(), tail: tail.toBytes() };
    if (this.#shells.size >= MOST_SHELLS) this.#shells.clear();
    this.#shells.set(key, shell);
    return shell;
  }
}

function byNumber(functions: FloatFunctions): ReadonlyMap<number, FunctionRef> {
  return new Map([...floatFunctions(functions), ...OTHERS].map((ref) => [ref.index, ref]));
}
