import type { Decoded, Extension, VectorShape } from '../../isa/index.ts';
import { lmulOf, sewOf } from '../../isa/index.ts';
import { REGION_RECORDS } from '../area.ts';
import type { HartDebug } from '../debug/hart-debug.ts';
import { CAUSE, type Exception, fillException } from '../exceptions.ts';
import { FIELD, VECTOR_PLAN, VECTOR_PLANS } from '../layout.ts';
import type { MemoryAccess } from '../memory-access.ts';
import { OUTCOME, type Outcome } from '../privileged/context.ts';
import { isVectorOff, markVectorDirty } from '../privileged/status.ts';
import type { HartState } from '../state.ts';
import { ACCESS_RESULT, type AccessResult, KERNEL, type KernelSetting } from './kernel-frame.ts';
import { floatUseOf, generateKernel } from './kernel-module.ts';
import { isLegal } from './legality.ts';
import { PLAN, planOffset } from './plans.ts';

type Kernel = (hart: number, bits: number) => number;

/** A kernel and its place in the table of functions. */
interface Placed {
  readonly run: Kernel;
  readonly element: number;
}

export interface VectorParts {
  readonly state: HartState;
  readonly access: MemoryAccess;
  readonly exception: Exception;
  readonly debug: HartDebug;
  /** Generated code calls kernels through it; compiled regions have their places in it, too. */
  readonly table: WebAssembly.Table;
  /** VLEN in bits. */
  readonly vlen: number;
  readonly extensions: ReadonlySet<Extension>;
  /** The functions of float/ by their names. */
  readonly float: () => WebAssembly.Exports;
}

/** Limits of the memory that kernels import: all that there can be. */
const LIMITS = { minimum: 1, maximum: 65536 } as const;

/**
 * Carries vector instructions out. Each instruction, with what it needs to know of vtype, becomes a function of
 * WebAssembly when it is first met: its kernel. Generated code finds kernels by encoding and vtype and calls them
 * itself; it comes here for what it does not know yet, for exceptions, and for memory that the TLB does not have.
 */
export class VectorUnit {
  readonly #parts: VectorParts;
  readonly #vlenb: number;
  readonly #kernels = new Map<string, Placed>();
  /** Memory may be accessed beyond what the TLB has: the instruction is carried out from here. */
  #direct = false;

  constructor(parts: VectorParts) {
    this.#parts = parts;
    this.#vlenb = parts.vlen / 8;
    parts.state.words[FIELD.vlenb >> 2] = this.#vlenb;
    this.#forget();
    // Places up to there are those of compiled regions.
    const { table } = parts;
    if (table.length < REGION_RECORDS) table.grow(REGION_RECORDS - table.length);
  }

  /** Carries the instruction out, from vstart on. The exception record is filled in if it raises one. */
  execute(decoded: Decoded): Outcome {
    const { vector } = decoded.instruction;
    const { state, extensions } = this.#parts;
    const vtype = state.words[FIELD.vtype >> 2] as number;
    if (vector === undefined || isVectorOff(state) || !isLegal(decoded, vector, vtype, extensions)) {
      return this.#illegal(decoded);
    }
    const kernel = this.#kernelOf(decoded, vector, vtype);
    this.#note(decoded.bits, vtype, kernel.element);
    this.#direct = true;
    const result = kernel.run(state.base, decoded.bits);
    this.#direct = false;
    const isMemory = vector.kind === 'memory';
    // All but accesses stop before they have done anything: because of vstart, frm, or floating point that is off.
    if (result !== KERNEL.done && !isMemory) return this.#illegal(decoded);
    markVectorDirty(state);
    return result === KERNEL.done ? OUTCOME.next : OUTCOME.exception;
  }

  /** The call-outs of kernels. */
  readonly #load = (kind: number): AccessResult => this.#result(() => this.#parts.access.load(kind));
  readonly #store = (bytes: number): AccessResult => this.#result(() => this.#parts.access.store(bytes));

  #result(access: () => boolean): AccessResult {
    if (!this.#direct) return ACCESS_RESULT.declined;
    if (access()) return ACCESS_RESULT.done;
    return this.#parts.debug.hit === undefined ? ACCESS_RESULT.exception : ACCESS_RESULT.declined;
  }

  #illegal({ bits }: Decoded): Outcome {
    fillException(this.#parts.exception, CAUSE.illegalInstruction, bits | 0, 0, false);
    return OUTCOME.exception;
  }

  #note(bits: number, vtype: number, element: number): void {
    const { words } = this.#parts.state;
    const at = planOffset(bits, vtype);
    words[(PLAN.bits + at) >> 2] = bits;
    words[(PLAN.vtype + at) >> 2] = vtype;
    words[(PLAN.element + at) >> 2] = element;
  }

  #kernelOf(decoded: Decoded, shape: VectorShape, vtype: number): Placed {
    const { instruction, rm } = decoded;
    const masked = instruction.format.fields.has('vm') && rm === 0;
    const setting = { vlenb: this.#vlenb, sew: sewOf(vtype), lmul: lmulOf(vtype), masked };
    const key = `${instruction.id} ${keyOf(shape, setting)}`;
    const known = this.#kernels.get(key);
    if (known !== undefined) return known;
    const kernel = this.#place(shape, setting);
    this.#kernels.set(key, kernel);
    return kernel;
  }

  #place(shape: VectorShape, setting: KernelSetting): Placed {
    const { table, state, float } = this.#parts;
    const module = new WebAssembly.Module(generateKernel(shape, setting, LIMITS));
    const env = { memory: state.memory, load: this.#load, store: this.#store };
    const imports = floatUseOf(shape) === undefined ? { env } : { env, float: float() };
    const { run } = new WebAssembly.Instance(module, imports).exports;
    if (typeof run !== 'function') throw new Error('a module of a vector instruction exports nothing');
    const element = table.grow(1, run);
    return { run: run as Kernel, element };
  }

  /** Memory may have had another hart here, whose kernels are not ours. */
  #forget(): void {
    const { words } = this.#parts.state;
    const start = FIELD.vectorPlans >> 2;
    words.fill(0, start, start + (VECTOR_PLANS * VECTOR_PLAN.bytes) / 4);
  }
}

/** What of vtype and mask makes a difference for a kernel. */
function keyOf(shape: VectorShape, { sew, lmul, masked }: KernelSetting): string {
  switch (shape.kind) {
    case 'configuration':
    case 'mask-logic':
      return '';
    case 'memory':
    case 'special':
      return `${sew} ${lmul} ${masked}`;
    default:
      return `${sew} ${masked}`;
  }
}
