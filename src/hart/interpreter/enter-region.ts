import { REGION_EXIT } from '../../jit/exits.ts';
import {
  call,
  callIndirect,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  select,
} from '../../wasm/index.ts';
import { FIELD, TLB } from '../layout.ts';
import { CODE_PAGE, OPERATION, REGION } from './slots.ts';

/** Address of the TLB entry that fetches from a guest-virtual address look at; add TLB.fetches. */
export function fetchEntry(hart: Local<'i32'>, address: Local<'i64'>): I32 {
  const index = i32.and(
    i32.wrap_i64(i64.shr_u(address, i64.const(8))),
    i32.const((TLB.entries - 1) * TLB.entryBytes),
  );
  return i32.add(index, i32.load(hart, FIELD.tlb));
}

/** What {@link defineEnterRegion} returns besides exits: the interpreter goes on at FIELD.slot, which is no region's. */
export const DISPATCH = 2;

/**
 * `enterRegion(hart, slot)`: runs the compiled region at a slot, and those that it leads to, until one ends elsewhere or
 * the budget is used up. Returns how the last was left: `REGION_EXIT.near` or `.far`, or {@link DISPATCH}.
 */
export function defineEnterRegion(
  module: ModuleBuilder,
  lookup: FunctionRef<'i32'>,
  balk: FunctionRef<'void'>,
): FunctionRef<'i32'> {
  const regionType = module.typeOf(['i32'], 'i32');
  const stepAside = defineStepAside(module);
  return module.function('enterRegion', ['i32', 'i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const slot = f.param(1, 'i32');
    const record = f.local('i32');
    const budget = f.local('i32');
    const exit = f.local('i32');
    f.loop((again) => {
      f.set(record, regionRecord(hart, slot));
      checkPages(f, hart, record, () => {
        f.call(stepAside, hart, slot);
        f.return(i32.const(DISPATCH));
      });
      f.store('i32.store', hart, record, FIELD.lastRegion);
      f.set(budget, i32.load(hart, FIELD.budget));
      f.set(exit, callIndirect(regionType, i32.load(record, REGION.element), hart));
      countExit(f, hart, exit, i32.sub(budget, i32.load(hart, FIELD.budget)));
      f.set(slot, i32.load(hart, FIELD.slot));
      f.if(i32.eq(exit, i32.const(REGION_EXIT.resume)), () => {
        const patience = f.let(i32.sub(i32.load(record, REGION.patience), i32.const(1)));
        f.store('i32.store', record, patience, REGION.patience);
        f.if(i32.eqz(patience), () => f.call(balk));
        f.call(stepAside, hart, slot);
        f.return(i32.const(DISPATCH));
      });
      leaveIfSpent(f, hart, record, exit);
      f.if(isFar(exit), () => {
        f.set(slot, call(lookup, hart, i64.load(hart, FIELD.pc)));
        f.if(i32.eqz(slot), () => f.return(i32.const(REGION_EXIT.far)));
        f.store('i32.store', hart, slot, FIELD.slot);
      });
      f.brIf(again, i32.eq(i32.load16_u(slot), i32.const(OPERATION.region)));
    });
    f.return(i32.const(DISPATCH));
    f.unreachable();
  });
}

/** `stepAside(hart, slot)`: makes the instruction at a slot current, not the region that may begin there. */
function defineStepAside(module: ModuleBuilder): FunctionRef<'void'> {
  return module.function('stepAside', ['i32', 'i32'], 'void', (f) => {
    const hart = f.param(0, 'i32');
    const slot = f.param(1, 'i32');
    f.if(i32.ne(i32.load16_u(slot), i32.const(OPERATION.region)), () => f.return());
    const aside = f.let(i32.add(regionRecord(hart, slot), i32.const(REGION.aside)));
    // The page appears to begin so far before the slot that the slot's distance gives the right pc.
    const distance = i32.sub(slot, i32.load(hart, FIELD.pageSlots));
    f.store('i32.store', hart, i32.sub(aside, distance), FIELD.pageSlots);
    f.store('i32.store', hart, aside, FIELD.slot);
  });
}

/** After a jump the interpreter looks at the budget, fuel and exit request. */
function leaveIfSpent(
  f: FunctionBuilder,
  hart: Local<'i32'>,
  record: Local<'i32'>,
  exit: Local<'i32'>,
): void {
  const indirect = i32.eq(exit, i32.const(REGION_EXIT.indirect));
  const jumped = i32.or(i32.lt_u(exit, i32.const(REGION_EXIT.next)), indirect);
  const spent = i32.le_s(i32.load(hart, FIELD.budget), i32.const(0));
  f.if(i32.and(jumped, spent), () => {
    f.store('i32.store', hart, select(indirect, record, i32.const(0)), FIELD.arrivedBy);
    f.return(isFar(exit));
  });
}

function isFar(exit: Local<'i32'>): I32 {
  return i32.and(exit, i32.const(REGION_EXIT.far));
}

/** For statistics. */
function countExit(f: FunctionBuilder, hart: Local<'i32'>, exit: Local<'i32'>, instructions: I32): void {
  const counter = f.let(i32.add(hart, i32.shl(exit, i32.const(3))));
  const exits = i64.add(i64.load(counter, FIELD.regionExits), i64.const(1));
  f.store('i64.store', counter, exits, FIELD.regionExits);
  const sum = i64.add(i64.load(hart, FIELD.regionInstructions), i64.extend_i32_s(instructions));
  f.store('i64.store', hart, sum, FIELD.regionInstructions);
}

/** The record of the region that begins at a slot of the current page. */
function regionRecord(hart: Local<'i32'>, slot: Local<'i32'>): I32 {
  const slots = i32.load(hart, FIELD.pageSlots);
  const entry = i32.add(slots, i32.shr_u(i32.sub(slot, slots), i32.const(2)));
  const number = i32.load16_u(entry, CODE_PAGE.regions);
  return i32.add(i32.load(hart, FIELD.regions), i32.mul(number, i32.const(REGION.bytes)));
}

/** Code of other pages may have been translated elsewhere since the region was compiled, or not be executable. */
function checkPages(f: FunctionBuilder, hart: Local<'i32'>, record: Local<'i32'>, moved: () => void): void {
  f.block((valid) => {
    f.block((invalid) => {
      for (let page = 0; page < REGION.mostPages; page++) {
        const at = REGION.firstPage + page * REGION.pageBytes;
        f.brIf(valid, i32.le_u(i32.load(record, REGION.pages), i32.const(page)));
        const address = f.let(i64.add(i64.load(hart, FIELD.pageAddress), i64.load32_s(record, at)));
        const entry = f.let(fetchEntry(hart, address));
        const tag = i64.or(address, i64.load(hart, FIELD.fetchKey));
        f.brIf(invalid, i64.ne(i64.load(entry, TLB.fetches), tag));
        f.brIf(invalid, i32.ne(i32.load(entry, TLB.fetches + 8), i32.load(record, at + 4)));
      }
      f.br(valid);
    });
    moved();
  });
}
