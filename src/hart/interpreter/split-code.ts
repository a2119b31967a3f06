/**
 * Accesses across a page boundary in generated code, where both pages are in the TLB or a common page walk finds them.
 * All others are TypeScript's (`MemoryAccess`), faults among them.
 */
import { addressWithin, type Xlen } from '../../isa/index.ts';
import {
  call,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { ACCESS } from '../exceptions.ts';
import { FIELD } from '../layout.ts';
import { hostInTlb, PAGE_OFFSET } from './tlb-code.ts';
import { refillRequest } from './walk-code.ts';

/**
 * `(hart, bytes)`, for an access to the mailbox address that {@link crossesPages}. Returns 1 if it is done, and else 0:
 * nothing but A and D bits has changed.
 */
export interface SplitFunctions {
  /** The bytes go to the low ones of the mailbox value; the others are undefined. */
  readonly load: FunctionRef<'i32'>;
  readonly store: FunctionRef<'i32'>;
}

export function defineSplits(module: ModuleBuilder, xlen: Xlen, refill: FunctionRef<'i32'>): SplitFunctions {
  const pageHost = definePageHost(module, refill);
  const define = (name: string, access: 0 | 1, use: (split: Split) => void): FunctionRef<'i32'> =>
    module.function(name, ['i32', 'i32'], 'i32', (f) => {
      use(locate(f, xlen, pageHost, access));
      f.return(i32.const(1));
      f.unreachable();
    });
  return {
    load: define('splitLoad', ACCESS.load, joinParts),
    store: define('splitStore', ACCESS.store, storeParts),
  };
}

/** Whether an access of `more` bytes and one ends in another page than it begins in. Not 0: it does. */
export function crossesPages(address: I32, more: I32): I32 {
  const last = i32.add(i32.and(address, i32.const(PAGE_OFFSET)), more);
  return i32.gt_u(last, i32.const(PAGE_OFFSET));
}

/** `pageHost(hart, address, access)`: the address in linear memory of a byte, or 0, as `refill` has it. */
function definePageHost(module: ModuleBuilder, refill: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('pageHost', ['i32', 'i64', 'i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const address = f.param(1, 'i64');
    const access = f.param(2, 'i32');
    const known = f.let(hostInTlb(f, hart, address, access));
    f.if(known, () => f.return(known));
    // Of a single byte: each page is asked for by itself.
    f.return(call(refill, hart, address, i32.or(access, i32.const(refillRequest(0, 1)))));
    f.unreachable();
  });
}

/** An access in two parts, in linear memory. */
interface Split {
  readonly f: FunctionBuilder;
  readonly hart: Local<'i32'>;
  readonly bytes: Local<'i32'>;
  /** How many of them are in the first page. */
  readonly before: Local<'i32'>;
  readonly first: Local<'i32'>;
  /** The beginning of the second page. */
  readonly second: Local<'i32'>;
}

/** Finds both parts in the order in which TypeScript does. The function returns 0 if it does not know one. */
function locate(f: FunctionBuilder, xlen: Xlen, pageHost: FunctionRef<'i32'>, access: 0 | 1): Split {
  const hart = f.param(0, 'i32');
  const bytes = f.param(1, 'i32');
  const address = f.let(i64.load(hart, FIELD.mailboxAddress));
  const offset = i32.and(i32.wrap_i64(address), i32.const(PAGE_OFFSET));
  const before = f.let(i32.sub(i32.const(PAGE_OFFSET + 1), offset));
  const find = (part: Local<'i64'>): Local<'i32'> => {
    const host = f.let(call(pageHost, hart, part, i32.const(access)));
    f.if(i32.eqz(host), () => f.return(i32.const(0)));
    return host;
  };
  const first = find(address);
  const second = find(f.let(addressWithin(xlen, i64.add(address, i64.extend_i32_u(before)))));
  return { f, hart, bytes, before, first, second };
}

/** Loads eight bytes of each page, which may not be the access's, and puts those that are next to each other. */
function joinParts({ f, hart, before, first, second }: Split): void {
  const bits = f.let(i64.extend_i32_u(i32.shl(before, i32.const(3))));
  const lastOfFirst = i64.load(i32.sub(i32.add(first, before), i32.const(8)));
  const low = i64.shr_u(lastOfFirst, i64.sub(i64.const(64), bits));
  f.store('i64.store', hart, i64.or(low, i64.shl(i64.load(second), bits)), FIELD.mailboxValue);
}

/** Byte by byte: other bytes of the pages may be other harts'. */
function storeParts({ f, hart, bytes, before, first, second }: Split): void {
  const value = f.let(i64.load(hart, FIELD.mailboxValue));
  const at = f.let(first);
  const left = f.let(bytes);
  const border = f.let(i32.sub(bytes, before));
  f.loop((again) => {
    f.if(i32.eq(left, border), () => f.set(at, second));
    f.store('i64.store8', at, value);
    f.set(value, i64.shr_u(value, i64.const(8)));
    f.set(at, i32.add(at, i32.const(1)));
    f.set(left, i32.sub(left, i32.const(1)));
    f.brIf(again, left);
  });
}
