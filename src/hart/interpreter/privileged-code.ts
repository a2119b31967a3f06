/** What generated code does itself of the privileged architecture, before it calls out. */
import {
  call,
  type Expr,
  type FunctionRef,
  type I64,
  i32,
  i64,
  type ModuleBuilder,
  select,
} from '../../wasm/index.ts';
import { ACCESS, CAUSE } from '../exceptions.ts';
import { FIELD, TLB } from '../layout.ts';
import { CHANGE, defineCsr } from './csr-code.ts';
import { defineFetch } from './fetch-code.ts';
import { type CallOuts, type Frame, STATUS } from './frame.ts';
import { defineMisses, type MissFunctions } from './miss-code.ts';
import { csrAddress, ENVCFG } from './privileged-fields.ts';
import { SLOT } from './slots.ts';
import { defineTraps, NOT_DONE, type TrapFunctions } from './trap-code.ts';
import { defineRefill, refillRequest } from './walk-code.ts';

/** Functions of the interpreter's module. */
export interface PrivilegedCode extends TrapFunctions, MissFunctions {
  /** See {@link defineCsr}. */
  readonly csr: FunctionRef<'i32'>;
  /** See {@link defineFetch}. */
  readonly fetch: FunctionRef<'i32'>;
  /** `(hart, address)`: 1 if CBO.ZERO is done, 0 if nothing has happened. */
  readonly zeroBlock: FunctionRef<'i32'>;
}

/** What privileged code needs of the interpreter. */
export interface PrivilegedParts {
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
    fencePage: decline('fencePage', ['i32', 'i64'], NOT_DONE),
    fenceI: decline('fenceI', ['i32'], NOT_DONE),
    csr: decline('csr', ['i32', 'i32', 'i32', 'i64', 'i32'], 0),
    zeroBlock: decline('zeroBlock', ['i32', 'i64'], 0),
    fetch: module.function('fetch', ['i32'], 'i32', (f) => f.return(call(out.fetch))),
    load: callOut('load', out.load),
    store: callOut('store', out.store),
    atomic: callOut('atomic', out.atomic),
  };
}

export function definePrivileged(module: ModuleBuilder, parts: PrivilegedParts): PrivilegedCode {
  const { out } = parts;
  const refill = defineRefill(module);
  const fetch = defineFetch(module, { ...parts, refill, callOut: out.fetch });
  const traps = defineTraps(module, { ...parts, fetch });
  return {
    ...traps,
    fetch,
    zeroBlock: defineZeroBlock(module, refill),
    csr: defineCsr(module, out),
    ...defineMisses(module, { out, refill, trap: traps.trap }),
  };
}

/** Bytes of a cache block. */
const BLOCK = 64;

/** Privilege is looked at as `cacheBlock` in `privileged/` does; the store faults there. */
function defineZeroBlock(module: ModuleBuilder, refill: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('zeroBlock', ['i32', 'i64'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const address = f.param(1, 'i64');
    const environment = (name: 'menvcfg' | 'henvcfg' | 'senvcfg') => i32.load(hart, csrAddress(name));
    const privilege = i32.load(hart, FIELD.privilege);
    const machine = select(i32.gt_u(privilege, i32.const(1)), i32.const(-1), environment('menvcfg'));
    const guest = select(i32.load(hart, FIELD.virtual), environment('henvcfg'), i32.const(-1));
    const user = select(privilege, i32.const(-1), environment('senvcfg'));
    const allowed = i32.and(i32.and(machine, guest), i32.and(user, i32.const(ENVCFG.cbze)));
    f.if(i32.eqz(allowed), () => f.return(i32.const(0)));
    const index = i32.and(
      i32.wrap_i64(i64.shr_u(address, i64.const(8))),
      i32.const((TLB.entries - 1) * TLB.entryBytes),
    );
    const entry = f.let(i32.add(index, i32.load(hart, FIELD.tlb)));
    const tag = i64.or(i64.and(address, i64.const(-4096)), i64.load(hart, FIELD.storeKey));
    const host = f.let(i32.add(i32.load(entry, TLB.stores + 8), i32.wrap_i64(address)));
    f.if(i64.ne(i64.load(entry, TLB.stores), tag), () => {
      f.set(host, call(refill, hart, address, i32.const(refillRequest(ACCESS.store, 1))));
      f.if(i32.eqz(host), () => f.return(i32.const(0)));
    });
    const block = f.let(i32.and(host, i32.const(-BLOCK)));
    for (let at = 0; at < BLOCK; at += 8) f.store('i64.store', block, i64.const(0), at);
    f.return(i32.const(1));
    f.unreachable();
  });
}

/** Code that carries out the current instruction, a system instruction, and leaves it; or that goes on behind. */
type SystemCode = (frame: Frame) => void;

function x(frame: Frame, position: number): I64 {
  return i64.load(i32.add(frame.hart, i32.load8_u(frame.slot, position)), FIELD.x);
}

/** Leaves the instruction if its function has done it. */
function attempt({ f }: Frame, callee: FunctionRef<'i32'>, ...args: Expr[]): void {
  const status = f.let(call(callee, ...args));
  f.if(i32.ne(status, i32.const(NOT_DONE)), () => f.return(status));
}

const ecall: SystemCode = (frame) => {
  const { f, hart, privileged } = frame;
  f.if(i32.eqz(i32.load(hart, FIELD.privilege)), () => {
    attempt(frame, privileged.trap, hart, i32.const(CAUSE.ecallFromU), i64.const(0));
  });
};

const sret: SystemCode = (frame) => attempt(frame, frame.privileged.sret, frame.hart);

/** With x0 the fence is about all addresses. */
const fence: SystemCode = (frame) => {
  const { f, hart, slot, privileged } = frame;
  f.if(i32.load8_u(slot, SLOT.b), () => attempt(frame, privileged.fencePage, hart, x(frame, SLOT.b)));
};

const fenceI: SystemCode = (frame) => attempt(frame, frame.privileged.fenceI, frame.hart);

const zeroBlock: SystemCode = (frame) => {
  const { f, hart, privileged } = frame;
  const done = call(privileged.zeroBlock, hart, x(frame, SLOT.b));
  f.if(done, () => f.return(i32.const(STATUS.proceed)));
};

/** The slot has the number of the CSR, and above it the immediate. */
function csr(change: number, immediate: boolean): SystemCode {
  return (frame) => {
    const { f, hart, slot, privileged } = frame;
    const number = i32.load16_u(slot, SLOT.c);
    const operand = immediate ? i64.load16_u(slot, SLOT.c + 2) : x(frame, SLOT.b);
    const changes = f.let(i32.const(change));
    if (change !== CHANGE.write) {
      // x0 and an immediate of 0 change nothing at all.
      const source = immediate ? i32.load16_u(slot, SLOT.c + 2) : i32.load8_u(slot, SLOT.b);
      f.if(i32.eqz(source), () => f.set(changes, i32.const(CHANGE.none)));
    }
    const rd = i32.load8_u(slot, SLOT.a);
    f.if(call(privileged.csr, hart, number, changes, operand, rd), () => f.return(i32.const(STATUS.proceed)));
  };
}

const SYSTEM_CODE: ReadonlyMap<string, SystemCode> = new Map([
  ['ecall', ecall],
  ['sret', sret],
  ['sfence.vma', fence],
  ['sinval.vma', fence],
  ['fence.i', fenceI],
  ['cbo.zero', zeroBlock],
  ['csrrw', csr(CHANGE.write, false)],
  ['csrrs', csr(CHANGE.set, false)],
  ['csrrc', csr(CHANGE.clear, false)],
  ['csrrwi', csr(CHANGE.write, true)],
  ['csrrsi', csr(CHANGE.set, true)],
  ['csrrci', csr(CHANGE.clear, true)],
]);

/**
 * Generates what can be done of a system instruction without TypeScript, for a function of its own: it returns a status
 * when all is done, and goes on behind when nothing is.
 */
export function generateSystem(frame: Frame, instruction: string): void {
  SYSTEM_CODE.get(instruction)?.(frame);
}
