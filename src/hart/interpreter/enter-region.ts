import { addressWithin, type Xlen } from '../../isa/index.ts';
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
import { FIELD, SHORT_STRETCH, TLB } from '../layout.ts';
import { CALL_RESULT } from './call-outs.ts';
import { CODE_PAGE, OPERATION, REGION, REGION_PAGE, SLOT_SCALE } from './slots.ts';
import { DATUM, tlbEntry } from './tlb-code.ts';
import { AHEAD } from './walk-code.ts';

/** Functions of the interpreter that regions lead to. */
export interface RegionParts {
  readonly xlen: Xlen;
  readonly lookup: FunctionRef<'i32'>;
  readonly fetch: FunctionRef<'i32'>;
  readonly fetchPage: FunctionRef<'i32'>;
  readonly poll: FunctionRef<'i32'>;
  readonly deoptimize: FunctionRef<'void'>;
  readonly stretch: FunctionRef<'void'>;
}

/**
 * `enterRegion(hart, slot)`: runs the compiled region at a slot, and those that it leads to, until the code goes on
 * elsewhere. Returns a status: the current slot has changed, or `run` must return.
 */
export function defineEnterRegion(module: ModuleBuilder, parts: RegionParts): FunctionRef<'i32'> {
  const regionType = module.typeOf(['i32'], 'i32');
  const stepAside = defineStepAside(module);
  return module.function('enterRegion', ['i32', 'i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const slot = f.param(1, 'i32');
    const record = f.local('i32');
    const budget = f.local('i32');
    const exit = f.local('i32');
    endStretch(f, hart, parts.stretch);
    f.loop((again) => {
      f.set(record, regionRecord(hart, slot));
      checkPages(f, hart, record, parts, () => {
        f.call(stepAside, hart, slot);
        f.return(i32.const(CALL_RESULT.changed));
      });
      f.store('i32.store', hart, record, FIELD.lastRegion);
      f.set(budget, i32.load(hart, FIELD.budget));
      f.set(exit, callIndirect(regionType, i32.load(record, REGION.element), hart));
      countExit(f, hart, exit, i32.sub(budget, i32.load(hart, FIELD.budget)));
      f.set(slot, i32.load(hart, FIELD.slot));
      f.if(i32.eq(exit, i32.const(REGION_EXIT.resume)), () => {
        const patience = f.let(i32.sub(i32.load(record, REGION.patience), i32.const(1)));
        f.store('i32.store', record, patience, REGION.patience);
        f.if(i32.eqz(patience), () => f.call(parts.deoptimize));
        f.call(stepAside, hart, slot);
        f.store('i32.store', hart, i32.load(hart, FIELD.slot), FIELD.resumedAt);
        f.return(i32.const(CALL_RESULT.changed));
      });
      f.if(i32.and(exit, i32.const(REGION_EXIT.far)), () => goFar(f, hart, slot, parts));
      pollIfSpent(f, hart, record, exit, parts.poll);
      f.brIf(again, i32.eq(i32.load16_u(slot), i32.const(OPERATION.region)));
    });
    f.return(i32.const(CALL_RESULT.changed));
    f.unreachable();
  });
}

/**
 * `asideEnd(hart, slot)`: goes on behind an instruction that was carried out aside. Other than at the end of a page the
 * budget is not looked at, so that a run ends where it would without regions.
 */
export function defineAsideEnd(module: ModuleBuilder, parts: RegionParts): FunctionRef<'i32'> {
  return module.function('asideEnd', ['i32', 'i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const slot = f.param(1, 'i32');
    const distance = i32.sub(slot, i32.load(hart, FIELD.pageSlots));
    const offset = i64.extend_i32_u(i32.shr_u(distance, i32.const(Math.log2(SLOT_SCALE))));
    const address = i64.add(i64.load(hart, FIELD.pageAddress), offset);
    f.store('i64.store', hart, addressWithin(parts.xlen, address), FIELD.pc);
    goFar(f, hart, slot, parts);
    f.return(i32.const(CALL_RESULT.changed));
    f.unreachable();
  });
}

/** Makes the slot of the pc in the hart block current, unless that leads elsewhere. */
function goFar(
  f: FunctionBuilder,
  hart: Local<'i32'>,
  slot: Local<'i32'>,
  { lookup, fetch }: RegionParts,
): void {
  f.set(slot, call(lookup, hart, i64.load(hart, FIELD.pc)));
  f.if(
    slot,
    () => f.store('i32.store', hart, slot, FIELD.slot),
    () => {
      const status = f.let(call(fetch, hart));
      f.if(status, () => f.return(status));
      f.set(slot, i32.load(hart, FIELD.slot));
    },
  );
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

/** After a jump the budget, fuel and exit request are looked at. */
function pollIfSpent(
  f: FunctionBuilder,
  hart: Local<'i32'>,
  record: Local<'i32'>,
  exit: Local<'i32'>,
  poll: FunctionRef<'i32'>,
): void {
  const indirect = i32.eq(exit, i32.const(REGION_EXIT.indirect));
  const jumped = i32.or(i32.lt_u(exit, i32.const(REGION_EXIT.next)), indirect);
  const spent = i32.le_s(i32.load(hart, FIELD.budget), i32.const(0));
  f.if(i32.and(jumped, spent), () => {
    f.store('i32.store', hart, select(indirect, record, i32.const(0)), FIELD.arrivedBy);
    f.store('i32.store', hart, i32.const(0), FIELD.stretch);
    const status = f.let(call(poll, hart));
    f.if(status, () => f.return(status));
  });
}

/**
 * Accounts for instructions interpreted before the region. Samples are taken behind taken jumps only, so there may
 * never be one between two regions of a long run of instructions.
 */
function endStretch(f: FunctionBuilder, hart: Local<'i32'>, stretch: FunctionRef<'void'>): void {
  const start = f.let(i32.load(hart, FIELD.stretch));
  f.if(start, () => {
    const length = f.let(i32.sub(i32.load(hart, FIELD.stretchLength), i32.load(hart, FIELD.budget)));
    const isLong = i32.ge_s(length, i32.const(SHORT_STRETCH));
    f.if(i32.or(isLong, i32.ne(start, i32.load(hart, FIELD.resumedAt))), () => {
      const credit = f.let(i32.sub(i32.load(hart, FIELD.stretchCredit), length));
      f.store('i32.store', hart, credit, FIELD.stretchCredit);
      f.if(i32.le_s(credit, i32.const(0)), () => {
        f.call(stretch);
        // There may be other regions now.
        f.return(i32.const(CALL_RESULT.changed));
      });
    });
  });
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

/**
 * Code of other pages may have been translated elsewhere since the region was compiled, or not be executable. A page
 * that the TLB has forgotten is looked for: the guest may never come to that part of the region, but must not be kept
 * out of the rest for it.
 */
function checkPages(
  f: FunctionBuilder,
  hart: Local<'i32'>,
  record: Local<'i32'>,
  { xlen, fetchPage }: RegionParts,
  moved: () => void,
): void {
  f.block((valid) => {
    f.block((invalid) => {
      for (let page = 0; page < REGION.mostPages; page++) {
        const at = REGION.firstPage + page * REGION_PAGE.bytes;
        f.brIf(valid, i32.le_u(i32.load(record, REGION.pages), i32.const(page)));
        const distance = i64.load32_s(record, at + REGION_PAGE.at.distance);
        const address = f.let(addressWithin(xlen, i64.add(i64.load(hart, FIELD.pageAddress), distance)));
        const entry = f.let(tlbEntry(hart, address));
        const tag = i64.or(address, i64.load(hart, FIELD.fetchKey));
        const slots = f.let(i32.load(entry, TLB.fetches + DATUM));
        f.if(i64.ne(i64.load(entry, TLB.fetches), tag), () => {
          f.set(slots, call(fetchPage, hart, address, i32.const(AHEAD)));
        });
        f.brIf(invalid, i32.ne(slots, i32.load(record, at + REGION_PAGE.at.slots)));
      }
      f.br(valid);
    });
    moved();
  });
}
