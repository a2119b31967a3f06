/** Legal values of satp, vsatp and hgatp. MODE is bits 63:60 in each: 0 Bare, 8 Sv39, 9 Sv48, 10 Sv57 (and ...x4). */
import type { Context } from './context.ts';

const MODE_SHIFT = 28;
const MODE_HIGH = 0xf << MODE_SHIFT;
/** VMID (14 bits from bit 44) and the upper part of PPN; bits 59:58 are 0. */
const HGATP_HIGH = 0x03ff_ffff;

function isSupported(high: number): boolean {
  const mode = high >>> MODE_SHIFT;
  return mode === 0 || (mode >= 8 && mode <= 10);
}

/** satp or vsatp, by its field: a write with an unsupported MODE is ignored altogether. */
export function writeSatp(context: Context, field: number, low: number, high: number): void {
  if (!isSupported(high)) return;
  const { csr } = context.state;
  csr[field] = low;
  csr[field + 1] = high;
  context.hooks.contextChanged();
}

/**
 * hgatp: an unsupported MODE leaves MODE as it was while the other fields are written; the root table is 16 KiB, so
 * the lowest two bits of PPN are 0.
 */
export function writeHgatp(context: Context, field: number, low: number, high: number): void {
  const { csr } = context.state;
  const mode = (isSupported(high) ? high : (csr[field + 1] as number)) & MODE_HIGH;
  csr[field] = low & ~3;
  csr[field + 1] = mode | (high & HGATP_HIGH);
  context.hooks.contextChanged();
}
