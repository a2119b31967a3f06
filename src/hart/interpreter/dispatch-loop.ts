import type { FloatFunctions } from '../../float/float.ts';
import { addressWithin, type Xlen } from '../../isa/index.ts';
import {
  call,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Label,
  type Local,
} from '../../wasm/index.ts';
import { FIELD, TLB } from '../layout.ts';
import { CALL_RESULT, type CallOuts } from './call-outs.ts';
import { findSlot } from './fetch-code.ts';
import type { Frame } from './frame.ts';
import { mayCall, type Operation, operationsOf } from './operations.ts';
import type { PrivilegedCode } from './privileged-code.ts';
import { currentPc, generateOperation } from './slot-operands.ts';
import { CODE_PAGE, OPERATION, SLOT, SLOT_SCALE } from './slots.ts';
import { DATUM, tlbEntry } from './tlb-code.ts';

/** The width of the hart, and functions that every generated function may call. */
export interface Library {
  readonly xlen: Xlen;
  readonly out: CallOuts;
  readonly float: FloatFunctions;
  readonly privileged: PrivilegedCode;
}

/** Functions that the dispatch loop leads to. */
export interface Helpers {
  readonly lookup: FunctionRef<'i32'>;
  readonly poll: FunctionRef<'i32'>;
  readonly enterRegion: FunctionRef<'i32'>;
  readonly asideEnd: FunctionRef<'i32'>;
}

/** Functions of operations that are not in the dispatch loop, or not always, by operation number. */
export type Outlined = ReadonlyMap<number, FunctionRef<'i32'>>;

type Labels = ReadonlyMap<number, Label>;
/** Generators of operations, by their numbers. Each may go to handlers that stand before it in the map. */
type Handlers = ReadonlyMap<number, (labels: Labels) => void>;

/** The number of the second copy of a common operation among handlers. */
function secondCopy({ number }: Operation): number {
  return -number;
}

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
    f.scope(() => handle(labels));
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

  /** Carries out an operation of the loop by its function, which may do more than the loop must. */
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
        f.block((near) => this.#table({ dispatch, far, near, spent, aside, changed }, behind));
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

  /**
   * The table over all operations, and behind it those of the loop. Common ones come first, and lead to second copies
   * of the common ones by tables of their own: so nearly every second instruction is found without a turn of the loop,
   * and the processor predicts where each of many jumps leads, not where the one of the loop does. Blocks can be left
   * only towards code further behind, so the second copies lead to the loop.
   */
  #table(labels: LoopLabels, behind: Labels): void {
    const f = this.#f;
    const { all, common } = operationsOf(this.#library.xlen);
    const twice = new Set(common);
    const handlers = new Map<number, (known: Labels) => void>();
    for (const operation of all.toReversed()) {
      if (!operation.inline || twice.has(operation)) continue;
      handlers.set(operation.number, () => this.#operation(operation, labels));
    }
    handlers.set(OPERATION.nop2, () => this.#advance(2));
    handlers.set(OPERATION.nop4, () => this.#advance(4));
    handlers.set(OPERATION.pageEnd, () => this.#pageEnd(labels));
    for (const operation of common.toReversed()) {
      handlers.set(secondCopy(operation), () => {
        this.#count();
        this.#operation(operation, labels);
      });
    }
    for (const operation of common.toReversed()) {
      handlers.set(operation.number, (known) => this.#firstCopy(operation, labels, known));
    }
    withHandlers(f, handlers, labels.dispatch, (inner) => {
      this.#count();
      const table = Array.from(
        { length: OPERATION.firstInstruction + all.length },
        (_, number) => inner.get(number) ?? behind.get(number) ?? labels.changed,
      );
      f.brTable(table, behind.get(OPERATION.illegal) ?? labels.changed, i32.load16_u(this.#slot));
    });
  }

  /** A common operation, and its table of the second copies, to which jumps within the page lead as well. */
  #firstCopy(operation: Operation, labels: LoopLabels, known: Labels): void {
    const f = this.#f;
    f.block((next) => {
      const goNear = (distance: I32): void => {
        f.set(this.#slot, i32.add(this.#slot, distance));
        f.brIf(labels.spent, i32.le_s(this.#budget, i32.const(0)));
        f.br(next);
      };
      generateOperation({ ...this.#frame(labels), goNear }, operation);
      this.#advance(operation.length);
    });
    const { common } = operationsOf(this.#library.xlen);
    const table = [
      ...Array.from({ length: OPERATION.firstInstruction }, () => labels.dispatch),
      ...common.map((following) => known.get(secondCopy(following)) ?? labels.dispatch),
    ];
    f.brTable(table, labels.dispatch, i32.load16_u(this.#slot));
  }

  /** Counts an instruction. */
  #count(): void {
    this.#f.set(this.#budget, i32.sub(this.#budget, i32.const(1)));
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

  /** Leaves it to a function; its work counts there. */
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
  /** Carry out the current slot. */
  readonly dispatch: Label;
  /** Go to the address in the target local. */
  readonly far: Label;
  /** A jump within the page was taken. */
  readonly near: Label;
  /** The budget is used up, and the slot set. */
  readonly spent: Label;
  readonly aside: Label;
  readonly changed: Label;
}

/** Generates the body of `run(hart)`. */
export function generateRun(
  f: FunctionBuilder,
  library: Library,
  helpers: Helpers,
  outlined: Outlined,
): void {
  new RunGenerator(f, library, helpers, outlined).generate();
}
