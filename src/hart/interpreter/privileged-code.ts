/** The part of the privileged architecture that generated code carries out itself, before it calls out. */
import type { Xlen } from '../../isa/index.ts';
import { ACCESS_CSR, ZERO_BLOCK } from '../../jit/index.ts';
import {
  call,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  select,
} from '../../wasm/index.ts';
import { ACCESS } from '../exceptions.ts';
import { FIELD, TLB } from '../layout.ts';
import type { CallOuts } from './call-outs.ts';
import { defineCsr } from './csr-code.ts';
import { defineFetch, defineFetchPage } from './fetch-code.ts';
import { defineMisses, type MissFunctions } from './miss-code.ts';
import { NOT_DONE } from './mode-code.ts';
import { csrAddress, ENVCFG } from './privileged-fields.ts';
import { defineSplits } from './split-code.ts';
import { DATUM, tlbEntry, tlbTag } from './tlb-code.ts';
import { defineTraps, type TrapFunctions } from './trap-code.ts';
import { defineRefill, refillRequest } from './walk-code.ts';

/** Functions of the interpreter's module. */
export interface PrivilegedCode extends TrapFunctions, MissFunctions {
  /** See {@link defineCsr}. */
  readonly csr: FunctionRef<'i32'>;
  /** See {@link defineFetch}. */
  readonly fetch: FunctionRef<'i32'>;
  /** See {@link defineFetchPage}. */
  readonly fetchPage: FunctionRef<'i32'>;
  /**
   * `(hart, address)`: 1 if CBO.ZERO is done, 0 if nothing has happened, as always where the TLB does not know the
   * page. Compiled regions import it, and {@link csr}: they hold on to entries that they have found in the TLB.
   */
  readonly zeroBlock: FunctionRef<'i32'>;
  /** The same, after a walk for the page. */
  readonly zeroUnknownBlock: FunctionRef<'i32'>;
}

/** Functions of the interpreter that privileged code calls. */
export interface PrivilegedParts {
  readonly xlen: Xlen;
  readonly out: CallOuts;
  readonly lookup: FunctionRef<'i32'>;
  readonly poll: FunctionRef<'i32'>;
  readonly samePage: FunctionRef<'i32'>;
}

/** Functions that never do anything: everything privileged is left to TypeScript. */
export function declinePrivileged(module: ModuleBuilder, { out }: PrivilegedParts): PrivilegedCode {
  const decline = (name: string, params: readonly ('i32' | 'i64')[], result: number) =>
    module.function(name, params, 'i32', (f) => f.return(i32.const(result)));
  const callOut = (name: string, callee: FunctionRef<'i32'>): FunctionRef<'i32'> =>
    module.function(name, ['i32', 'i32'], 'i32', (f) => f.return(call(callee, f.param(1, 'i32'))));
  return {
    trap: decline('trap', ['i32', 'i32', 'i64'], NOT_DONE),
    sret: decline('sret', ['i32'], NOT_DONE),
    mret: decline('mret', ['i32'], NOT_DONE),
    fencePage: decline('fencePage', ['i32', 'i64'], NOT_DONE),
    fenceI: decline('fenceI', ['i32'], NOT_DONE),
    csr: decline(ACCESS_CSR.name, ACCESS_CSR.params, 0),
    zeroBlock: decline(ZERO_BLOCK.name, ZERO_BLOCK.params, 0),
    zeroUnknownBlock: decline('zeroUnknownBlock', ZERO_BLOCK.params, 0),
    fetchPage: decline('fetchPage', ['i32', 'i64', 'i32'], 0),
    fetch: module.function('fetch', ['i32'], 'i32', (f) => f.return(call(out.fetch))),
    load: callOut('load', out.load),
    store: callOut('store', out.store),
    atomic: callOut('atomic', out.atomic),
  };
}

export function definePrivileged(module: ModuleBuilder, parts: PrivilegedParts): PrivilegedCode {
  const { xlen, out } = parts;
  const refill = defineRefill(module, xlen);
  const fetchPage = defineFetchPage(module, { ...parts, refill });
  const fetch = defineFetch(module, { ...parts, fetchPage, callOut: out.fetch });
  const traps = defineTraps(module, { ...parts, fetch });
  return {
    ...traps,
    fetch,
    fetchPage,
    zeroBlock: defineZeroBlock(module),
    zeroUnknownBlock: defineZeroUnknownBlock(module, refill),
    csr: defineCsr(module, xlen, out),
    ...defineMisses(module, { out, refill, trap: traps.trap, splits: defineSplits(module, xlen, refill) }),
  };
}

/** Bytes of a cache block. */
const BLOCK = 64;

/** Declines where CBO.ZERO is not allowed; looked at as `cacheBlock` in `privileged/` does. */
function declineForbidden(f: FunctionBuilder, hart: Local<'i32'>): void {
  const environment = (name: 'menvcfg' | 'henvcfg' | 'senvcfg') => i32.load(hart, csrAddress(name));
  const privilege = i32.load(hart, FIELD.privilege);
  const machine = select(i32.gt_u(privilege, i32.const(1)), i32.const(-1), environment('menvcfg'));
  const guest = select(i32.load(hart, FIELD.virtual), environment('henvcfg'), i32.const(-1));
  const user = select(privilege, i32.const(-1), environment('senvcfg'));
  const allowed = i32.and(i32.and(machine, guest), i32.and(user, i32.const(ENVCFG.cbze)));
  f.if(i32.eqz(allowed), () => f.return(i32.const(0)));
}

function writeZeros(f: FunctionBuilder, host: I32): void {
  const block = f.let(i32.and(host, i32.const(-BLOCK)));
  for (let at = 0; at < BLOCK; at += 8) f.store('i64.store', block, i64.const(0), at);
  f.return(i32.const(1));
}

function defineZeroBlock(module: ModuleBuilder): FunctionRef<'i32'> {
  return module.function(ZERO_BLOCK.name, ZERO_BLOCK.params, 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const address = f.param(1, 'i64');
    declineForbidden(f, hart);
    const entry = f.let(tlbEntry(hart, address));
    const isKnown = i64.eq(i64.load(entry, TLB.stores), tlbTag(hart, address, 'storeKey'));
    f.if(i32.eqz(isKnown), () => f.return(i32.const(0)));
    writeZeros(f, i32.add(i32.load(entry, TLB.stores + DATUM), i32.wrap_i64(address)));
    f.unreachable();
  });
}

/** A walk may set A and D bits, so it must not be for a forbidden access. The store faults in `privileged/`. */
function defineZeroUnknownBlock(module: ModuleBuilder, refill: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('zeroUnknownBlock', ZERO_BLOCK.params, 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const address = f.param(1, 'i64');
    declineForbidden(f, hart);
    const host = f.let(call(refill, hart, address, i32.const(refillRequest(ACCESS.store, 1))));
    f.if(i32.eqz(host), () => f.return(i32.const(0)));
    writeZeros(f, host);
    f.unreachable();
  });
}
