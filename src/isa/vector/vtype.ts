/** Bits of vtype ("Vector Type Register"): LMUL, SEW, tail and mask policy. */
export const VTYPE = { lmul: 7, sewShift: 3, sew: 7 << 3, vta: 1 << 6, vma: 1 << 7, bits: 0xff } as const;

const LMUL_NAMES = ['m1', 'm2', 'm4', 'm8', undefined, 'mf8', 'mf4', 'mf2'] as const;
const SEW_NAMES = ['e8', 'e16', 'e32', 'e64'] as const;

/** Log2 of the bytes of an element: 0 for SEW = 8 to 3 for 64; larger ones are reserved. */
export function sewOf(vtype: number): number {
  return (vtype & VTYPE.sew) >> VTYPE.sewShift;
}

/** Log2 of LMUL: -3 for 1/8 to 3 for 8; -4 is reserved. */
export function lmulOf(vtype: number): number {
  return ((vtype & VTYPE.lmul) << 29) >> 29;
}

/** A vtype as assembler has it, such as `e8,m1,ta,ma`; as a number where it is reserved. */
export function vtypeText(vtype: number): string {
  const sew = SEW_NAMES[sewOf(vtype)];
  const lmul = LMUL_NAMES[vtype & VTYPE.lmul];
  if ((vtype & ~VTYPE.bits) !== 0 || sew === undefined || lmul === undefined) return `${vtype}`;
  return [sew, lmul, (vtype & VTYPE.vta) !== 0 ? 'ta' : 'tu', (vtype & VTYPE.vma) !== 0 ? 'ma' : 'mu'].join(
    ',',
  );
}

/** The vtype that assembler text means; undefined if it is none. */
export function parseVtype(text: string): number | undefined {
  const [sewName = '', lmulName = 'm1', tail = 'tu', mask = 'mu', ...rest] = text
    .split(',')
    .map((part) => part.trim());
  const sew = (SEW_NAMES as readonly string[]).indexOf(sewName);
  const lmul = (LMUL_NAMES as readonly (string | undefined)[]).indexOf(lmulName);
  if (sew < 0 || lmul < 0 || !/^t[au]$/.test(tail) || !/^m[au]$/.test(mask) || rest.length > 0)
    return undefined;
  const policy = (tail === 'ta' ? VTYPE.vta : 0) | (mask === 'ma' ? VTYPE.vma : 0);
  return (sew << VTYPE.sewShift) | lmul | policy;
}

/**
 * Whether a hart with ELEN = 64 supports a vtype: SEW ≤ 64, and LMUL ≥ SEW / ELEN ("Vector Register Grouping").
 *
 * @param vtype the low 32 bits; all beyond the lower 8 are reserved
 */
export function isSupportedVtype(vtype: number): boolean {
  const lmul = lmulOf(vtype);
  return (vtype & ~VTYPE.bits) === 0 && sewOf(vtype) <= 3 && lmul > -4 && lmul >= sewOf(vtype) - 3;
}
