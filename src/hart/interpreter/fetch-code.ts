/**
 * Fetches that miss the TLB, in generated code: where the page is decoded already, and has not changed since FENCE.I.
 */
import {
  call,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Label,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { ACCESS } from '../exceptions.ts';
import { FETCH_LIST, FIELD, TLB } from '../layout.ts';
import { CODE_DIRECTORY, CODE_PAGE, DIRECTORY_ENTRY, SLOT_SCALE } from './slots.ts';
import { DATUM, tlbEntry, tlbTag } from './tlb-code.ts';
import { refillRequest } from './walk-code.ts';

/** Functions of the interpreter that {@link defineFetchPage} calls. */
export interface FetchPageParts {
  readonly refill: FunctionRef<'i32'>;
  readonly samePage: FunctionRef<'i32'>;
}

/** Functions of the interpreter that {@link defineFetch} calls. */
export interface FetchParts {
  readonly lookup: FunctionRef<'i32'>;
  readonly fetchPage: FunctionRef<'i32'>;
  readonly callOut: FunctionRef<'i32'>;
}

/** Makes the decoded page of an address current, if the TLB knows it: the address's slot, or a branch. */
export function findSlot(f: FunctionBuilder, hart: Local<'i32'>, target: Local<'i64'>, unknown: Label): I32 {
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

/**
 * `fetchPage(hart, address, ahead) -> slots`: puts the decoded page of an address into the TLB, or returns 0 and has
 * done nothing. `ahead`, 0 or {@link AHEAD}, goes into the request to refill.
 */
export function defineFetchPage(module: ModuleBuilder, parts: FetchPageParts): FunctionRef<'i32'> {
  const { refill, samePage } = parts;
  return module.function('fetchPage', ['i32', 'i64', 'i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const address = f.param(1, 'i64');
    f.block((unknown) => {
      const request = i32.or(i32.const(refillRequest(ACCESS.fetch, 2)), f.param(2, 'i32'));
      const host = f.let(call(refill, hart, address, request));
      f.brIf(unknown, i32.eqz(host));
      const offset = f.let(i32.sub(host, i32.load(hart, FIELD.ramOffset)));
      const page = f.let(i32.shr_u(offset, i32.const(12)));
      const directory = f.let(i32.load(hart, FIELD.codeDirectory));
      const number = i32.and(page, i32.const(CODE_DIRECTORY.entries - 1));
      const entry = f.let(i32.add(directory, i32.mul(number, i32.const(DIRECTORY_ENTRY.bytes))));
      f.brIf(unknown, i32.ne(i32.load(entry, CODE_DIRECTORY.first + DIRECTORY_ENTRY.at.page), page));
      const slots = f.let(i32.load(entry, CODE_DIRECTORY.first + DIRECTORY_ENTRY.at.slots));
      const epoch = i32.load(directory, CODE_DIRECTORY.epoch);
      f.if(i32.ne(i32.load(slots, CODE_PAGE.verified), epoch), () => {
        const snapshot = i32.add(slots, i32.const(CODE_PAGE.snapshot));
        const memory = i32.and(host, i32.const(-4096));
        f.brIf(unknown, i32.eqz(call(samePage, snapshot, memory)));
        f.store('i32.store', slots, epoch, CODE_PAGE.verified);
      });
      f.store('i32.store', slots, i32.const(1), CODE_PAGE.used);
      fill(f, hart, address, slots);
      f.return(slots);
    });
    f.return(i32.const(0));
    f.unreachable();
  });
}

/** As `Tlb.fillFetch`. */
function fill(f: FunctionBuilder, hart: Local<'i32'>, address: Local<'i64'>, slots: Local<'i32'>): void {
  const at = f.let(i32.add(tlbEntry(hart, address), i32.const(TLB.fetches)));
  f.store('i64.store', at, tlbTag(hart, address, 'fetchKey'));
  f.store('i32.store', at, slots, DATUM);
  const fills = f.let(i32.load(hart, FIELD.fetchFills));
  f.if(i32.lt_u(fills, i32.const(FETCH_LIST)), () => {
    f.store('i32.store', i32.add(hart, i32.shl(fills, i32.const(2))), at, FIELD.fetchList);
  });
  f.if(i32.le_u(fills, i32.const(FETCH_LIST)), () => {
    f.store('i32.store', hart, i32.add(fills, i32.const(1)), FIELD.fetchFills);
  });
}

/** `fetch(hart) -> status`: as the call-out of that name, which it makes where it does not know the page itself. */
export function defineFetch(module: ModuleBuilder, parts: FetchParts): FunctionRef<'i32'> {
  const { lookup, fetchPage, callOut } = parts;
  return module.function('fetch', ['i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const pc = f.let(i64.load(hart, FIELD.pc));
    f.if(i32.eqz(call(fetchPage, hart, pc, i32.const(0))), () => f.return(call(callOut)));
    f.store('i32.store', hart, call(lookup, hart, pc), FIELD.slot);
    f.return(i32.const(0));
    f.unreachable();
  });
}

/** `samePage(a, b)`: 1 if 4 KiB at both addresses are equal. Bytes that another hart stores meanwhile may be missed. */
export function defineSamePage(module: ModuleBuilder): FunctionRef<'i32'> {
  const build = (f: FunctionBuilder): void => {
    const a = f.param(0, 'i32');
    const b = f.param(1, 'i32');
    const end = f.let(i32.add(a, i32.const(4096)));
    f.loop((again) => {
      const difference = (offset: number) => i64.xor(i64.load(a, offset), i64.load(b, offset));
      const differences = [0, 8, 16, 24, 32, 40, 48, 56]
        .map(difference)
        .reduce((all, one) => i64.or(all, one));
      f.if(i64.ne(differences, i64.const(0)), () => f.return(i32.const(0)));
      f.set(a, i32.add(a, i32.const(64)));
      f.set(b, i32.add(b, i32.const(64)));
      f.brIf(again, i32.ne(a, end));
    });
    f.return(i32.const(1));
    f.unreachable();
  };
  return module.function('samePage', ['i32', 'i32'], 'i32', build, true);
}
