import { defineFloat, type FloatFunctions, floatFunctions } from '../../float/float.ts';
import { addressWithin, effectsOf, emitSemantics, type Xlen } from '../../isa/index.ts';
import {
  call,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Label,
  type Local,
  type MemoryLimits,
  ModuleBuilder,
  select,
} from '../../wasm/index.ts';
import { EXCLUSION } from '../exclusion.ts';
import { EXIT, FIELD, TLB } from '../layout.ts';
import { CALL_RESULT, type CallOuts } from './call-outs.ts';
import { defineAsideEnd, defineEnterRegion } from './enter-region.ts';
import { defineSamePage } from './fetch-code.ts';
import type { Frame } from './frame.ts';
import { type Operation, operationsOf } from './operations.ts';
import { declinePrivileged, definePrivileged, type PrivilegedCode } from './privileged-code.ts';
import { currentPc, slotSemantics } from './slot-operands.ts';
import { CODE_PAGE, OPERATION, SLOT, SLOT_SCALE } from './slots.ts';
import { generateSystem } from './system-code.ts';
import { DATUM, tlbEntry } from './tlb-code.ts';
import { defineVectorLength, defineVectorStep } from './vector-code.ts';

/**
 * Instructions between two looks at the exit-request word. Small enough for a kick to take effect within
 * microseconds, large enough to cost nothing.
 */
const CHUNK = 1024;

/** The width of the hart, and functions that every generated function may call. */
export interface Library {
  readonly xlen: Xlen;
  readonly out: CallOuts;
  readonly float: FloatFunctions;
  readonly privileged: PrivilegedCode;
}

interface Helpers {
  readonly lookup: FunctionRef<'i32'>;
  readonly poll: FunctionRef<'i32'>;
  readonly enterRegion: FunctionRef<'i32'>;
  readonly asideEnd: FunctionRef<'i32'>;
}

/** Functions of operations that are not in the dispatch loop, or not always, by operation number. */
type Outlined = ReadonlyMap<number, FunctionRef<'i32'>>;

/**
 * Generates the interpreter: a module that imports `env.memory` and the call-outs, and exports
 * `run(hart): exit status`, `samePage(a, b)`, and for compiled regions the functions of float/, `vectorStep` and its
 * neighbours, `csr` and `zeroBlock`.
 *
 * It is one loop around a `br_table` over decoded slots: on V8 that is three to four times faster than a function for
 * each instruction with tail calls, because nothing is saved and restored between instructions. Nothing in the loop
 * calls anything, or the engine would keep its locals on the stack: what has to is behind the loop, which then begins
 * anew.
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

/** Makes the decoded page of an address current, if the TLB knows it: the address's slot, or a branch. */
function findSlot(f: FunctionBuilder, hart: Local<'i32'>, target: Local<'i64'>, unknown: Label): I32 {
  const entry = f.let(tlbEntry(hart, target));
  const page = f.let(i64.and(target, i64.const(-4096)));
  // An odd target cannot come up: jalr clears bit 0 and immediates are even.
  const wanted = i64.or(page, i64.load(hart, FIELD.fetchKey));
  f.brIf(unknown, i64.ne(i64.load(entry, TLB.fetches), wanted));
  const slots = f.let(i32.load(entry, TLB.fetches + DATUM));
  f.store('i32.store', hart, slots, FIELD.pageSlots);
  f.store('i64.store', hart, page, FIELD.pageAddress);
  const offset = i32.and(i32.wrap_i64(target), i32.const(0xffe));
  return i32.add(slots, i32.mul(offset, i32.const(SLOT_SCALE)));
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
    const retired = f.let(i32.sub(i32.load(hart, FIELD.chunk), spent));
    const fuel = f.let(i32.sub(i32.load(hart, FIELD.fuel), retired));
    const instret = i64.add(i64.load(hart, FIELD.instret), i64.extend_i32_s(retired));
    f.store('i64.store', hart, instret, FIELD.instret);
    f.store('i32.store', hart, fuel, FIELD.fuel);
    f.store('i32.store', hart, i32.const(0), FIELD.chunk);
    f.store('i32.store', hart, i32.const(0), FIELD.budget);
    // Pairs with the store of a kick: whoever wants the hart out sets this word last.
    const asked = i32.atomic.load(i32.load(hart, FIELD.exitRequest));
    // Pairs with the stores of a hart that works alone.
    const owned = i32.atomic.load(i32.load(hart, FIELD.exclusion), EXCLUSION.at.owned);
    const wanted = i32.or(asked, owned);
    const waits = i32.le_s(i32.load(hart, FIELD.pauses), i32.const(0));
    f.if(i32.or(i32.or(wanted, waits), i32.le_s(fuel, i32.const(0))), () => {
      f.store('i32.store', hart, i32.const(EXIT.yield), FIELD.exit);
      f.return(i32.const(CALL_RESULT.leave));
    });
    const chunk = f.let(select(i32.lt_s(fuel, i32.const(CHUNK)), fuel, i32.const(CHUNK)));
    f.store('i32.store', hart, i32.sub(i32.load(hart, FIELD.stretchLength), spent), FIELD.stretchLength);
    f.store('i32.store', hart, chunk, FIELD.chunk);
    f.store('i32.store', hart, chunk, FIELD.budget);
    f.if(i32.load(hart, FIELD.regions), () => f.call(sample));
    f.return(i32.const(CALL_RESULT.proceed));
    f.unreachable();
  });
}

/** Whether the dispatch loop may have to leave an operation to a function. */
function mayCall({ inline, instruction }: Operation): boolean {
  return !inline || instruction.needsFloat || effectsOf(instruction).accessBytes !== 0;
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

function generateOperation(frame: Frame, operation: Operation): void {
  if (operation.instruction.needsFloat) {
    frame.f.if(i32.load(frame.hart, FIELD.floatOff), () => {
      frame.callOut(frame.out.illegal);
    });
  }
  emitSemantics(operation.instruction, slotSemantics(frame, operation), frame.xlen);
}

/** What is done for operations, by their numbers. */
type Handlers = ReadonlyMap<number, () => void>;
type Labels = ReadonlyMap<number, Label>;

/** Blocks within each other, behind the end of each of which a handler stands that goes on at `next`. */
function withHandlers(
  f: FunctionBuilder,
  handlers: Handlers,
  next: Label,
  inner: (labels: Labels) => void,
): void {
  const left = [...handlers];
  const labels = new Map<number, Label>();
  const nest = (index: number): void => {
    const entry = left[index];
    if (entry === undefined) {
      inner(labels);
      return;
    }
    const [number, handle] = entry;
    f.block((label) => {
      labels.set(number, label);
      nest(index + 1);
    });
    f.scope(handle);
    f.br(next);
  };
  nest(0);
}

/** The dispatch loop, and behind it everything that makes calls. */
class RunGenerator {
  readonly #f: FunctionBuilder;
  readonly #library: Library;
  readonly #helpers: Helpers;
  readonly #outlined: Outlined;
  readonly #hart: Local<'i32'>;
  readonly #slot: Local<'i32'>;
  readonly #budget: Local<'i32'>;
  readonly #status: Local<'i32'>;
  readonly #target: Local<'i64'>;

  constructor(f: FunctionBuilder, library: Library, helpers: Helpers, outlined: Outlined) {
    this.#f = f;
    this.#library = library;
    this.#helpers = helpers;
    this.#outlined = outlined;
    this.#hart = f.param(0, 'i32');
    this.#slot = f.local('i32');
    this.#budget = f.local('i32');
    this.#status = f.local('i32');
    this.#target = f.local('i64');
  }

  generate(): void {
    const f = this.#f;
    f.loop((reload) => {
      f.set(this.#slot, i32.load(this.#hart, FIELD.slot));
      f.set(this.#budget, i32.load(this.#hart, FIELD.budget));
      f.store('i32.store', this.#hart, this.#slot, FIELD.stretch);
      f.store('i32.store', this.#hart, this.#budget, FIELD.stretchLength);
      f.store('i64.store', this.#hart, i64.load(this.#hart, FIELD.pageAddress), FIELD.stretchPage);
      f.block((changed) => {
        f.loop((again) => this.#phases(again, changed));
      });
      f.if(i32.eq(this.#status, i32.const(CALL_RESULT.leave)), () =>
        f.return(i32.load(this.#hart, FIELD.exit)),
      );
      f.br(reload);
    });
    f.unreachable();
  }

  /** The dispatch loop within blocks that end where its parts behind it begin. */
  #phases(again: Label, changed: Label): void {
    const f = this.#f;
    const behind = (generate: (label: Label) => void, then: () => void): void => {
      f.block(generate);
      f.scope(then);
      f.br(again);
    };
    behind(
      (aside) =>
        behind(
          (unknown) =>
            behind(
              (spent) => this.#operations({ aside, unknown, spent, changed }, again),
              () => this.#poll(changed),
            ),
          () => this.#fetch(changed),
        ),
      () => this.#aside(changed),
    );
  }

  /** Makes the state in memory current before anything outside of the loop runs. */
  #spill(): void {
    this.#f.store('i32.store', this.#hart, this.#slot, FIELD.slot);
    this.#f.store('i32.store', this.#hart, this.#budget, FIELD.budget);
  }

  #callOut(callee: FunctionRef<'i32'>, args: readonly I32[], changed: Label): void {
    const f = this.#f;
    this.#spill();
    f.set(this.#status, call(callee, ...args));
    f.brIf(changed, this.#status);
  }

  #poll(changed: Label): void {
    const f = this.#f;
    this.#callOut(this.#helpers.poll, [this.#hart], changed);
    f.set(this.#budget, i32.load(this.#hart, FIELD.budget));
  }

  /** Continues at `target`, whose page the TLB does not know. */
  #fetch(changed: Label): void {
    const f = this.#f;
    f.store('i64.store', this.#hart, this.#target, FIELD.pc);
    f.store('i32.store', this.#hart, this.#budget, FIELD.budget);
    f.set(this.#status, call(this.#library.privileged.fetch, this.#hart));
    f.brIf(changed, this.#status);
    f.set(this.#slot, i32.load(this.#hart, FIELD.slot));
    f.if(i32.le_s(this.#budget, i32.const(0)), () => this.#poll(changed));
  }

  /** Carries out an operation of the loop by its function, which may do what the loop must not. */
  #aside(changed: Label): void {
    const { all } = operationsOf(this.#library.xlen);
    const others = all.filter((operation) => operation.inline && mayCall(operation));
    const numbers = others.map(({ number }) => number);
    const first = Math.min(...numbers);
    const handlers = new Map(
      others.map((operation) => [operation.number, () => this.#outlinedOperation(operation, changed)]),
    );
    const f = this.#f;
    f.block((done) =>
      withHandlers(f, handlers, done, (labels) => {
        const count = Math.max(...numbers) - first + 1;
        const table = Array.from({ length: count }, (_, index) => labels.get(first + index) ?? done);
        f.brTable(table, done, i32.sub(i32.load16_u(this.#slot), i32.const(first)));
      }),
    );
  }

  /** The loop, and behind it the operations that are not in it. */
  #operations(labels: PhaseLabels, again: Label): void {
    const f = this.#f;
    const { out, xlen } = this.#library;
    const { changed } = labels;
    const behind = new Map<number, () => void>([
      [OPERATION.decode, () => this.#decode()],
      [OPERATION.straddle, () => this.#straddle(changed)],
      [OPERATION.illegal, () => this.#callOut(out.illegal, [], changed)],
      [OPERATION.region, () => this.#outside(this.#helpers.enterRegion, changed)],
      [OPERATION.asideEnd, () => this.#outside(this.#helpers.asideEnd, changed)],
    ]);
    for (const operation of operationsOf(xlen).all) {
      if (!operation.inline) behind.set(operation.number, () => this.#outlinedOperation(operation, changed));
    }
    withHandlers(f, behind, again, (known) => this.#loop(labels, known));
  }

  /** The dispatch loop. @param behind where the operations are that are not in it */
  #loop({ aside, unknown, spent, changed }: PhaseLabels, behind: Labels): void {
    const f = this.#f;
    f.loop((dispatch) => {
      f.block((far) => {
        f.block((near) => this.#table({ dispatch, far, near, aside, changed }, behind));
        // A taken branch within the page: the slot is set.
        f.brIf(dispatch, i32.gt_s(this.#budget, i32.const(0)));
        f.br(spent);
      });
      f.scope(() => f.set(this.#slot, findSlot(f, this.#hart, this.#target, unknown)));
      f.brIf(spent, i32.le_s(this.#budget, i32.const(0)));
      f.br(dispatch);
    });
    f.unreachable();
  }

  #table(labels: LoopLabels, behind: Labels): void {
    const f = this.#f;
    const { all } = operationsOf(this.#library.xlen);
    const handlers = new Map<number, () => void>([
      [OPERATION.pageEnd, () => this.#pageEnd(labels)],
      [OPERATION.nop4, () => this.#advance(4)],
      [OPERATION.nop2, () => this.#advance(2)],
    ]);
    for (const operation of all) {
      if (operation.inline) handlers.set(operation.number, () => this.#operation(operation, labels));
    }
    withHandlers(f, new Map([...handlers].reverse()), labels.dispatch, (inner) => {
      f.set(this.#budget, i32.sub(this.#budget, i32.const(1)));
      const table = Array.from(
        { length: OPERATION.firstInstruction + all.length },
        (_, number) => inner.get(number) ?? behind.get(number) ?? labels.changed,
      );
      f.brTable(table, behind.get(OPERATION.illegal) ?? labels.changed, i32.load16_u(this.#slot));
    });
  }

  #advance(bytes: number): void {
    this.#f.set(this.#slot, i32.add(this.#slot, i32.const(bytes * SLOT_SCALE)));
  }

  /** Operations that are not instructions do not count as one. */
  #refund(): void {
    this.#f.set(this.#budget, i32.add(this.#budget, i32.const(1)));
  }

  #decode(): void {
    this.#refund();
    this.#spill();
    this.#f.call(this.#library.out.decode);
  }

  #pageEnd(labels: LoopLabels): void {
    this.#refund();
    this.#f.set(this.#target, addressWithin(this.#library.xlen, currentPc(this.#frame(labels))));
    this.#f.br(labels.far);
  }

  /** Without a call-out if the next page is known and nothing has changed since the instruction was decoded. */
  #straddle(changed: Label): void {
    const f = this.#f;
    this.#refund();
    const behind = i64.add(i64.load(this.#hart, FIELD.pageAddress), i64.const(4096));
    const page = f.let(addressWithin(this.#library.xlen, behind));
    const entry = f.let(tlbEntry(this.#hart, page));
    const slots = f.let(i32.load(this.#hart, FIELD.pageSlots));
    const tag = i64.or(page, i64.load(this.#hart, FIELD.fetchKey));
    const translated = i64.eq(i64.load(entry, TLB.fetches), tag);
    const samePage = i32.eq(i32.load(entry, TLB.fetches + DATUM), i32.load(slots, CODE_PAGE.straddlingFor));
    const unchanged = i32.eq(
      i32.load(this.#hart, FIELD.codeGeneration),
      i32.load(slots, CODE_PAGE.straddlingFor + 4),
    );
    f.if(
      i32.and(i32.and(translated, samePage), unchanged),
      () => {
        f.set(this.#slot, i32.add(slots, i32.const(CODE_PAGE.straddling)));
        const apparent = i32.sub(this.#slot, i32.const((CODE_PAGE.halfwords - 1) * SLOT.bytes));
        f.store('i32.store', this.#hart, apparent, FIELD.pageSlots);
      },
      () => {
        this.#callOut(this.#library.out.straddle, [], changed);
        f.set(this.#slot, i32.load(this.#hart, FIELD.slot));
      },
    );
  }

  /** Leaves it to a function; what it does counts there. */
  #outside(callee: FunctionRef<'i32'>, changed: Label): void {
    this.#refund();
    this.#callOut(callee, [this.#hart, this.#slot], changed);
  }

  #outlinedOperation({ number, length }: Operation, changed: Label): void {
    const ref = this.#outlined.get(number);
    if (ref === undefined) throw new Error(`operation ${number} has no function`);
    this.#callOut(ref, [this.#hart, this.#slot], changed);
    this.#advance(length);
  }

  #operation(operation: Operation, labels: LoopLabels): void {
    generateOperation(this.#frame(labels), operation);
    this.#advance(operation.length);
  }

  #frame({ aside, near, far }: LoopLabels): Frame {
    const f = this.#f;
    return {
      f,
      hart: this.#hart,
      slot: this.#slot,
      ...this.#library,
      callOut: () => f.br(aside),
      goNear: (distance) => {
        f.set(this.#slot, i32.add(this.#slot, distance));
        f.br(near);
      },
      goFar: (target) => {
        f.set(this.#target, target);
        f.br(far);
      },
    };
  }
}

/** Places behind the dispatch loop. */
interface PhaseLabels {
  /** Carry out the current instruction by the function of its operation. */
  readonly aside: Label;
  /** Go to the address in the target local, whose page the TLB does not know. */
  readonly unknown: Label;
  /** The budget is used up. */
  readonly spent: Label;
  /** The status is not `proceed`. */
  readonly changed: Label;
}

interface LoopLabels {
  /** Carry out what the current slot says. */
  readonly dispatch: Label;
  /** Go to the address in the target local. */
  readonly far: Label;
  /** A jump within the page was taken. */
  readonly near: Label;
  readonly aside: Label;
  readonly changed: Label;
}

function generateRun(f: FunctionBuilder, library: Library, helpers: Helpers, outlined: Outlined): void {
  new RunGenerator(f, library, helpers, outlined).generate();
}
