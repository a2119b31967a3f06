import { CSR, FIELD } from '../layout.ts';
import type { HartState } from '../state.ts';
import type { Context } from './context.ts';
import { changeCounting, countsByMode, EVENT_COUNTERS } from './counting.ts';
import { ENVCFG, HSTATUS, MACHINE_STATUS, STATUS, SUPERVISOR_STATUS } from './registers.ts';

const HYPERVISOR_BITS =
  HSTATUS.gva | HSTATUS.spv | HSTATUS.spvp | HSTATUS.hu | HSTATUS.vtvm | HSTATUS.vtw | HSTATUS.vtsr;
/** Bits that address translation depends on. */
const TRANSLATION_BITS = STATUS.mprv | STATUS.mpp | STATUS.sum | STATUS.mxr;

const FLOAT_DIRTY = FIELD.floatDirty >> 2;
const FLOAT_OFF = FIELD.floatOff >> 2;

/**
 * Folds {@link FIELD.floatDirty} into FS of mstatus, and of vsstatus if V=1: both are in effect there ("Virtual
 * Supervisor Status Register").
 */
export function foldFloat(state: HartState): void {
  const { words, csr } = state;
  if (words[FLOAT_DIRTY] === 0) return;
  words[FLOAT_DIRTY] = 0;
  csr[CSR.mstatus] = (csr[CSR.mstatus] as number) | STATUS.fs;
  if (state.virtual !== 0) csr[CSR.vsstatus] = (csr[CSR.vsstatus] as number) | STATUS.fs;
}

/** Recomputes {@link FIELD.floatOff} after V or an FS field has changed. */
export function refreshFloatOff(state: HartState): void {
  const { csr } = state;
  const off =
    ((csr[CSR.mstatus] as number) & STATUS.fs) === 0 ||
    (state.virtual !== 0 && ((csr[CSR.vsstatus] as number) & STATUS.fs) === 0);
  state.words[FLOAT_OFF] = off ? 1 : 0;
}

/** Whether vectors are disabled in the current context: VS = Off in mstatus, or in vsstatus if V=1. */
export function isVectorOff({ csr, virtual }: HartState): boolean {
  const isOff = (status: number): boolean => ((csr[status] as number) & STATUS.vs) === 0;
  return isOff(CSR.mstatus) || (virtual !== 0 && isOff(CSR.vsstatus));
}

/** Notes that vector state has changed; generated code does the same. */
export function markVectorDirty({ csr, virtual }: HartState): void {
  csr[CSR.mstatus] = (csr[CSR.mstatus] as number) | STATUS.vs;
  if (virtual !== 0) csr[CSR.vsstatus] = (csr[CSR.vsstatus] as number) | STATUS.vs;
}

function enterMode(state: HartState, privilege: number, virtual: number): void {
  state.privilege = privilege;
  state.virtual = virtual;
}

/** Changes privilege and V. A reservation does not outlive the mode in which it was made. */
export function setMode(context: Context, privilege: number, virtual: number): void {
  const { state } = context;
  foldFloat(state);
  if (countsByMode(state.csr)) {
    changeCounting(context, EVENT_COUNTERS, () => enterMode(state, privilege, virtual));
  } else {
    enterMode(state, privilege, virtual);
  }
  state.words[FIELD.reservation >> 2] = 0;
  refreshFloatOff(state);
  context.hooks.contextChanged();
}

/** Leaves a status register in the context, with SD, which is its uppermost bit: FS or VS is Dirty. */
function deliver(context: Context, low: number, high: number): void {
  const isDirty = (low & STATUS.fs) === STATUS.fs || (low & STATUS.vs) === STATUS.vs;
  const dirty = isDirty ? STATUS.sd : 0;
  const isWide = context.features.xlen === 64;
  context.low = isWide ? low : low | dirty;
  context.high = isWide ? high | dirty : high;
}

/** A field that says that registers have 64 bits; RV32 has none. */
function widthField(context: Context, field: number): number {
  return context.features.xlen === 64 ? field : 0;
}

export function readMstatus(context: Context): void {
  foldFloat(context.state);
  const { csr } = context.state;
  deliver(context, csr[CSR.mstatus] as number, csr[CSR.mstatus + 1] as number);
}

/** MPP can hold U, S and M; the reserved value 2 leaves it as it was. */
function legalMpp(old: number, low: number): number {
  return (low & STATUS.mpp) === 2 << STATUS.mppShift ? (low & ~STATUS.mpp) | (old & STATUS.mpp) : low;
}

/** Bits of sstatus and vsstatus that software may write. */
export function supervisorStatusBits(extensions: ReadonlySet<string>): number {
  const absent = (extensions.has('f') ? 0 : STATUS.fs) | (extensions.has('v') ? 0 : STATUS.vs);
  return SUPERVISOR_STATUS & ~absent;
}

function writableBits({ features }: Context, bits: number): number {
  return bits & ~((features.float ? 0 : STATUS.fs) | (features.vector ? 0 : STATUS.vs));
}

/** Replaces `bits` of mstatus by those of `low`, and the state that follows from it. */
function updateMstatus(context: Context, bits: number, low: number): void {
  const { state } = context;
  foldFloat(state);
  const old = state.csr[CSR.mstatus] as number;
  const now = (old & ~bits) | (low & bits);
  state.csr[CSR.mstatus] = now;
  if (((old ^ now) & STATUS.fs) !== 0) refreshFloatOff(state);
  if (((old ^ now) & TRANSLATION_BITS) !== 0) context.hooks.contextChanged();
}

export function writeMstatus(context: Context, low: number, high: number): void {
  const { state, features } = context;
  if (features.hypervisor) {
    const bits = MACHINE_STATUS.highBits;
    const old = state.csr[CSR.mstatus + 1] as number;
    state.csr[CSR.mstatus + 1] = (old & ~bits) | (high & bits);
    if (((old ^ high) & STATUS.mpvHigh) !== 0) context.hooks.contextChanged();
  }
  updateMstatus(
    context,
    writableBits(context, MACHINE_STATUS.bits),
    legalMpp(state.csr[CSR.mstatus] as number, low),
  );
}

export function readSstatus(context: Context): void {
  foldFloat(context.state);
  const status = (context.state.csr[CSR.mstatus] as number) & SUPERVISOR_STATUS;
  deliver(context, status, widthField(context, STATUS.uxlHigh));
}

export function writeSstatus(context: Context, low: number): void {
  updateMstatus(context, writableBits(context, SUPERVISOR_STATUS), low);
}

export function readVsstatus(context: Context): void {
  foldFloat(context.state);
  deliver(context, context.state.csr[CSR.vsstatus] as number, widthField(context, STATUS.uxlHigh));
}

export function writeVsstatus(context: Context, low: number): void {
  const { state } = context;
  foldFloat(state);
  const bits = writableBits(context, SUPERVISOR_STATUS);
  const old = state.csr[CSR.vsstatus] as number;
  const now = low & bits;
  state.csr[CSR.vsstatus] = now;
  if (((old ^ now) & STATUS.fs) !== 0) refreshFloatOff(state);
  if (((old ^ now) & TRANSLATION_BITS) !== 0) context.hooks.contextChanged();
}

export function readHstatus(context: Context): void {
  context.low = context.state.csr[CSR.hstatus] as number;
  const { csr } = context.state;
  context.high =
    widthField(context, HSTATUS.vsxlHigh) | ((csr[CSR.hstatus + 1] as number) & HSTATUS.hupmmHigh);
}

/** VGEIN can hold 0 to GEILEN; other values leave it as it was. */
export function writeHstatus(context: Context, low: number, high: number): void {
  const { csr } = context.state;
  const old = csr[CSR.hstatus] as number;
  const source = (low & HSTATUS.vgein) >> HSTATUS.vgeinShift;
  const vgein = (source <= context.features.geilen ? low : old) & HSTATUS.vgein;
  csr[CSR.hstatus] = (low & HYPERVISOR_BITS) | vgein;
  writeGuestMasking(context, high);
  if (((old ^ low) & HSTATUS.spvp) !== 0) context.hooks.contextChanged();
}

/** The reserved value leaves HUPMM as it was. */
function writeGuestMasking({ state: { csr }, features }: Context, high: number): void {
  const pmm = (high & HSTATUS.hupmmHigh) >> HSTATUS.hupmmHighShift;
  if (pmm === ENVCFG.pmmHighReserved || !features.extensions.has('ssnpm') || features.xlen !== 64) return;
  const others = (csr[CSR.hstatus + 1] as number) & ~HSTATUS.hupmmHigh;
  csr[CSR.hstatus + 1] = others | (pmm << HSTATUS.hupmmHighShift);
}

/** Values of the status registers after reset; those that only hold constants get them too. */
export function resetStatus(context: Context): void {
  const { csr } = context.state;
  csr[CSR.mstatus] = 0;
  csr[CSR.mstatus + 1] = widthField(context, STATUS.uxlHigh | STATUS.sxlHigh);
  csr[CSR.vsstatus] = 0;
  csr[CSR.vsstatus + 1] = widthField(context, STATUS.uxlHigh);
  csr[CSR.hstatus] = 0;
  csr[CSR.hstatus + 1] = widthField(context, HSTATUS.vsxlHigh);
  context.state.words[FLOAT_DIRTY] = 0;
  refreshFloatOff(context.state);
}
