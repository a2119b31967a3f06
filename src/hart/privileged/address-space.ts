/**
 * Legal values of satp, vsatp and hgatp. MODE is bits 63:60 in each: 0 Bare, 8 Sv39, 9 Sv48, 10 Sv57 (and ...x4). The
 * registers of RV32 are kept in the same form, with MODE 1 for Sv32, so that all readers find the same fields.
 */
import type { Context } from './context.ts';
import type { CsrDefinition } from './csr-definition.ts';

const MODE_SHIFT = 28;
const MODE_HIGH = 0xf << MODE_SHIFT;
/** VMID (14 bits from bit 44) and the upper part of PPN; bits 59:58 are 0. */
const HGATP_HIGH = 0x03ff_ffff;
/** From bit 12 of the high half on there is the ASID or VMID. */
const ID_SHIFT = 12;

/** Fields of RV32: MODE in bit 31, ASID (9 bits) or VMID (7 bits) from bit 22, PPN below. */
const NARROW = {
  modeShift: 31,
  idShift: 22,
  asidMask: 0x1ff,
  vmidMask: 0x7f,
  numberMask: 0x3f_ffff,
} as const;

function isSupported(high: number): boolean {
  const mode = high >>> MODE_SHIFT;
  return mode === 0 || (mode >= 8 && mode <= 10);
}

/** The high half of the form of RV64, of a register of RV32. */
function widened(value: number, idMask: number): number {
  return ((value >>> NARROW.modeShift) << MODE_SHIFT) | (((value >>> NARROW.idShift) & idMask) << ID_SHIFT);
}

/** satp, vsatp or hgatp as software reads it, by its field. */
export function readAddressSpace(field: number): CsrDefinition['read'] {
  return (context) => {
    const { csr } = context.state;
    const low = csr[field] as number;
    const high = csr[field + 1] as number;
    const isWide = context.features.xlen === 64;
    context.low = isWide ? low : low | (high << (NARROW.idShift - ID_SHIFT)) | ((high >>> MODE_SHIFT) << 31);
    context.high = isWide ? high : 0;
  };
}

/** satp or vsatp, by its field: a write with an unsupported MODE is ignored altogether. */
export function writeSatp(context: Context, field: number, low: number, high: number): void {
  const { csr } = context.state;
  if (context.features.xlen === 32) {
    csr[field] = low & NARROW.numberMask;
    csr[field + 1] = widened(low, NARROW.asidMask);
  } else {
    if (!isSupported(high)) return;
    csr[field] = low;
    csr[field + 1] = high;
  }
  context.hooks.contextChanged();
}

/**
 * hgatp: an unsupported MODE leaves MODE as it was while the other fields are written; the root table is 16 KiB, so
 * the lowest two bits of PPN are 0.
 */
export function writeHgatp(context: Context, field: number, low: number, high: number): void {
  const { csr } = context.state;
  if (context.features.xlen === 32) {
    csr[field] = low & NARROW.numberMask & ~3;
    csr[field + 1] = widened(low, NARROW.vmidMask);
  } else {
    const mode = (isSupported(high) ? high : (csr[field + 1] as number)) & MODE_HIGH;
    csr[field] = low & ~3;
    csr[field + 1] = mode | (high & HGATP_HIGH);
  }
  context.hooks.contextChanged();
}
