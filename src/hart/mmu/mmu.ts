import { type GuestMemory, type GuestPhysical, physicalAddress } from '../../memory/guest-memory.ts';
import { ACCESS, type Access, CAUSE, type Exception, fillException } from '../exceptions.ts';
import { CSR } from '../layout.ts';
import { updatesAccessedDirty } from '../privileged/index.ts';
import { ENVCFG, HSTATUS, MODE, STATUS } from '../privileged/registers.ts';
import type { HartState } from '../state.ts';
import { ENTRY } from './entry.ts';
import { EntryMemory } from './entry-memory.ts';
import type { Pmp } from './pmp.ts';
import { masked, maskingOf, maskings } from './pointer-masking.ts';
import { type LeafRule, Stage, UNPAGED, WALK_RESULT, type WalkResult } from './stage.ts';

/** In whose name memory is accessed: privilege, translation and permissions depend on it. */
export interface TranslationMode {
  /** Effective privilege: 0 U, 1 S, 3 M. */
  privilege: number;
  /** Two-stage translation applies. */
  virtual: boolean;
  access: Access;
  /** S-mode may use user pages (of vsstatus where `virtual`). */
  sum: boolean;
  /** Loads may read executable pages, in the first stage and in the G-stage. */
  mxr: boolean;
  guestMxr: boolean;
  /** Execute permission takes the place of read permission (HLVX). */
  executable: boolean;
}

/** Causes by ACCESS value. */
const ACCESS_FAULT = [CAUSE.loadAccess, CAUSE.storeAccess, CAUSE.fetchAccess] as const;
const PAGE_FAULT = [CAUSE.loadPageFault, CAUSE.storePageFault, CAUSE.fetchPageFault] as const;
const GUEST_PAGE_FAULT = [
  CAUSE.loadGuestPageFault,
  CAUSE.storeGuestPageFault,
  CAUSE.fetchGuestPageFault,
] as const;

/** Trap instruction values for accesses to VS-stage page tables ("special pseudoinstructions"). */
const TABLE_READ_INSTRUCTION = { 32: 0x2000, 64: 0x3000 } as const;
const TABLE_WRITE_INSTRUCTION = { 32: 0x2020, 64: 0x3020 } as const;

/**
 * Address translation and protection of one hart: Sv39, Sv48 and Sv57, on RV32 Sv32, under satp, or under vsatp and
 * hgatp in two stages, then physical memory protection (privileged specification, "Virtual Address Translation Process"
 * and "Two-Stage Address Translation").
 *
 * The result of a successful translation is left in the fields, so that nothing is allocated.
 */
export class Mmu {
  /**
   * The physical address: exact below 2^53; above, exact to its page. Nothing answers there.
   */
  physical: GuestPhysical = 0;
  /** The protection treats the whole 4 KiB page alike, so that the translation may be kept for this kind of access. */
  cacheable = false;
  /**
   * Page size in bytes of the first stage, which fences by virtual address are about: all addresses of its page are
   * forgotten together, however small the pages of the G-stage. 2^56 if it does not translate.
   */
  pageSize = UNPAGED;
  /** Why a translation failed; shared with the hart. */
  readonly exception: Exception;

  readonly #state: HartState;
  readonly #csr: Int32Array;
  readonly #pmp: Pmp;
  readonly #single: Stage;
  readonly #guest: Stage;
  /** VS-stage; its tables are in guest-physical memory. */
  readonly #virtual: Stage;
  readonly #mode: TranslationMode = {
    privilege: MODE.machine,
    virtual: false,
    access: ACCESS.load,
    sum: false,
    mxr: false,
    guestMxr: false,
    executable: false,
  };
  readonly #rule: LeafRule = { permissions: 0, userRequired: false, userForbidden: false, marks: 0 };

  /**
   * @param ram - the only part of physical memory where page tables may be
   * @param exception - filled in when a translation fails
   */
  constructor(state: HartState, ram: GuestMemory, pmp: Pmp, exception: Exception) {
    const { xlen } = state;
    const entries = new EntryMemory(ram, pmp, xlen);
    this.exception = exception;
    this.#state = state;
    this.#csr = state.csr;
    this.#pmp = pmp;
    this.#single = new Stage(xlen, entries, false);
    this.#guest = new Stage(xlen, entries, true);
    this.#virtual = new Stage(xlen, entries, false, this.#guest);
  }

  /**
   * Translates for an access of the hart as it is: current privilege and virtualization mode, or those of
   * mstatus.MPP and MPV for loads and stores while mstatus.MPRV is set.
   *
   * @param width - bytes accessed; all within one page
   * @returns true: {@link physical}, {@link cacheable} and {@link pageSize} are set; false: {@link exception} is
   */
  translate(vaLow: number, vaHigh: number, access: Access, width: number): boolean {
    const status = this.#csr[CSR.mstatus];
    if (access !== ACCESS.fetch && (status & STATUS.mprv) !== 0) {
      const privilege = (status >>> STATUS.mppShift) & 3;
      const virtual = (this.#csr[CSR.mstatus + 1] & STATUS.mpvHigh) !== 0;
      this.#setMode(privilege, virtual, access, false);
    } else {
      this.#setMode(this.#state.privilege, this.#state.virtual !== 0, access, false);
    }
    return this.#translate(vaLow, vaHigh, width);
  }

  /**
   * Translates as {@link translate} does, for an access to all of an aligned block.
   *
   * @param block - bytes, a power of two of at most 4096
   */
  translateBlock(vaLow: number, vaHigh: number, access: Access, block: number): boolean {
    if (!this.translate(vaLow, vaHigh, access, 1)) return false;
    const start = this.physical - (vaLow & (block - 1));
    const allowed = this.#pmp.check(start, block, access, this.#mode.privilege);
    return allowed || this.#fail(ACCESS_FAULT[access], vaLow, vaHigh);
  }

  /**
   * The upper half of an address that a load or store of the hart as it is means, without bits that pointer masking
   * ignores. To be used for every part of an access that crosses pages, and in reports about it.
   */
  maskedHigh(high: number): number {
    const csr = this.#csr;
    if (maskings(csr) === 0) return high;
    const status = csr[CSR.mstatus];
    const isLent = (status & STATUS.mprv) !== 0;
    const privilege = isLent ? (status >>> STATUS.mppShift) & 3 : this.#state.privilege;
    const virtual = this.usesGuestAddresses;
    return masked(csr, high, maskingOf(csr, privilege, virtual), virtual);
  }

  /** As {@link maskedHigh}, for HLV and HSV; not for HLVX, whose addresses are those of instructions. */
  maskedGuestHigh(high: number): number {
    const csr = this.#csr;
    const isSupervisor = (csr[CSR.hstatus] & HSTATUS.spvp) !== 0;
    const ofUser = isSupervisor ? undefined : this.#userMaskingOfGuest();
    const pmm = maskingOf(csr, isSupervisor ? MODE.supervisor : MODE.user, true, ofUser);
    return masked(csr, high, pmm, true);
  }

  /** U-mode may not know the choice of the guest's kernel for its programs: HUPMM takes its place there. */
  #userMaskingOfGuest(): number | undefined {
    if (this.#state.privilege !== MODE.user) return undefined;
    return (this.#csr[CSR.hstatus + 1] & HSTATUS.hupmmHigh) >> HSTATUS.hupmmHighShift;
  }

  /** Loads and stores of the hart as it is are about guest virtual addresses. */
  get usesGuestAddresses(): boolean {
    const status = this.#csr[CSR.mstatus];
    if ((status & STATUS.mprv) === 0) return this.#state.virtual !== 0;
    if (((status >>> STATUS.mppShift) & 3) === MODE.machine) return false;
    return (this.#csr[CSR.mstatus + 1] & STATUS.mpvHigh) !== 0;
  }

  /**
   * Translates for HLV, HLVX and HSV: as VS- or VU-mode (hstatus.SPVP), in each current mode.
   *
   * @param executable - HLVX: execute instead of read permission; still a load
   */
  translateGuest(vaLow: number, vaHigh: number, access: Access, width: number, executable: boolean): boolean {
    const privilege = (this.#csr[CSR.hstatus] & HSTATUS.spvp) !== 0 ? MODE.supervisor : 0;
    this.#setMode(privilege, true, access, executable);
    return this.#translate(vaLow, vaHigh, width);
  }

  #setMode(privilege: number, virtual: boolean, access: Access, executable: boolean): void {
    const mode = this.#mode;
    const status = this.#csr[CSR.mstatus];
    const own = virtual ? this.#csr[CSR.vsstatus] : status;
    mode.privilege = privilege;
    mode.virtual = virtual && privilege !== MODE.machine;
    mode.access = access;
    mode.sum = (own & STATUS.sum) !== 0;
    mode.mxr = ((own | status) & STATUS.mxr) !== 0;
    mode.guestMxr = (status & STATUS.mxr) !== 0;
    mode.executable = executable;
  }

  #translate(low: number, high: number, width: number): boolean {
    const mode = this.#mode;
    if (mode.virtual) return this.#translateTwoStages(low, high, width);
    if (mode.privilege === MODE.machine) {
      this.pageSize = UNPAGED;
      return this.#protect(low, high, low, high, width);
    }
    const stage = this.#single;
    const csr = this.#csr;
    const environment = csr[CSR.menvcfg + 1];
    const updates = updatesAccessedDirty(csr, 'supervisor');
    stage.select(csr[CSR.satp], csr[CSR.satp + 1], (environment & ENVCFG.pbmteHigh) !== 0, updates);
    const result = stage.walk(low, high, this.#ownRule());
    if (result !== WALK_RESULT.done) return this.#failFirst(result, low, high);
    this.pageSize = stage.pageSize;
    return this.#protect(low, high, stage.low, stage.high, width);
  }

  #translateTwoStages(low: number, high: number, width: number): boolean {
    const csr = this.#csr;
    const machineTypes = csr[CSR.menvcfg + 1] & ENVCFG.pbmteHigh;
    const first = this.#virtual;
    const guest = this.#guest;
    const updates = updatesAccessedDirty(csr, 'supervisor');
    guest.select(csr[CSR.hgatp], csr[CSR.hgatp + 1], machineTypes !== 0, updates);
    const guestTypes = (csr[CSR.henvcfg + 1] & machineTypes) !== 0;
    first.select(csr[CSR.vsatp], csr[CSR.vsatp + 1], guestTypes, updatesAccessedDirty(csr, 'guest'));
    const result = first.walk(low, high, this.#ownRule());
    if (result !== WALK_RESULT.done) return this.#failFirst(result, low, high);
    const guestResult = guest.walk(first.low, first.high, this.#guestRule());
    if (guestResult === WALK_RESULT.pageFault) return this.#failGuest(low, high, first.low, first.high, 0);
    if (guestResult !== WALK_RESULT.done) return this.#fail(ACCESS_FAULT[this.#mode.access], low, high);
    this.pageSize = first.pageSize;
    return this.#protect(low, high, guest.low, guest.high, width);
  }

  /** The rule for leaves of the first (or only) stage. */
  #ownRule(): LeafRule {
    const mode = this.#mode;
    const rule = this.#rule;
    rule.permissions = permissions(mode, mode.mxr);
    rule.userRequired = mode.privilege === 0;
    rule.userForbidden = mode.privilege !== 0 && (!mode.sum || mode.access === ACCESS.fetch);
    rule.marks = mode.access === ACCESS.store ? ENTRY.accessed | ENTRY.dirty : ENTRY.accessed;
    return rule;
  }

  /** The rule for leaves of the G-stage: every access counts as a user's. */
  #guestRule(): LeafRule {
    const mode = this.#mode;
    const rule = this.#rule;
    rule.permissions = permissions(mode, mode.guestMxr);
    rule.userRequired = true;
    rule.userForbidden = false;
    rule.marks = mode.access === ACCESS.store ? ENTRY.accessed | ENTRY.dirty : ENTRY.accessed;
    return rule;
  }

  /** Physical memory protection of the access itself, and the results. */
  #protect(vaLow: number, vaHigh: number, low: number, high: number, width: number): boolean {
    const { access, privilege, executable } = this.#mode;
    const physical = physicalAddress(low, high);
    const allowed =
      this.#pmp.check(physical, width, access, privilege) &&
      (!executable || this.#pmp.check(physical, width, ACCESS.fetch, privilege));
    if (!allowed) return this.#fail(ACCESS_FAULT[access], vaLow, vaHigh);
    this.physical = physical;
    this.cacheable = this.#pmp.uniform(physical, privilege, access);
    return true;
  }

  /** Fills in the exception for a failure of the first (or only) stage. */
  #failFirst(result: WalkResult, low: number, high: number): false {
    const first = this.#virtual;
    const { xlen } = this.#state;
    switch (result) {
      case WALK_RESULT.pageFault:
        return this.#fail(PAGE_FAULT[this.#mode.access], low, high);
      case WALK_RESULT.tableReadFault:
        return this.#failGuest(low, high, first.entryLow, first.entryHigh, TABLE_READ_INSTRUCTION[xlen]);
      case WALK_RESULT.tableWriteFault:
        return this.#failGuest(low, high, first.entryLow, first.entryHigh, TABLE_WRITE_INSTRUCTION[xlen]);
      default:
        return this.#fail(ACCESS_FAULT[this.#mode.access], low, high);
    }
  }

  #failGuest(low: number, high: number, gpaLow: number, gpaHigh: number, tinst: number): false {
    this.#fail(GUEST_PAGE_FAULT[this.#mode.access], low, high);
    this.exception.tval2Low = (gpaHigh << 30) | (gpaLow >>> 2);
    this.exception.tval2High = gpaHigh >>> 2;
    this.exception.tinst = tinst;
    return false;
  }

  #fail(cause: number, low: number, high: number): false {
    fillException(this.exception, cause, low, high, this.#mode.virtual);
    return false;
  }
}

/** The permission bits of which a leaf must have one. */
function permissions(mode: TranslationMode, mxr: boolean): number {
  if (mode.access === ACCESS.fetch || mode.executable) return ENTRY.execute;
  if (mode.access === ACCESS.store) return ENTRY.write;
  return mxr ? ENTRY.read | ENTRY.execute : ENTRY.read;
}
