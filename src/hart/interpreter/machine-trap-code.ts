/**
 * Exceptions that M-mode handles, from M-mode and from U- and S-mode below it, and the MRET back, in generated code.
 * Traps of a guest, or with MPRV on, are left to `privileged/`.
 */
import {
  call,
  type FunctionBuilder,
  type FunctionRef,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { enterMode, giveUpIf, keysOf, type ModeKeys, machineKeys, noteException } from './mode-code.ts';
import { csrAddress, HIGH, MODE, QUIET, STATUS } from './privileged-fields.ts';

const MSTATUS = csrAddress('mstatus');

/** `(hart, cause, tval)`: as the trap that it is a part of; V is 0. */
export function defineMachineTrap(module: ModuleBuilder, arrive: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('trap to M', ['i32', 'i32', 'i64'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const cause = f.param(1, 'i32');
    const tval = f.param(2, 'i64');
    giveUpIf(f, i32.load(hart, FIELD.hsHost));
    const status = f.let(i32.load(hart, MSTATUS));
    giveUpIf(f, i32.and(status, i32.const(STATUS.mprv)));
    const keys = machineKeys(f, hart);
    const pc = noteException(f, hart, cause);

    const kept = i32.and(status, i32.const(~(STATUS.mie | STATUS.mpie | STATUS.mpp)));
    const enabled = i32.shl(i32.and(status, i32.const(STATUS.mie)), i32.const(4));
    const previous = i32.shl(i32.load(hart, FIELD.privilege), i32.const(STATUS.mppShift));
    f.store('i32.store', hart, i32.or(i32.or(kept, enabled), previous), MSTATUS);
    clearHigh(f, hart, STATUS.mpvHigh | STATUS.gvaHigh);
    f.store('i64.store', hart, pc, csrAddress('mepc'));
    f.store('i64.store', hart, i64.extend_i32_u(cause), csrAddress('mcause'));
    f.store('i64.store', hart, tval, csrAddress('mtval'));
    f.store('i64.store', hart, i64.const(0), csrAddress('mtval2'));
    f.store('i64.store', hart, i64.const(0), csrAddress('mtinst'));
    enterMode(f, hart, i32.const(MODE.machine), keys);
    f.return(call(arrive, hart, i64.and(i64.load(hart, csrAddress('mtvec')), i64.const(-4))));
    f.unreachable();
  });
}

/** `(hart)`: MRET to where V is 0. */
export function defineMret(module: ModuleBuilder, arrive: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('mret', ['i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    giveUpIf(f, i32.ne(i32.load(hart, FIELD.quiet), i32.const(QUIET.yes)));
    giveUpIf(f, i32.ne(i32.load(hart, FIELD.privilege), i32.const(MODE.machine)));
    const status = f.let(i32.load(hart, MSTATUS));
    giveUpIf(f, i32.and(status, i32.const(STATUS.mprv)));
    const privilege = f.let(i32.and(i32.shr_u(status, i32.const(STATUS.mppShift)), i32.const(3)));
    const kept = i32.and(status, i32.const(~(STATUS.mie | STATUS.mpp)));
    const enabled = i32.shr_u(i32.and(status, i32.const(STATUS.mpie)), i32.const(4));
    const popped = f.let(i32.or(i32.or(kept, enabled), i32.const(STATUS.mpie)));
    const go = (keys: ModeKeys): void => {
      f.store('i32.store', hart, popped, MSTATUS);
      clearHigh(f, hart, STATUS.mpvHigh);
      enterMode(f, hart, privilege, keys);
      f.return(call(arrive, hart, i64.load(hart, csrAddress('mepc'))));
    };
    f.if(i32.eq(privilege, i32.const(MODE.machine)), () => go(machineKeys(f, hart)));
    giveUpIf(f, i32.and(i32.load(hart, MSTATUS + HIGH), i32.const(STATUS.mpvHigh)));
    go(keysOf(f, hart, status, privilege));
    f.unreachable();
  });
}

function clearHigh(f: FunctionBuilder, hart: Local<'i32'>, bits: number): void {
  f.store('i32.store', hart, i32.and(i32.load(hart, MSTATUS + HIGH), i32.const(~bits)), MSTATUS + HIGH);
}
