/**
 * Address translation for observers outside: it goes through the page tables as they are, needs no permission, and
 * marks nothing as accessed.
 */

/** Reads so many bytes (4 or 8) of physical memory as a number; undefined outside of RAM. */
export type ReadEntry = (address: bigint, bytes: 4 | 8) => bigint | undefined;

/** One stage of address translation: satp, vsatp, or hgatp with `guestPhysical`. */
export interface Stage {
  readonly xlen: 32 | 64;
  /** The value of the register. */
  readonly atp: bigint;
  /** A G-stage, whose addresses have two bits more. */
  readonly guestPhysical?: boolean;
}

interface Scheme {
  readonly levels: number;
  readonly indexBits: number;
  readonly entryBytes: 4 | 8;
}

const SCHEMES_64: ReadonlyMap<bigint, Scheme> = new Map([
  [8n, { levels: 3, indexBits: 9, entryBytes: 8 }],
  [9n, { levels: 4, indexBits: 9, entryBytes: 8 }],
  [10n, { levels: 5, indexBits: 9, entryBytes: 8 }],
]);
const SV32: Scheme = { levels: 2, indexBits: 10, entryBytes: 4 };

const VALID = 1n;
const PERMISSIONS = 0xen;
const PAGE_BITS = 12n;
/** The page number of an entry of 64 bits, and that of an address-space register. */
const NUMBER_64 = (1n << 44n) - 1n;
const NUMBER_32 = (1n << 22n) - 1n;
/** An entry that stands for 16 pages at once (Svnapot). */
const CONTIGUOUS = 1n << 63n;
const CONTIGUOUS_MASK = 0xfn;

/** The address behind a stage; undefined where nothing is mapped, or a table is not in RAM. */
export function walk(stage: Stage, address: bigint, read: ReadEntry): bigint | undefined {
  const scheme = schemeOf(stage);
  if (scheme === 'bare') return address;
  if (scheme === undefined || !isCanonical(stage, scheme, address)) return undefined;
  const { levels, indexBits, entryBytes } = scheme;
  const numbers = entryBytes === 8 ? NUMBER_64 : NUMBER_32;
  let table = (stage.atp & numbers) << PAGE_BITS;
  for (let level = levels - 1; level >= 0; level--) {
    const shift = PAGE_BITS + BigInt(level * indexBits);
    // The uppermost table of a G-stage is four times as large.
    const isWide = stage.guestPhysical === true && level === levels - 1;
    const index = (address >> shift) & ((1n << BigInt(indexBits + (isWide ? 2 : 0))) - 1n);
    const entry = read(table + index * BigInt(entryBytes), entryBytes);
    if (entry === undefined || (entry & VALID) === 0n) return undefined;
    const number = (entry >> 10n) & numbers;
    if ((entry & PERMISSIONS) === 0n) {
      table = number << PAGE_BITS;
      continue;
    }
    const isContiguous = entryBytes === 8 && level === 0 && (entry & CONTIGUOUS) !== 0n;
    const offset = (1n << (isContiguous ? PAGE_BITS + 4n : shift)) - 1n;
    const base = (isContiguous ? number & ~CONTIGUOUS_MASK : number) << PAGE_BITS;
    return (base & ~offset) | (address & offset);
  }
  return undefined;
}

function schemeOf({ xlen, atp }: Stage): Scheme | 'bare' | undefined {
  const mode = xlen === 64 ? atp >> 60n : atp >> 31n;
  if (mode === 0n) return 'bare';
  return xlen === 64 ? SCHEMES_64.get(mode) : SV32;
}

/** The bits above those that are translated repeat the uppermost of these; in a G-stage they are 0. */
function isCanonical(
  { xlen, guestPhysical }: Stage,
  { levels, indexBits }: Scheme,
  address: bigint,
): boolean {
  if (xlen === 32) return true;
  const bits = levels * indexBits + 12 + (guestPhysical === true ? 2 : 0);
  if (guestPhysical === true) return address >> BigInt(bits) === 0n;
  const upper = BigInt.asIntN(64, address) >> BigInt(bits - 1);
  return upper === 0n || upper === -1n;
}
