import { defineFloat, floatFunctions } from '../../float/float.ts';
import type { Xlen } from '../../isa/index.ts';
import {
  call,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Local,
  type MemoryLimits,
  ModuleBuilder,
  select,
} from '../../wasm/index.ts';
import { EXCLUSION } from '../exclusion.ts';
import { EXIT, FIELD } from '../layout.ts';
import { CALL_RESULT, type CallOuts } from './call-outs.ts';
import { generateRun, type Helpers, type Library, type Outlined } from './dispatch-loop.ts';
import { defineAsideEnd, defineEnterRegion } from './enter-region.ts';
import { defineSamePage, findSlot } from './fetch-code.ts';
import type { Frame } from './frame.ts';
import { OPERATION_SECTION } from './operation-table.ts';
import { mayCall, operationsOf } from './operations.ts';
import { declinePrivileged, definePrivileged } from './privileged-code.ts';
import { generateOperation } from './slot-operands.ts';
import { SLOT } from './slots.ts';
import { generateSystem } from './system-code.ts';
import { defineVectorLength, defineVectorStep } from './vector-code.ts';

/**
 * Instructions between two looks at the exit-request word. Small enough for a kick to take effect within
 * microseconds, large enough to cost nothing.
 */
const CHUNK = 1024;
/** A linear congruential generator: those of its bits that are used, the highest, have the longest period. */
const RANDOM = { factor: 1_664_525, addend: 1_013_904_223 } as const;

/**
 * Generates the interpreter: a module that imports `env.memory` and the call-outs, and exports
 * `run(hart): exit status`, `samePage(a, b)`, and for compiled regions the functions of float/, `vectorStep` and its
 * neighbours, `csr` and `zeroBlock`.
 *
 * It is one loop around a `br_table` over decoded slots: on V8 that is three to four times faster than a function for
 * each instruction with tail calls, because nothing is saved and restored between instructions. Nothing in the loop
 * calls anything, or the engine would keep its locals on the stack: code that has to is behind the loop, which then
 * begins anew.
 */
export function generateInterpreter(
  limits: MemoryLimits,
  xlen: Xlen = 64,
  shortcuts = true,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(limits);
  const out = importCallOuts(module);
  module.importTable('env', 'regions');
  const lookup = defineLookup(module);
  const poll = definePoll(module, out.sample);
  const definePaths = shortcuts ? definePrivileged : declinePrivileged;
  const privileged = definePaths(module, { xlen, out, lookup, poll, samePage: defineSamePage(module) });
  const { fetch, fetchPage } = privileged;
  const { deoptimize, stretch } = out;
  const regionParts = { xlen, lookup, poll, fetch, fetchPage, deoptimize, stretch };
  const helpers: Helpers = {
    lookup,
    poll,
    enterRegion: defineEnterRegion(module, regionParts),
    asideEnd: defineAsideEnd(module, regionParts),
  };
  const library: Library = { xlen, out, float: defineFloat(module), privileged };
  for (const ref of [...floatFunctions(library.float), privileged.csr, privileged.zeroBlock])
    module.export(ref);
  defineVectorLength(module);
  const outlined = defineOutlined(module, library);
  module.function('run', ['i32'], 'i32', (f) => generateRun(f, library, helpers, outlined), true);
  module.custom(OPERATION_SECTION, operationsOf(xlen).table().toBytes());
  return module.toBytes();
}

function importCallOuts(module: ModuleBuilder): CallOuts {
  const status = (name: string) => module.import('env', name, [], 'i32');
  const statusOf = (name: string) => module.import('env', name, ['i32'], 'i32');
  return {
    decode: module.import('env', 'decode', [], 'void'),
    sample: module.import('env', 'sample', [], 'void'),
    stretch: module.import('env', 'stretch', [], 'void'),
    deoptimize: module.import('env', 'deoptimize', [], 'void'),
    time: module.import('env', 'time', [], 'void'),
    fetch: status('fetch'),
    straddle: status('straddle'),
    system: status('system'),
    illegal: status('illegal'),
    load: statusOf('load'),
    store: statusOf('store'),
    message: statusOf('message'),
    atomic: statusOf('atomic'),
  };
}

/** `lookup(hart, address)`: makes the address's decoded page current; the slot, or 0 if TypeScript must find it. */
function defineLookup(module: ModuleBuilder): FunctionRef<'i32'> {
  return module.function('lookup', ['i32', 'i64'], 'i32', (f) => {
    f.block((unknown) => f.return(findSlot(f, f.param(0, 'i32'), f.param(1, 'i64'), unknown)));
    f.return(i32.const(0));
    f.unreachable();
  });
}

/**
 * `poll(hart)`: accounts for the chunk that has ended and grants the next one.
 * Not 0: fuel is used up, the guest waits for somebody, or somebody wants the hart to leave.
 */
function definePoll(module: ModuleBuilder, sample: FunctionRef<'void'>): FunctionRef<'i32'> {
  return module.function('poll', ['i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const spent = f.let(i32.load(hart, FIELD.budget));
    const before = f.let(i32.load(hart, FIELD.chunk));
    const retired = f.let(i32.sub(before, spent));
    const fuel = f.let(i32.sub(i32.load(hart, FIELD.fuel), retired));
    const instret = i64.add(i64.load(hart, FIELD.instret), i64.extend_i32_s(retired));
    f.store('i64.store', hart, instret, FIELD.instret);
    f.store('i32.store', hart, fuel, FIELD.fuel);
    f.store('i32.store', hart, i32.const(0), FIELD.chunk);
    f.store('i32.store', hart, i32.const(0), FIELD.budget);
    // Pairs with the store of a kick: a thread that wants the hart out sets this word last.
    const asked = i32.atomic.load(i32.load(hart, FIELD.exitRequest));
    // Pairs with the stores of a hart that works alone.
    const owned = i32.atomic.load(i32.load(hart, FIELD.exclusion), EXCLUSION.at.owned);
    const wanted = i32.or(asked, owned);
    const waits = i32.le_s(i32.load(hart, FIELD.pauses), i32.const(0));
    f.if(i32.or(i32.or(wanted, waits), i32.le_s(fuel, i32.const(0))), () => {
      f.store('i32.store', hart, i32.const(EXIT.yield), FIELD.exit);
      f.return(i32.const(CALL_RESULT.leave));
    });
    const length = f.let(i32.const(CHUNK));
    f.if(i32.eqz(before), () => f.set(length, firstChunk(f, hart)));
    const chunk = f.let(select(i32.lt_s(fuel, length), fuel, length));
    f.store('i32.store', hart, i32.sub(i32.load(hart, FIELD.stretchLength), spent), FIELD.stretchLength);
    f.store('i32.store', hart, chunk, FIELD.chunk);
    f.store('i32.store', hart, chunk, FIELD.budget);
    f.if(i32.load(hart, FIELD.regions), () => f.call(sample));
    f.return(i32.const(CALL_RESULT.proceed));
    f.unreachable();
  });
}

/**
 * The length of the first chunk of a run, 1 to {@link CHUNK}. Many runs begin with an interrupt, so that chunks of one
 * length would end at the same places of its handler each time: samples would meet those only, and the code in between
 * would be interpreted for ever.
 */
function firstChunk(f: FunctionBuilder, hart: Local<'i32'>): I32 {
  const { factor, addend } = RANDOM;
  const scaled = i32.mul(i32.load(hart, FIELD.chunkSeed), i32.const(factor));
  const seed = f.let(i32.add(scaled, i32.const(addend)));
  f.store('i32.store', hart, seed, FIELD.chunkSeed);
  return i32.add(i32.shr_u(seed, i32.const(32 - Math.log2(CHUNK))), i32.const(1));
}

/** One function for each operation that may make calls: `(hart, slot) -> status`. */
function defineOutlined(module: ModuleBuilder, library: Library): Outlined {
  const functions = new Map<number, FunctionRef<'i32'>>();
  const vectorStep = library.xlen === 64 ? defineVectorStep(module) : undefined;
  const refuse = (): never => {
    throw new Error('only operations in the dispatch loop may jump');
  };
  for (const operation of operationsOf(library.xlen).all) {
    if (!mayCall(operation)) continue;
    const name = `op ${operation.instruction.name}${operation.length === 2 ? ' (c)' : ''}`;
    const ref = module.function(name, ['i32', 'i32'], 'i32', (f) => {
      const frame: Frame = {
        f,
        hart: f.param(0, 'i32'),
        slot: f.param(1, 'i32'),
        ...library,
        callOut: (callee, ...args) => {
          const status = f.let(call(callee, ...args));
          f.if(status, () => f.return(status));
        },
        goNear: refuse,
        goFar: refuse,
      };
      // Its slots have the encoding; all vector instructions share one operation.
      if (operation.instruction.vector !== undefined && vectorStep !== undefined) {
        const status = call(vectorStep, frame.hart, i32.load(frame.slot, SLOT.c));
        f.if(i32.eqz(status), () => f.return(i32.const(CALL_RESULT.proceed)));
      }
      generateSystem(frame, operation.instruction.name);
      generateOperation(frame, operation);
      f.return(i32.const(CALL_RESULT.proceed));
      f.unreachable();
    });
    functions.set(operation.number, ref);
  }
  return functions;
}
