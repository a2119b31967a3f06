/**
 * Pointer masking (Ssnpm, Smnpm): the uppermost bits of addresses of loads and stores mean nothing where PMM says so.
 */
import { CSR } from '../layout.ts';
import { ENVCFG, MODE, STATUS } from '../privileged/registers.ts';

/** Bits that a value of PMM masks; 1 is reserved, and never stored. */
const MASKED_BITS = [0, 0, 7, 16] as const;

/** PMM of all registers, each below the next: 0 if no mode of the hart masks anything but for HUPMM. */
export function maskings(csr: Int32Array): number {
  const field = (register: number): number => (csr[register + 1] as number) & ENVCFG.pmmHigh;
  return (field(CSR.menvcfg) << 4) | (field(CSR.henvcfg) << 2) | field(CSR.senvcfg);
}

/**
 * PMM in effect for loads and stores that are made in a mode: 0, 2 or 3. MXR turns it off, even where nothing is
 * translated (specification of pointer masking, "Memory Accesses Subject to Pointer Masking").
 *
 * @param user PMM for U-mode, if it is not that of senvcfg
 */
export function maskingOf(
  csr: Int32Array,
  privilege: number,
  virtual: boolean,
  user = (csr[CSR.senvcfg + 1] as number) & ENVCFG.pmmHigh,
): number {
  if (privilege === MODE.machine) return 0;
  const status = csr[CSR.mstatus] as number;
  if (((status | (virtual ? (csr[CSR.vsstatus] as number) : 0)) & STATUS.mxr) !== 0) return 0;
  if (privilege === MODE.user) return user;
  const field = virtual ? CSR.henvcfg : CSR.menvcfg;
  return (csr[field + 1] as number) & ENVCFG.pmmHigh;
}

/**
 * The upper half of an address without its masked bits: the sign of the rest takes their place where the first stage
 * translates, else 0.
 *
 * @param pmm a value of the field PMM
 */
export function masked(csr: Int32Array, high: number, pmm: number, virtual: boolean): number {
  const bits = MASKED_BITS[pmm as 0 | 1 | 2 | 3];
  const space = csr[(virtual ? CSR.vsatp : CSR.satp) + 1] as number;
  return space >>> 28 === 0 ? ((high << bits) >>> bits) | 0 : (high << bits) >> bits;
}
