import { effectsOf } from '../isa/index.ts';
import type { Block } from './graph.ts';

/** One access, relative to its base register, in bytes. */
export interface Access {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Accesses through one base register which does not change in between: they are checked together, where the first of
 * them is. One check covers all addresses from `low` on for `span` bytes.
 */
export interface AccessGroup {
  readonly base: number;
  /** One of them stores, so that the page must be writable. */
  stores: boolean;
  readonly accesses: Access[];
  /** Lowest offset from the base register, and the bytes from there to the end of the last access. */
  low: number;
  span: number;
  /** The address at the lowest offset must be a multiple of this. */
  alignment: number;
}

/** The group of each instruction of a block, by index; undefined for those that access no memory by base and offset. */
export type AccessGroups = readonly (AccessGroup | undefined)[];

/** The groups of a block by itself. */
export interface BlockAccesses {
  readonly groups: AccessGroups;
  /** Those whose base register is what it was at the start of the block. */
  readonly exposed: readonly AccessGroup[];
  /** Those whose base register is still the same at its end. */
  readonly open: readonly AccessGroup[];
  /** Integer registers that the block writes. */
  readonly written: ReadonlySet<number>;
}

/**
 * Groups the loads and stores of a block.
 *
 * @param longestSpan bytes that a group may span; 0 leaves each access alone
 */
export function groupAccesses({ code }: Block, longestSpan: number): BlockAccesses {
  const open = new Map<number, AccessGroup>();
  const written = new Set<number>();
  const exposed: AccessGroup[] = [];
  const groups = code.map(({ decoded }) => {
    const { instruction, rs1, rd, imm } = decoded;
    const effects = effectsOf(instruction);
    let group: AccessGroup | undefined;
    if (effects.accessBytes > 0 && instruction.format.fields.has('imm')) {
      const access = { offset: imm, bytes: effects.accessBytes };
      group = open.get(rs1);
      if (group === undefined || !widen(group, [access], longestSpan)) {
        group = groupOf(rs1, [access], false);
        open.set(rs1, group);
        if (!written.has(rs1)) exposed.push(group);
      }
      group.stores ||= effects.stores;
    }
    if (effects.writesRd) {
      open.delete(rd);
      written.add(rd);
    }
    return group;
  });
  return { groups, exposed, open: [...open.values()], written };
}

/** A group of accesses that is not checked anywhere yet; they must fit one check. */
export function groupOf(base: number, accesses: readonly Access[], stores: boolean): AccessGroup {
  const group: AccessGroup = { base, stores, accesses: [], low: 0, span: 0, alignment: 1 };
  if (!widen(group, accesses, Number.POSITIVE_INFINITY))
    throw new Error('accesses that do not fit one check');
  return group;
}

/** Takes more accesses into a group. False: they cannot be checked together, and nothing has changed. */
export function widen(group: AccessGroup, more: readonly Access[], longestSpan: number): boolean {
  const all = [...group.accesses, ...more];
  const low = Math.min(...all.map(({ offset }) => offset));
  const end = Math.max(...all.map(({ offset, bytes }) => offset + bytes));
  // If the lowest address is aligned as the widest access needs it, all of them must be aligned.
  const fits = all.every(({ offset, bytes }) => (offset - low) % bytes === 0);
  if (!fits || (group.accesses.length > 0 && end - low > longestSpan)) return false;
  group.accesses.push(...more);
  group.low = low;
  group.span = end - low;
  group.alignment = Math.max(...all.map(({ bytes }) => bytes));
  return true;
}
