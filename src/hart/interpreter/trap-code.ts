/**
 * The common traps in generated code: exceptions of U- and S-mode that the same address space handles in S-mode (VU and
 * VS in a guest), the SRET back, SFENCE.VMA of a page, and the traps of `machine-trap-code.ts` for M-mode. Every
 * function either does all that the TypeScript in `privileged/` would do, or gives up without having changed anything.
 */
import { addressWithin, type Xlen } from '../../isa/index.ts';
import { call, type FunctionRef, type I32, i32, i64, type ModuleBuilder, select } from '../../wasm/index.ts';
import { FETCH_LIST, FIELD, TLB } from '../layout.ts';
import { CALL_RESULT } from './call-outs.ts';
import { defineMachineTrap, defineMret } from './machine-trap-code.ts';
import { enterMode, giveUpIf, keysOf, noteException, savedPc } from './mode-code.ts';
import { csrAddress, HSTATUS, MODE, QUIET, STATUS, statusAddress, trapCsrs } from './privileged-fields.ts';
import { CODE_DIRECTORY } from './slots.ts';
import { GIGA_SHIFT, megaShift, superpageNumber, superpageWord, tlbEntry } from './tlb-code.ts';

const MSTATUS = csrAddress('mstatus');

/** Functions of the interpreter that trap code calls. */
export interface ArrivalParts {
  readonly xlen: Xlen;
  readonly fetch: FunctionRef<'i32'>;
  readonly lookup: FunctionRef<'i32'>;
  readonly poll: FunctionRef<'i32'>;
}

/** Functions `(hart, ...) -> status`, or {@link NOT_DONE}. */
export interface TrapFunctions {
  /** `(hart, cause, tval)`: the current instruction raises an exception, and does not retire. */
  readonly trap: FunctionRef<'i32'>;
  readonly sret: FunctionRef<'i32'>;
  readonly mret: FunctionRef<'i32'>;
  /** `(hart, address)`: SFENCE.VMA of a page, of any ASID. */
  readonly fencePage: FunctionRef<'i32'>;
  /** `(hart)`: FENCE.I, unless many fetch translations are to be forgotten. */
  readonly fenceI: FunctionRef<'i32'>;
}

export function defineTraps(module: ModuleBuilder, parts: ArrivalParts): TrapFunctions {
  const arrive = defineArrive(module, parts);
  return {
    trap: defineTrap(module, arrive),
    sret: defineSret(module, arrive),
    mret: defineMret(module, arrive),
    fencePage: defineFencePage(module, parts.xlen, arrive),
    fenceI: defineFenceI(module, arrive),
  };
}

/** `arrive(hart, pc)`: goes on there, and looks whether the hart shall leave, as after a jump. */
function defineArrive(
  module: ModuleBuilder,
  { xlen, fetch, lookup, poll }: ArrivalParts,
): FunctionRef<'i32'> {
  return module.function('arrive', ['i32', 'i64'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const pc = xlen === 64 ? f.param(1, 'i64') : f.let(addressWithin(xlen, f.param(1, 'i64')));
    const slot = f.let(call(lookup, hart, pc));
    f.if(
      slot,
      () => f.store('i32.store', hart, slot, FIELD.slot),
      () => {
        f.store('i64.store', hart, pc, FIELD.pc);
        const status = f.let(call(fetch, hart));
        f.if(status, () => f.return(status));
      },
    );
    f.if(i32.le_s(i32.load(hart, FIELD.budget), i32.const(0)), () => {
      f.if(call(poll, hart), () => f.return(i32.const(CALL_RESULT.leave)));
    });
    f.return(i32.const(CALL_RESULT.changed));
    f.unreachable();
  });
}

function defineTrap(module: ModuleBuilder, arrive: FunctionRef<'i32'>): FunctionRef<'i32'> {
  const machineTrap = defineMachineTrap(module, arrive);
  return module.function('trap', ['i32', 'i32', 'i64'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const cause = f.param(1, 'i32');
    const tval = f.param(2, 'i64');
    const privilege = f.let(i32.load(hart, FIELD.privilege));
    const isDelegated = (to: I32): I32 => i32.and(i32.shr_u(to, cause), i32.const(1));
    const medeleg = i32.load(hart, csrAddress('medeleg'));
    f.if(
      i32.load(hart, FIELD.virtual),
      () => giveUpIf(f, i32.eqz(isDelegated(i32.and(medeleg, i32.load(hart, csrAddress('hedeleg')))))),
      () => {
        const mayDelegate = i32.le_u(privilege, i32.const(MODE.supervisor));
        f.if(i32.eqz(i32.and(mayDelegate, isDelegated(medeleg))), () => {
          f.return(call(machineTrap, hart, cause, tval));
        });
      },
    );
    const statusBase = f.let(statusAddress(hart));
    const status = f.let(i32.load(statusBase, MSTATUS));
    const supervisor = f.let(i32.const(MODE.supervisor));
    const keys = keysOf(f, hart, status, supervisor);
    const pc = noteException(f, hart, cause);
    const kept = i32.and(status, i32.const(~(STATUS.sie | STATUS.spie | STATUS.spp)));
    const enabled = i32.shl(i32.and(status, i32.const(STATUS.sie)), i32.const(4));
    const previous = i32.shl(privilege, i32.const(STATUS.sppShift));
    f.store('i32.store', statusBase, i32.or(i32.or(kept, enabled), previous), MSTATUS);
    const base = f.let(trapCsrs(hart));
    f.store('i64.store', base, pc, csrAddress('sepc'));
    f.store('i64.store', base, i64.extend_i32_u(cause), csrAddress('scause'));
    f.store('i64.store', base, tval, csrAddress('stval'));
    f.if(i32.eqz(i32.load(hart, FIELD.virtual)), () => {
      // Nothing of it is about a guest.
      const hstatus = i32.and(i32.load(hart, csrAddress('hstatus')), i32.const(~(HSTATUS.spv | HSTATUS.gva)));
      f.store('i32.store', hart, hstatus, csrAddress('hstatus'));
      f.store('i64.store', hart, i64.const(0), csrAddress('htval'));
      f.store('i64.store', hart, i64.const(0), csrAddress('htinst'));
    });
    enterMode(f, hart, supervisor, keys);
    f.return(call(arrive, hart, i64.and(i64.load(base, csrAddress('stvec')), i64.const(-4))));
    f.unreachable();
  });
}

function defineSret(module: ModuleBuilder, arrive: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('sret', ['i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    giveUpIf(f, i32.ne(i32.load(hart, FIELD.quiet), i32.const(QUIET.yes)));
    giveUpIf(f, i32.ne(i32.load(hart, FIELD.privilege), i32.const(MODE.supervisor)));
    const hstatus = i32.load(hart, csrAddress('hstatus'));
    f.if(
      i32.load(hart, FIELD.virtual),
      () => giveUpIf(f, i32.and(hstatus, i32.const(HSTATUS.vtsr))),
      () => {
        const machine = i32.load(hart, MSTATUS);
        const refused = i32.and(machine, i32.const(STATUS.tsr | STATUS.mprv));
        giveUpIf(f, i32.or(refused, i32.and(hstatus, i32.const(HSTATUS.spv))));
      },
    );
    const statusBase = f.let(statusAddress(hart));
    const status = f.let(i32.load(statusBase, MSTATUS));
    const privilege = f.let(i32.and(i32.shr_u(status, i32.const(STATUS.sppShift)), i32.const(1)));
    const keys = keysOf(f, hart, status, privilege);

    const kept = i32.and(status, i32.const(~(STATUS.sie | STATUS.spp)));
    const enabled = i32.shr_u(i32.and(status, i32.const(STATUS.spie)), i32.const(4));
    const popped = i32.or(i32.or(kept, enabled), i32.const(STATUS.spie));
    f.store('i32.store', statusBase, popped, MSTATUS);
    enterMode(f, hart, privilege, keys);
    f.return(call(arrive, hart, i64.load(trapCsrs(hart), csrAddress('sepc'))));
    f.unreachable();
  });
}

/** Empties the entries of the page; gives up if it may belong to a superpage. */
function defineFencePage(module: ModuleBuilder, xlen: Xlen, arrive: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('fencePage', ['i32', 'i64'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const address = f.param(1, 'i64');
    giveUpIf(f, i32.eq(i32.load(hart, FIELD.quiet), i32.const(QUIET.no)));
    giveUpIf(f, i32.ne(i32.load(hart, FIELD.privilege), i32.const(MODE.supervisor)));
    const forbidden = select(
      i32.load(hart, FIELD.virtual),
      i32.and(i32.load(hart, csrAddress('hstatus')), i32.const(HSTATUS.vtvm)),
      i32.and(i32.load(hart, MSTATUS), i32.const(STATUS.tvm)),
    );
    giveUpIf(f, forbidden);
    const mapped = (field: number, shift: number): I32 => {
      const bits = i32.load(i32.add(hart, superpageWord(address, shift)), field);
      return i32.and(i32.shr_u(bits, superpageNumber(address, shift)), i32.const(1));
    };
    const superpage = i32.or(mapped(FIELD.superpages, megaShift(xlen)), mapped(FIELD.gigapages, GIGA_SHIFT));
    giveUpIf(f, i32.or(superpage, i32.load(hart, FIELD.hugePages)));

    f.store('i32.store', hart, i32.const(0), FIELD.messagesHold);
    const entry = f.let(tlbEntry(hart, address));
    for (const table of [TLB.loads, TLB.stores, TLB.fetches]) {
      f.store('i64.store', entry, i64.const(0), table);
    }
    // The page may be that of the code.
    f.return(call(arrive, hart, i64.add(savedPc(hart), i64.const(4))));
    f.unreachable();
  });
}

/** As `Tlb.flushFetches` where few entries have been filled, and a new epoch of the code cache. */
function defineFenceI(module: ModuleBuilder, arrive: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('fenceI', ['i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    giveUpIf(f, i32.eq(i32.load(hart, FIELD.quiet), i32.const(QUIET.no)));
    const fills = f.let(i32.load(hart, FIELD.fetchFills));
    giveUpIf(f, i32.gt_u(fills, i32.const(FETCH_LIST)));
    const at = f.let(hart);
    f.loop((again) => {
      f.if(fills, () => {
        f.store('i64.store', i32.load(at, FIELD.fetchList), i64.const(0));
        f.set(at, i32.add(at, i32.const(4)));
        f.set(fills, i32.sub(fills, i32.const(1)));
        f.br(again);
      });
    });
    f.store('i32.store', hart, i32.const(0), FIELD.fetchFills);
    const directory = f.let(i32.load(hart, FIELD.codeDirectory));
    const epoch = i32.add(i32.load(directory, CODE_DIRECTORY.epoch), i32.const(1));
    f.store('i32.store', directory, epoch, CODE_DIRECTORY.epoch);
    f.return(call(arrive, hart, i64.add(savedPc(hart), i64.const(4))));
    f.unreachable();
  });
}
