import type { Block, Placed } from './graph.ts';
import { writtenX } from './traits.ts';

/**
 * Accesses through one base register which does not change in between: they are checked together, where the first of
 * them is. One check covers all addresses from `low` on for `span` bytes.
 */
export interface AccessGroup {
  /** Position among all groups of the region. */
  readonly id: number;
  readonly base: number;
  /** One of them stores, so that the page must be writable. */
  stores: boolean;
  /** Lowest offset from the base register, and the bytes from there to the end of the last access. */
  low: number;
  span: number;
  /**
   * Bytes of the widest access: the address at the lowest offset must be a multiple of this. 1 for an access by itself
   * that may be misaligned, as long as it stays within its page.
   */
  alignment: number;
  /**
   * Bytes that each turn of a loop moves the base register by. Not 0: the group is checked at the start of a turn, for
   * as many turns as stay within the page, and `low` is relative to where the register is then.
   */
  readonly stride: number;
  /**
   * Index of the local with the address of the lowest access in linear memory; 0 before the check is written. With a
   * stride it has the distance of linear memory from the guest's addresses.
   */
  host: number;
}

/** Limits for accesses that are checked together. */
export interface SpanLimits {
  /** Bytes that a check may cover; 0: each access has its own, where it is, and need not be aligned. */
  readonly longest: number;
  /**
   * Base registers, a bit for each: through these only accesses in the same naturally aligned unit, which no boundary
   * of pages divides.
   */
  readonly ungroupedBases: number;
}

/** The group of each instruction of a block, by index; undefined for those that access no memory by base and offset. */
export type AccessGroups = readonly (AccessGroup | undefined)[];

/** The groups of a block by itself. */
export interface BlockAccesses {
  /** Shorter than the block when nothing follows, empty when the block has none. */
  readonly groups: AccessGroups;
  /** Those whose base register has its value from the start of the block. */
  readonly exposed: readonly AccessGroup[];
  /** Those whose base register is still the same at its end, by that register. */
  readonly open: AccessGroups;
  /** Integer registers through which no check holds on behind the block: those that it writes, a bit for each. */
  readonly written: number;
}

const NO_GROUPS: AccessGroups = [];
/** A bit for each register. */
const ALL = -1;

/**
 * Groups the loads and stores of a block.
 *
 * @param all takes the groups
 * @param strided accesses that have a group already
 */
export function groupAccesses(
  { code }: Block,
  limits: SpanLimits,
  all: AccessGroup[],
  strided: ReadonlyMap<Placed, AccessGroup> | undefined,
): BlockAccesses {
  let written = 0;
  let groups: (AccessGroup | undefined)[] | undefined;
  let open: (AccessGroup | undefined)[] | undefined;
  const exposed: AccessGroup[] = [];
  for (let index = 0; index < code.length; index++) {
    const { decoded, traits } = code[index];
    const { accessBytes } = traits;
    const known = strided?.get(code[index]);
    if (known !== undefined) {
      groups ??= new Array<AccessGroup | undefined>(code.length).fill(undefined);
      groups[index] = known;
    } else if (accessBytes > 0) {
      const { rs1, imm } = decoded;
      groups ??= new Array<AccessGroup | undefined>(code.length).fill(undefined);
      open ??= new Array<AccessGroup | undefined>(32).fill(undefined);
      let group = open[rs1];
      if (group === undefined || !widen(group, imm, accessBytes, accessBytes, limits)) {
        group = newGroup(rs1, imm, accessBytes, limits.longest === 0 ? 1 : accessBytes, all);
        open[rs1] = group;
        if ((written & (1 << rs1)) === 0) exposed.push(group);
      }
      group.stores ||= traits.stores;
      groups[index] = group;
    }
    if (traits.system === 'translation') {
      open = undefined;
      written = ALL;
    }
    const register = writtenX(decoded, traits);
    if (register !== 0) {
      if (open !== undefined) open[register] = undefined;
      written |= 1 << register;
    }
  }
  return { groups: groups ?? NO_GROUPS, exposed, open: open ?? NO_GROUPS, written };
}

/** A group that is not checked anywhere yet, added to the others of its region. */
export function newGroup(
  base: number,
  low: number,
  span: number,
  alignment: number,
  all: AccessGroup[],
  stride = 0,
): AccessGroup {
  const group = { id: all.length, base, stores: false, low, span, alignment, stride, host: 0 };
  all.push(group);
  return group;
}

/** Takes more accesses into a group. False: they cannot be checked together, and nothing has changed. */
export function widen(
  group: AccessGroup,
  low: number,
  span: number,
  alignment: number,
  limits: SpanLimits,
): boolean {
  const lowest = Math.min(group.low, low);
  const end = Math.max(group.low + group.span, low + span);
  // If the lowest address is aligned as the widest access needs it, all of them must be aligned.
  if ((group.low - lowest) % group.alignment !== 0 || (low - lowest) % alignment !== 0) return false;
  const widest = Math.max(group.alignment, alignment);
  const isUngrouped = (limits.ungroupedBases & (1 << group.base)) !== 0;
  if (end - lowest > (isUngrouped ? Math.min(widest, limits.longest) : limits.longest)) return false;
  group.low = lowest;
  group.span = end - lowest;
  group.alignment = widest;
  return true;
}
