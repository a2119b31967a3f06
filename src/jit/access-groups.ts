import { effectsOf } from '../isa/index.ts';
import type { Placed } from './graph.ts';

/**
 * Accesses of a block that go through one base register which does not change in between: they are checked together,
 * before the first of them.
 */
export interface AccessGroup {
  readonly base: number;
  /** Lowest offset from the base register, and the bytes from there to the end of the last access. */
  low: number;
  span: number;
  /** The address at the lowest offset must be a multiple of this. */
  alignment: number;
  /** One of them stores, so that the page must be writable. */
  stores: boolean;
}

/** The group of each instruction of a block, by index; undefined for those that access no memory by base and offset. */
export type AccessGroups = readonly (AccessGroup | undefined)[];

interface Member {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Groups the loads and stores of a block.
 *
 * @param longestSpan bytes that a group may span; 0 leaves each access alone
 */
export function groupAccesses(code: readonly Placed[], longestSpan: number): AccessGroups {
  const open = new Map<number, { readonly group: AccessGroup; readonly members: Member[] }>();
  return code.map(({ decoded }) => {
    const { instruction, rs1, rd, imm } = decoded;
    const effects = effectsOf(instruction);
    let result: AccessGroup | undefined;
    if (effects.accessBytes > 0 && instruction.format.fields.has('imm')) {
      const member = { offset: imm, bytes: effects.accessBytes };
      const known = open.get(rs1);
      if (known !== undefined && join(known.group, [...known.members, member], longestSpan))
        known.members.push(member);
      else open.set(rs1, { group: alone(rs1, member), members: [member] });
      result = open.get(rs1)?.group;
      if (result !== undefined && effects.stores) result.stores = true;
    }
    if (effects.writesRd) open.delete(rd);
    return result;
  });
}

function alone(base: number, { offset, bytes }: Member): AccessGroup {
  return { base, low: offset, span: bytes, alignment: bytes, stores: false };
}

/** Widens a group to all members. False: they cannot be checked together, and nothing has changed. */
function join(group: AccessGroup, members: readonly Member[], longestSpan: number): boolean {
  const low = Math.min(...members.map(({ offset }) => offset));
  const end = Math.max(...members.map(({ offset, bytes }) => offset + bytes));
  // If the lowest address is aligned as the widest access needs it, all of them must be aligned.
  if (end - low > longestSpan || members.some(({ offset, bytes }) => (offset - low) % bytes !== 0))
    return false;
  group.low = low;
  group.span = end - low;
  group.alignment = Math.max(...members.map(({ bytes }) => bytes));
  return true;
}
