/**
 * Bit positions in the privileged CSRs (privileged specification, "Machine-Level ISA" and "Hypervisor Extension").
 * `...High` names hold bits of the high half: bit 39 of `mstatus` is `1 << 7` there.
 */

/** mstatus, sstatus and vsstatus. */
export const STATUS = {
  sie: 1 << 1,
  mie: 1 << 3,
  spie: 1 << 5,
  mpie: 1 << 7,
  spp: 1 << 8,
  sppShift: 8,
  mpp: 3 << 11,
  mppShift: 11,
  vs: 3 << 9,
  fs: 3 << 13,
  mprv: 1 << 17,
  sum: 1 << 18,
  mxr: 1 << 19,
  tvm: 1 << 20,
  tw: 1 << 21,
  tsr: 1 << 22,
  /** UXL = 2: 64 bits. */
  uxlHigh: 2,
  /** SXL = 2: 64 bits. */
  sxlHigh: 2 << 2,
  gvaHigh: 1 << 6,
  mpvHigh: 1 << 7,
  /** The uppermost bit, in the half that has it: the high one of RV64. */
  sd: 1 << 31,
} as const;

/** Bits of sstatus and vsstatus that software may write. */
export const SUPERVISOR_STATUS =
  STATUS.sie | STATUS.spie | STATUS.spp | STATUS.vs | STATUS.fs | STATUS.sum | STATUS.mxr;

/** Bits of mstatus that software may write: low half, and those of the hypervisor extension in the high half. */
export const MACHINE_STATUS = {
  bits:
    SUPERVISOR_STATUS |
    STATUS.mie |
    STATUS.mpie |
    STATUS.mpp |
    STATUS.mprv |
    STATUS.tvm |
    STATUS.tw |
    STATUS.tsr,
  highBits: STATUS.gvaHigh | STATUS.mpvHigh,
} as const;

export const HSTATUS = {
  gva: 1 << 6,
  spv: 1 << 7,
  spvp: 1 << 8,
  spvpShift: 8,
  hu: 1 << 9,
  vgein: 0x3f << 12,
  vgeinShift: 12,
  vtvm: 1 << 20,
  vtw: 1 << 21,
  vtsr: 1 << 22,
  /** VSXL = 2: 64 bits. */
  vsxlHigh: 2,
  /** HUPMM: pointer masking of hlv and hsv in U-mode, as PMM of {@link ENVCFG}. */
  hupmmHigh: 3 << 16,
  hupmmHighShift: 16,
} as const;

/** menvcfg, henvcfg and senvcfg. */
export const ENVCFG = {
  fiom: 1 << 0,
  cbie: 3 << 4,
  /** The reserved value of CBIE. */
  cbieReserved: 2 << 4,
  cbcfe: 1 << 6,
  cbze: 1 << 7,
  /** PMM: pointer masking of the next lower mode; 1 is reserved. */
  pmmHigh: 3,
  pmmHighReserved: 1,
  adueHigh: 1 << 29,
  pbmteHigh: 1 << 30,
  stceHigh: 1 << 31,
} as const;

/** mstateen0 and hstateen0 (Smstateen). */
export const STATEEN = {
  envcfgHigh: 1 << 30,
  /** IMSIC state: stopei, vstopei, and the files behind sireg and vsireg. */
  imsicHigh: 1 << 26,
  /** The other bits of the AIA. */
  aiaHigh: 1 << 27,
  /** siselect, sireg, vsiselect and vsireg. */
  indirectHigh: 1 << 28,
  /** SE0, and bit 63 of the others: access to the stateen registers of lower levels. */
  selfHigh: 1 << 31,
} as const;

/** Interrupt bits, as in mip and mie. */
export const INTERRUPT = {
  ssi: 1 << 1,
  vssi: 1 << 2,
  msi: 1 << 3,
  sti: 1 << 5,
  vsti: 1 << 6,
  mti: 1 << 7,
  sei: 1 << 9,
  vsei: 1 << 10,
  mei: 1 << 11,
  sgei: 1 << 12,
  lcofi: 1 << 13,
} as const;

/** Interrupts of supervisor level (HS). */
export const SUPERVISOR_INTERRUPTS = INTERRUPT.ssi | INTERRUPT.sti | INTERRUPT.sei;
/** Interrupts of VS level, which hideleg can hand on. */
export const GUEST_INTERRUPTS = INTERRUPT.vssi | INTERRUPT.vsti | INTERRUPT.vsei;
const MACHINE_INTERRUPTS = INTERRUPT.msi | INTERRUPT.mti | INTERRUPT.mei;
/** Bits of mie that are not those of hie. */
export const MIE = SUPERVISOR_INTERRUPTS | MACHINE_INTERRUPTS;

/** The values of a select register for the array of priorities (AIA, "Configuring priorities of major interrupts"). */
export const FIRST_PRIORITY = 0x30;
const LAST_PRIORITY = 0x3f;

export function isPriority(select: number): boolean {
  return select >= FIRST_PRIORITY && select <= LAST_PRIORITY;
}

/** mcounteren, hcounteren and scounteren. */
export const COUNTER = { cycle: 1 << 0, time: 1 << 1, instret: 1 << 2 } as const;

/** mhpmevent: the upper half (Sscofpmf). */
export const HPM_EVENT = {
  ofHigh: 1 << 31,
  minhHigh: 1 << 30,
  sinhHigh: 1 << 29,
  uinhHigh: 1 << 28,
  vsinhHigh: 1 << 27,
  vuinhHigh: 1 << 26,
  /** All bits that close a counter to a mode. */
  filtersHigh: 0x7c << 24,
} as const;

/** Privilege modes as the hart stores them. */
export const MODE = { user: 0, supervisor: 1, machine: 3 } as const;

/**
 * Values of `FIELD.quiet` of the hart block, for generated code. `masked`: an interrupt is pending and locally enabled,
 * but S-mode (HS or VS) goes on without it while SIE of its status register is 0, and M-mode while MIE is not turned
 * on.
 */
export const QUIET = { no: 0, yes: 1, masked: 2 } as const;
