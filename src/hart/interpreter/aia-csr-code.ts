/**
 * The CSRs of the AIA that handlers of external interrupts access each time, in generated code: stopi and stopei of
 * S-mode, and of guests, where no priorities are configured. The rest is left to `privileged/aia/`.
 *
 * Harts that have this code have no Smstateen.
 */
import {
  call,
  type FunctionRef,
  type I32,
  type I64,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { type CsrField, FIELD, OWN_FILES } from '../layout.ts';
import { type CsrAccess, defineAccess, deliver, giveUpIf, isRead } from './csr-access.ts';
import { defineFile, type FileFunctions } from './interrupt-file-code.ts';
import { csrAddress, ENVCFG, HIGH, HSTATUS, INTERRUPT, MODE, QUIET } from './privileged-fields.ts';

export const TOP_INTERRUPT = 0xdb0;
export const TOP_EXTERNAL = 0x15c;

/** Bits of stopi, behind them the number of the interrupt. */
const IID_SHIFT = 16;
/** IPRIO of interrupts below all priorities that can be configured. */
const LOWEST = 255;
/** IPRIO that guests see, without hvictl.IPRIOM. */
const GUEST_PRIORITY = 1;
const SSI = 1;
const STI = 5;
const SEI = 9;
/** Of sie and its like: from here on interrupts are there for no hart that generated code is made for, but one. */
const LCOFI = INTERRUPT.lcofi;

export interface AiaAccess {
  /** stopi. */
  readonly top: FunctionRef<'i32'>;
  /** stopei. */
  readonly external: FunctionRef<'i32'>;
}

export function defineAiaCsr(module: ModuleBuilder, xlen: 32 | 64): AiaAccess {
  const file = defineFile(module);
  return {
    top: defineAccess(module, xlen, 'csr stopi', (access) => topAccess(access, file)),
    external: defineAccess(module, xlen, 'csr stopei', (access) => externalAccess(access, file)),
  };
}

const csr = (hart: Local<'i32'>, name: CsrField): I32 => i32.load(hart, csrAddress(name));

/** M-mode has registers of its own, U-mode none. */
function refuseOtherModes(access: CsrAccess): void {
  giveUpIf(access, i32.ne(i32.load(access.hart, FIELD.privilege), i32.const(MODE.supervisor)));
}

function giveUpUnlessZero(access: CsrAccess, ...fields: readonly CsrField[]): void {
  const or = (left: I64, name: CsrField): I64 => i64.or(left, i64.load(access.hart, csrAddress(name)));
  giveUpIf(access, i64.ne(fields.reduce(or, i64.const(0)), i64.const(0)));
}

/** The address of the interrupt file of the current mode; gives up where it is not known, or there is none. */
function ownFile(access: CsrAccess): Local<'i32'> {
  const { f, hart } = access;
  const file = f.local('i32');
  f.if(
    i32.load(hart, FIELD.virtual),
    () => {
      const vgein = i32.shr_u(
        i32.and(csr(hart, 'hstatus'), i32.const(HSTATUS.vgein)),
        i32.const(HSTATUS.vgeinShift),
      );
      const number = f.let(vgein);
      // Larger ones than there are read as none, see `FIELD.files`; 0 selects none.
      const exists = i32.lt_u(i32.sub(number, i32.const(1)), i32.const(OWN_FILES - 2));
      giveUpIf(access, i32.eqz(exists));
      f.set(file, i32.load(i32.add(hart, i32.shl(number, i32.const(2))), FIELD.files + 4));
    },
    () => f.set(file, i32.load(hart, FIELD.files + 4)),
  );
  giveUpIf(access, i32.eqz(file));
  return file;
}

/** stopei. M-mode that filters SEI keeps S-mode from its file. */
function externalAccess(access: CsrAccess, { top, claim }: FileFunctions): void {
  const { f, hart } = access;
  refuseOtherModes(access);
  giveUpIf(access, i32.and(csr(hart, 'mvien'), i32.const(INTERRUPT.sei)));
  const file = ownFile(access);
  const identity = f.local('i32');
  f.if(
    isRead(access),
    () => f.set(identity, call(top, hart, file)),
    () => f.set(identity, call(claim, hart, file)),
  );
  deliver(access, i64.extend_i32_u(i32.or(i32.shl(identity, i32.const(IID_SHIFT)), identity)));
}

/** stopi, which is read-only. */
function topAccess(access: CsrAccess, file: FileFunctions): void {
  const { f, hart } = access;
  refuseOtherModes(access);
  giveUpIf(access, i32.eqz(isRead(access)));
  giveUpUnlessZero(access, 'mvien');
  f.if(
    i32.load(hart, FIELD.virtual),
    () => guestTop(access, file),
    () => supervisorTop(access, file),
  );
  f.return(i32.const(0));
}

function deliverTop(access: CsrAccess, cause: number, priority: I32): void {
  deliver(access, i64.extend_i32_u(i32.or(i32.const(cause << IID_SHIFT), priority)));
}

/**
 * `guestTop` of `privileged/aia/`: without priorities and interrupts that the hypervisor injects, and while no others
 * are pending, SEI comes first, then SSI, then STI.
 */
function guestTop(access: CsrAccess, { delivered }: FileFunctions): void {
  const { f, hart } = access;
  giveUpUnlessZero(access, 'hvictl', 'hviprio1', 'hviprio2');
  const address = ownFile(access);
  const field = (name: CsrField): I64 => i64.load(hart, csrAddress(name));
  const virtual = i64.and(injectedBits(hart), field('vsieVirtual'));
  giveUpIf(access, i64.ne(virtual, i64.const(0)));
  const hideleg = f.let(csr(hart, 'hideleg'));
  const own = i32.and(i32.and(csr(hart, 'mip'), csr(hart, 'mie')), i32.and(csr(hart, 'mideleg'), hideleg));
  giveUpIf(access, i32.and(own, i32.const(LCOFI)));
  const enabled = f.let(i32.and(hideleg, csr(hart, 'hie')));
  const stored = f.let(i32.and(enabled, csr(hart, 'hvip')));
  const priority = i32.const(GUEST_PRIORITY);
  const take = (condition: I32, cause: number): void =>
    f.if(condition, () => deliverTop(access, cause, priority));
  take(i32.and(stored, i32.const(INTERRUPT.vsei)), SEI);
  f.if(i32.and(enabled, i32.const(INTERRUPT.vsei)), () => take(call(delivered, hart, address), SEI));
  take(i32.and(stored, i32.const(INTERRUPT.vssi)), SSI);
  take(i32.and(stored, i32.const(INTERRUPT.vsti)), STI);
  f.if(i32.and(enabled, i32.const(INTERRUPT.vsti)), () => {
    const time = i64.add(i64.load(hart, FIELD.lastTicks), field('htimedelta'));
    const reached = i64.ge_u(time, field('vstimecmp'));
    take(i32.and(hasTimer(hart, 'henvcfg'), reached), STI);
  });
  noteNothing(access, i32.or(csr(hart, 'mie'), i32.and(csr(hart, 'hie'), i32.xor(hideleg, i32.const(-1)))));
}

/** `supervisorTop` of `privileged/aia/`, in the same way. IPRIO of an external interrupt is its identity. */
function supervisorTop(access: CsrAccess, { delivered }: FileFunctions): void {
  const { f, hart } = access;
  giveUpUnlessZero(access, 'siprio0', 'siprio2');
  const address = ownFile(access);
  const notGuests = i32.xor(csr(hart, 'hideleg'), i32.const(-1));
  giveUpIf(access, i32.and(csr(hart, 'hie'), notGuests));
  const enabled = f.let(i32.and(csr(hart, 'mie'), csr(hart, 'mideleg')));
  const timer = f.let(hasTimer(hart, 'menvcfg'));
  const stored = f.let(i32.and(enabled, csr(hart, 'mip')));
  giveUpIf(access, i32.and(stored, i32.const(INTERRUPT.sei | LCOFI)));
  f.if(i32.and(enabled, i32.const(INTERRUPT.sei)), () => {
    const identity = f.let(call(delivered, hart, address));
    f.if(identity, () => {
      const isLowest = i32.gt_u(identity, i32.const(LOWEST));
      f.if(isLowest, () => f.set(identity, i32.const(LOWEST)));
      deliverTop(access, SEI, identity);
    });
  });
  const take = (condition: I32, cause: number): void =>
    f.if(condition, () => deliverTop(access, cause, i32.const(LOWEST)));
  take(i32.and(stored, i32.const(INTERRUPT.ssi)), SSI);
  // STIP is the one that is stored, or the level of stimecmp.
  f.if(i32.and(enabled, i32.const(INTERRUPT.sti)), () => {
    const reached = i64.ge_u(i64.load(hart, FIELD.lastTicks), i64.load(hart, csrAddress('stimecmp')));
    f.if(
      timer,
      () => take(reached, STI),
      () => take(i32.and(stored, i32.const(INTERRUPT.sti)), STI),
    );
  });
  const machine = i32.and(csr(hart, 'mie'), i32.xor(csr(hart, 'mideleg'), i32.const(-1)));
  const injected = i32.or(csr(hart, 'hvictl'), i64.ne(injectedBits(hart), i64.const(0)));
  noteNothing(access, i32.or(machine, i32.or(csr(hart, 'hie'), injected)));
}

/** Interrupts from 13 on that the hypervisor has made pending for its guest. */
function injectedBits(hart: Local<'i32'>): I64 {
  return i64.and(i64.load(hart, csrAddress('hvip')), i64.load(hart, csrAddress('hvien')));
}

/** The timer compare register of that level raises its interrupt: STCE. */
function hasTimer(hart: Local<'i32'>, name: 'menvcfg' | 'henvcfg'): I32 {
  const bits = i32.and(i32.load(hart, csrAddress(name) + HIGH), i32.const(ENVCFG.stceHigh));
  return i32.ne(bits, i32.const(0));
}

/**
 * Nothing is pending at the level of the current mode: the value is 0. If nothing is enabled at other levels either, a
 * look for interrupts would find the same.
 */
function noteNothing(access: CsrAccess, othersEnabled: I32): void {
  const { f, hart } = access;
  f.if(i32.eqz(othersEnabled), () => f.store('i32.store', hart, i32.const(QUIET.yes), FIELD.quiet));
  deliver(access, i64.const(0));
}
