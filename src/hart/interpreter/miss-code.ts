/**
 * Data accesses that the dispatch loop does not find in the TLB: in generated code where a common page walk will do.
 */
import { LOADS, STORE_NAMES } from '../../codegen/index.ts';
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
  select,
} from '../../wasm/index.ts';
import { ACCESS, CAUSE } from '../exceptions.ts';
import { FIELD, MESSAGE_ENTRIES, MESSAGE_ENTRY } from '../layout.ts';
import type { CallOuts } from './call-outs.ts';
import { ATOMIC_READ } from './call-outs.ts';
import { LOAD_KINDS } from './load-kinds.ts';
import { NOT_DONE } from './mode-code.ts';
import { crossesPages, type SplitFunctions } from './split-code.ts';
import { hostInTlb, PAGE_OFFSET } from './tlb-code.ts';
import { refillRequest } from './walk-code.ts';

/** `(hart, argument) -> status`, with the arguments and the mailbox of the call-outs of the same names. */
export interface MissFunctions {
  readonly load: FunctionRef<'i32'>;
  readonly store: FunctionRef<'i32'>;
  readonly atomic: FunctionRef<'i32'>;
}

interface MissParts {
  readonly out: CallOuts;
  readonly refill: FunctionRef<'i32'>;
  readonly trap: FunctionRef<'i32'>;
  readonly splits: SplitFunctions;
}

/** One function under construction. */
interface Miss extends MissParts {
  readonly f: FunctionBuilder;
  readonly hart: Local<'i32'>;
  readonly argument: Local<'i32'>;
}

export function defineMisses(module: ModuleBuilder, parts: MissParts): MissFunctions {
  const define = (name: string, build: (miss: Miss) => void): FunctionRef<'i32'> =>
    module.function(name, ['i32', 'i32'], 'i32', (f) => {
      build({ ...parts, f, hart: f.param(0, 'i32'), argument: f.param(1, 'i32') });
      f.unreachable();
    });
  return {
    load: define('load', load),
    store: define('store', store),
    atomic: define('atomic', atomic),
  };
}

/**
 * Finds the page of a misaligned address in the TLB, which the dispatch loop does not, so that the page tables need not
 * be walked.
 *
 * @param more bytes of the access less one
 * @returns the address in linear memory; 0 if the page is not there, or the address is aligned
 */
function findMisaligned({ f, hart }: Miss, more: I32, access: 0 | 1): Local<'i32'> {
  const host = f.let(i32.const(0));
  const address = f.let(i64.load(hart, FIELD.mailboxAddress));
  f.if(i32.and(i32.wrap_i64(address), more), () =>
    f.set(host, hostInTlb(f, hart, address, i32.const(access))),
  );
  return host;
}

/** Looks for the page; where there is none, the trap of that is taken, or TypeScript asked. */
function find(miss: Miss, request: I32, cause: I32, callOut: FunctionRef<'i32'>): Local<'i32'> {
  const { f, hart, argument, refill, trap } = miss;
  const address = f.let(i64.load(hart, FIELD.mailboxAddress));
  const host = f.let(call(refill, hart, address, request));
  f.if(i32.eqz(host), () => {
    f.if(i32.load(hart, FIELD.pageFault), () => {
      const status = f.let(call(trap, hart, cause, address));
      f.if(i32.ne(status, i32.const(NOT_DONE)), () => f.return(status));
    });
    f.return(call(callOut, argument));
  });
  return host;
}

/** Runs the one of `cases` whose number is `index`. */
function choose(f: FunctionBuilder, index: I32, cases: readonly (() => void)[]): void {
  f.block((done) => {
    const nest = (number: number, labels: readonly Label[]): void => {
      if (number < 0) {
        f.brTable(labels, done, index);
        return;
      }
      f.block((label) => nest(number - 1, [label, ...labels]));
      cases[number]?.();
      f.br(done);
    };
    nest(cases.length - 1, []);
  });
}

function load(miss: Miss): void {
  const { f, hart, argument, out, splits } = miss;
  const request = f.local('i32');
  choose(
    f,
    argument,
    LOAD_KINDS.map(
      ({ bytes }) =>
        () =>
          f.set(request, i32.const(refillRequest(ACCESS.load, bytes))),
    ),
  );
  const host = f.local('i32');
  const more = f.let(i32.shr_u(request, i32.const(2)));
  f.if(
    crossesPages(i32.load(hart, FIELD.mailboxAddress), more),
    () => {
      const done = call(splits.load, hart, i32.add(more, i32.const(1)));
      f.if(i32.eqz(done), () => f.return(call(out.load, argument)));
      f.set(host, i32.add(hart, i32.const(FIELD.mailboxValue)));
    },
    () => {
      f.set(host, findMisaligned(miss, more, ACCESS.load));
      f.if(i32.eqz(host), () => f.set(host, find(miss, request, i32.const(CAUSE.loadPageFault), out.load)));
    },
  );
  choose(
    f,
    argument,
    LOAD_KINDS.map(
      ({ kind }) =>
        () =>
          f.store('i64.store', hart, LOADS[kind](host), FIELD.mailboxValue),
    ),
  );
  f.return(i32.const(0));
}

/** Address of the entry for a page in the table of interrupt files; add {@link FIELD.messages}. */
function messageEntry(hart: Local<'i32'>, address: I32): I32 {
  const index = i32.and(i32.shr_u(address, i32.const(12)), i32.const(MESSAGE_ENTRIES - 1));
  return i32.add(hart, i32.mul(index, i32.const(MESSAGE_ENTRY.bytes)));
}

/**
 * A message to a page of an interrupt file that is known: one atomic or. TypeScript is called if the bit was 0, to kick
 * whoever takes the interrupt.
 */
function sendMessage({ f, hart, argument, out }: Miss): void {
  const isMessage = i32.and(i32.eq(argument, i32.const(4)), i32.load(hart, FIELD.messagesHold));
  f.if(isMessage, () => {
    const low = f.let(i32.load(hart, FIELD.mailboxAddress));
    const entry = f.let(messageEntry(hart, low));
    const tag = i64.or(i64.load(hart, FIELD.mailboxAddress), i64.load(hart, FIELD.storeKey));
    const isKnown = i64.eq(i64.load(entry, FIELD.messages + MESSAGE_ENTRY.at.tag), tag);
    const isPort = i32.eqz(i32.and(low, i32.const(PAGE_OFFSET)));
    f.if(i32.and(isPort, isKnown), () => {
      const identity = f.let(i32.load(hart, FIELD.mailboxValue));
      const identities = i32.load(entry, FIELD.messages + MESSAGE_ENTRY.at.identities);
      f.if(i32.lt_u(i32.sub(identity, i32.const(1)), identities), () => {
        const pending = f.let(i32.load(entry, FIELD.messages + MESSAGE_ENTRY.at.pending));
        const word = i32.add(pending, i32.shl(i32.shr_u(identity, i32.const(5)), i32.const(2)));
        const bit = f.let(i32.shl(i32.const(1), identity));
        // Meets the loads and the and of the file's owner (`InterruptFile`).
        const before = f.let(i32.atomic.rmwOr(word, bit));
        f.if(i32.eqz(i32.and(before, bit)), () => f.return(call(out.message, pending)));
        f.return(i32.const(0));
      });
    });
  });
}

function store(miss: Miss): void {
  const { f, hart, argument, out, splits } = miss;
  sendMessage(miss);
  const more = f.let(i32.sub(argument, i32.const(1)));
  f.if(crossesPages(i32.load(hart, FIELD.mailboxAddress), more), () => {
    f.if(call(splits.store, hart, argument), () => f.return(i32.const(0)));
    f.return(call(out.store, argument));
  });
  const host = findMisaligned(miss, more, ACCESS.store);
  f.if(i32.eqz(host), () => {
    const request = i32.or(i32.shl(more, i32.const(2)), i32.const(ACCESS.store));
    f.set(host, find(miss, request, i32.const(CAUSE.storePageFault), out.store));
  });
  const value = i64.load(hart, FIELD.mailboxValue);
  choose(
    f,
    i32.ctz(argument),
    ([8, 16, 32, 64] as const).map((width) => () => f.store(STORE_NAMES[width], host, value)),
  );
  f.return(i32.const(0));
}

function atomic(miss: Miss): void {
  const { f, hart, argument, out } = miss;
  const reads = f.let(i32.and(argument, i32.const(ATOMIC_READ)));
  const request = (access: 0 | 1, bytes: number): I32 => i32.const(refillRequest(access, bytes, true));
  const wide = i32.and(argument, i32.const(8));
  const loads = select(wide, request(ACCESS.load, 8), request(ACCESS.load, 4));
  const stores = select(wide, request(ACCESS.store, 8), request(ACCESS.store, 4));
  const cause = select(reads, i32.const(CAUSE.loadPageFault), i32.const(CAUSE.storePageFault));
  const host = find(miss, select(reads, loads, stores), cause, out.atomic);
  f.store('i32.store', hart, host, FIELD.mailboxValue);
  f.return(i32.const(0));
}
