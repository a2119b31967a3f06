import { type AccessGroup, newGroup, type SpanLimits, widen } from './access-groups.ts';
import type { Dominates, Flow } from './flow.ts';
import type { Placed } from './graph.ts';
import { isInnermost, type Loop, runsEachTurn, withoutLargest } from './loops.ts';
import { writtenX } from './traits.ts';

/** Bytes that a turn may move a register by: for longer steps a page has too few turns. */
const LONGEST_STRIDE = 512;
/** Checks before a loop, each of which takes a register of the processor in it. */
const MOST_CHECKS = 6;

/** A loop that accesses memory through registers that it moves. */
export interface StridedLoop {
  /** Others may have the same header. */
  readonly loop: Loop;
  /** Instructions of a turn, at most. */
  readonly longestTurn: number;
  /** The checks before a turn, for all the turns that stay within the same pages. */
  readonly checks: readonly AccessGroup[];
}

/** Accesses of loops through registers that they move. */
export interface StridedAccesses {
  readonly loops: readonly StridedLoop[];
  readonly groups: ReadonlyMap<Placed, AccessGroup>;
}

/** A load or store of a loop. */
interface Access {
  readonly placed: Placed;
  /** Bytes from where the base register is at the start of a turn. */
  readonly offset: number;
  /** Each turn gets there. */
  readonly always: boolean;
}

/**
 * Finds accesses of innermost loops through registers that each turn moves by the same number of bytes. They can be
 * checked once for many turns: until the first of them leaves its page.
 *
 * @param all takes the groups
 */
export function findStrided(
  loops: readonly Loop[],
  flow: Flow,
  dominates: Dominates,
  limits: SpanLimits,
  all: AccessGroup[],
): StridedAccesses {
  const groups = new Map<Placed, AccessGroup>();
  const found: StridedLoop[] = [];
  for (const whole of loops) {
    for (let loop: Loop | undefined = whole; loop !== undefined; loop = withoutLargest(flow, loop)) {
      const checks = isInnermost(loop, flow) ? groupsOf(loop, flow, dominates, limits, groups, all) : [];
      if (checks.length === 0) continue;
      const longestTurn = loop.blocks.reduce((sum, { code }) => sum + code.length, 0);
      found.push({ loop, longestTurn, checks });
      break;
    }
  }
  return { loops: found, groups };
}

function groupsOf(
  loop: Loop,
  flow: Flow,
  dominates: Dominates,
  limits: SpanLimits,
  groups: Map<Placed, AccessGroup>,
  all: AccessGroup[],
): readonly AccessGroup[] {
  const checks: AccessGroup[] = [];
  if (loop.blocks.some(({ code }) => code.some(({ traits }) => traits.system === 'translation')))
    return checks;
  const { accesses, moved } = scan(loop, flow, dominates);
  // Accesses of every turn come first, as they decide about the checks.
  for (const always of [true, false]) {
    for (const access of accesses) {
      const stride = moved[access.placed.decoded.rs1];
      if (access.always !== always || stride === 0 || !(Math.abs(stride) <= LONGEST_STRIDE)) continue;
      const group = groupFor(access, stride, checks, limits, all);
      if (group !== undefined) groups.set(access.placed, group);
    }
  }
  return checks;
}

function groupFor(
  { placed, offset, always }: Access,
  stride: number,
  checks: AccessGroup[],
  limits: SpanLimits,
  all: AccessGroup[],
): AccessGroup | undefined {
  const { accessBytes, stores } = placed.traits;
  const { rs1 } = placed.decoded;
  if (stride % accessBytes !== 0) return undefined;
  for (const check of checks) {
    if (check.base !== rs1 || !(always || check.stores || !stores)) continue;
    if (!widen(check, offset, accessBytes, accessBytes, limits)) continue;
    check.stores ||= stores;
    return check;
  }
  if (!always || checks.length === MOST_CHECKS) return undefined;
  const check = newGroup(rs1, offset, accessBytes, accessBytes, all, stride);
  check.stores = stores;
  checks.push(check);
  return check;
}

/** The accesses of a loop, and how far a turn moves each register; NaN: otherwise than by ADDI in each turn. */
function scan(
  loop: Loop,
  { position }: Flow,
  dominates: Dominates,
): { readonly accesses: readonly Access[]; readonly moved: Float64Array } {
  const accesses: Access[] = [];
  const moved = new Float64Array(32);
  // A block that not all turns pass lies between two that all pass, in this order too.
  const order = [...loop.blocks].sort((a, b) => position[a.index] - position[b.index]);
  for (const block of order) {
    const always = runsEachTurn(block, loop, dominates);
    for (const placed of block.code) {
      const { instruction, rs1, imm } = placed.decoded;
      if (placed.traits.accessBytes > 0) accesses.push({ placed, offset: imm + moved[rs1], always });
      const written = writtenX(placed.decoded, placed.traits);
      if (written === 0) continue;
      const adds = instruction.name === 'addi' && rs1 === written && always;
      moved[written] += adds ? imm : Number.NaN;
    }
  }
  return { accesses, moved };
}
