import type { Decoded, Extension, VectorShape } from '../../isa/index.ts';
import { lmulOf, sewOf } from '../../isa/index.ts';
import { REGION_RECORDS } from '../area.ts';
import type { HartDebug } from '../debug/hart-debug.ts';
import { CAUSE, type Exception, fillException } from '../exceptions.ts';
import { FIELD } from '../layout.ts';
import type { MemoryAccess } from '../memory-access.ts';
import { OUTCOME, type Outcome } from '../privileged/context.ts';
import { isVectorOff, markVectorDirty } from '../privileged/status.ts';
import type { HartState } from '../state.ts';
import { ACCESS_RESULT, type AccessResult, KERNEL, type KernelSetting } from './kernel-frame.ts';
import { floatUseOf, generateKernel } from './kernel-module.ts';
import { isLegal } from './legality.ts';
import { forgetPlans, notePlan } from './plans.ts';

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

/** A guest chooses which instructions there are, of which there are more than should be kept. */
const MOST_KNOWN = 1 << 14;

/** Modules of all harts of a thread, as many as there are instructions and settings. */
const modules = new Map<string, WebAssembly.Module>();

function moduleOf(key: string, shape: VectorShape, setting: KernelSetting): WebAssembly.Module {
  const name = `${setting.vlenb} ${key}`;
  const known = modules.get(name);
  if (known !== undefined) return known;
  const module = new WebAssembly.Module(generateKernel(shape, setting, LIMITS));
  modules.set(name, module);
  return module;
}

/** Limits of the memory that kernels import: all that there can be. */
const LIMITS = { minimum: 1, maximum: 65536 } as const;

/**
 * Carries vector instructions out. Each instruction, with the facts that it needs of vtype, becomes a function of
 * WebAssembly when it is first met: its kernel. Generated code finds kernels by encoding and vtype and calls them
 * itself; it comes here for instructions that it does not know yet, for exceptions, and for memory that the TLB does
 * not have.
 */
export class VectorUnit {
  readonly #parts: VectorParts;
  readonly #vlenb: number;
  readonly #kernels = new Map<string, Placed>();
  /** Those of legal instructions, by encoding and vtype: for those that the table of the hart block has lost. */
  readonly #known = new Map<number, Placed>();
  /** Memory may be accessed beyond what the TLB has: the instruction is carried out from here. */
  #direct = false;

  constructor(parts: VectorParts) {
    this.#parts = parts;
    this.#vlenb = parts.vlen / 8;
    parts.state.words[FIELD.vlenb >> 2] = this.#vlenb;
    // Memory may have had another hart here, whose kernels are not ours.
    forgetPlans(parts.state.words);
    // Places up to there are those of compiled regions.
    const { table } = parts;
    if (table.length < REGION_RECORDS) table.grow(REGION_RECORDS - table.length);
  }

  /** Carries the instruction out, from vstart on. The exception record is filled in if it raises one. */
  execute(decoded: Decoded): Outcome {
    const { vector } = decoded.instruction;
    const { state } = this.#parts;
    if (vector === undefined || isVectorOff(state)) return this.#illegal(decoded);
    const vtype = state.words[FIELD.vtype >> 2] as number;
    const kernel = this.#legalKernel(decoded, vector, vtype);
    if (kernel === undefined) return this.#illegal(decoded);
    notePlan(state.words, decoded.bits, vtype, kernel.element);
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

  #legalKernel(decoded: Decoded, shape: VectorShape, vtype: number): Placed | undefined {
    // A legal vtype has 8 bits.
    const key = (vtype < 0 ? 2 ** 8 : vtype) * 2 ** 32 + (decoded.bits >>> 0);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (!isLegal(decoded, shape, vtype, this.#parts.extensions)) return undefined;
    const kernel = this.#kernelOf(decoded, shape, vtype);
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, kernel);
    return kernel;
  }

  #kernelOf(decoded: Decoded, shape: VectorShape, vtype: number): Placed {
    const { instruction, rm } = decoded;
    const masked = instruction.format.fields.has('vm') && rm === 0;
    const setting = { vlenb: this.#vlenb, sew: sewOf(vtype), lmul: lmulOf(vtype), masked };
    const key = `${instruction.id} ${keyOf(shape, setting)}`;
    const known = this.#kernels.get(key);
    if (known !== undefined) return known;
    const kernel = this.#place(key, shape, setting);
    this.#kernels.set(key, kernel);
    return kernel;
  }

  #place(key: string, shape: VectorShape, setting: KernelSetting): Placed {
    const { table, state, float } = this.#parts;
    const module = moduleOf(key, shape, setting);
    const env = { memory: state.memory, load: this.#load, store: this.#store };
    const imports = floatUseOf(shape) === undefined ? { env } : { env, float: float() };
    const { run } = new WebAssembly.Instance(module, imports).exports;
    if (typeof run !== 'function') throw new Error('a module of a vector instruction exports nothing');
    const element = table.grow(1, run);
    return { run: run as Kernel, element };
  }
}

/** The parts of vtype and mask that make a difference for a kernel. */
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
