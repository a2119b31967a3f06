import type { AccessGroup } from './access-groups.ts';
import { type AccessPlan, planAccesses } from './access-plan.ts';
import { analyseFlow, type Dominates, type Flow, isRetreating } from './flow.ts';
import { SLOT } from './frame-locals.ts';
import type { Block, Graph, Placed, Target } from './graph.ts';
import type { RegionFrame } from './region-frame.ts';
import { PROBE } from './stencils.ts';
import { isNear, shapeOf } from './traits.ts';

const PAGE_MASK = -4096;

/**
 * Writes the blocks of a region as structured code: a loop for each loop of the guest, a block for each place where ways
 * meet (Ramsey, "Beyond Relooper"). A jump into the middle of a loop has no such form and leaves the region.
 */
export class RegionCode {
  readonly #frame: RegionFrame;
  readonly #flow: Flow;
  readonly #dominates: Dominates;
  readonly #accesses: AccessPlan;
  /** Depths of the labels of blocks by index; 0: none yet. */
  readonly #labels: Int32Array;

  /** @param longestSpan bytes within which accesses are checked together */
  constructor(graph: Graph, frame: RegionFrame, longestSpan: number) {
    this.#frame = frame;
    const { flow, dominates } = analyseFlow(graph);
    this.#flow = flow;
    this.#dominates = dominates;
    this.#accesses = planAccesses(graph, flow, dominates, longestSpan);
    this.#labels = new Int32Array(graph.blocks.length);
  }

  /** Writes a block and all that it dominates. */
  tree(block: Block): void {
    if (!this.#flow.isLoopHeader[block.index]) {
      this.#within(block);
      return;
    }
    const { offset } = block.code[0];
    for (const group of this.#accesses.before[block.index] ?? []) this.#check(group, offset, 0);
    const { f } = this.#frame;
    f.open('loop');
    this.#labels[block.index] = f.depth;
    this.#within(block);
    f.close();
  }

  /** Writes a block inside of the wasm blocks whose ends are the places where its ways meet again; the last is outermost. */
  #within(block: Block): void {
    const { f } = this.#frame;
    const { dominated, isMerge } = this.#flow;
    const below = dominated[block.index];
    for (let at = below.length - 1; at >= 0; at--) {
      const { index } = below[at];
      if (!isMerge[index]) continue;
      f.open('block');
      this.#labels[index] = f.depth;
    }
    this.#block(block);
    for (const merge of below) {
      if (!isMerge[merge.index]) continue;
      f.close();
      this.tree(merge);
    }
  }

  /** Goes on at a target; `source` is the address of the jump. */
  #go(from: Block, { block, offset, jumped }: Target): void {
    const frame = this.#frame;
    const source = from.code[from.code.length - 1].offset;
    if (block === undefined || (isRetreating(this.#flow, from, block) && !this.#dominates(block, from))) {
      if (jumped) frame.jumpOut(offset);
      else frame.goOn(offset);
      return;
    }
    // Every way round a loop has a jump to a lower address.
    if (jumped && offset <= source) frame.jumpOutIfSpent(offset);
    if (isRetreating(this.#flow, from, block) || this.#flow.isMerge[block.index]) {
      frame.f.branch(this.#labelOf(block));
    } else {
      this.tree(block);
    }
  }

  #labelOf({ index }: Block): number {
    const label = this.#labels[index];
    if (label === 0) throw new Error('a jump to a block that is not around');
    return label;
  }

  /** As {@link #go}, if the value on the stack is not 0. */
  #goIf(from: Block, target: Target): void {
    const { f } = this.#frame;
    const { block, offset } = target;
    const isForward = block !== undefined && !isRetreating(this.#flow, from, block);
    if (isForward && this.#flow.isMerge[block.index] && offset > from.code[from.code.length - 1].offset) {
      f.branchIf(this.#labelOf(block));
      return;
    }
    f.openIf();
    this.#go(from, target);
    f.close();
  }

  #block(block: Block): void {
    const frame = this.#frame;
    const { code, end, index } = block;
    const groups = this.#accesses.groups[index];
    frame.spend(code.length);
    this.#checkFloat(code);
    const last = code.length - 1;
    for (let at = 0; at <= last; at++) {
      const placed = code[at];
      if (placed.traits.pure && placed.decoded.rd === 0) continue;
      this.#instruction(placed, code.length - at, groups[at]);
    }
    switch (end.kind) {
      case 'go':
        this.#go(block, end.to);
        break;
      case 'stop':
        frame.goOn(end.offset);
        break;
      case 'branch':
        this.#goIf(block, end.taken);
        this.#go(block, end.otherwise);
        break;
      case 'indirect':
        for (const candidate of end.expected) {
          frame.openIfTarget(candidate.offset);
          this.#go(block, candidate);
          frame.f.close();
        }
        frame.jumpToTarget(code[last].offset);
    }
  }

  /** @param unspent instructions of its block from this one on */
  #instruction(placed: Placed, unspent: number, group: AccessGroup | undefined): void {
    const { decoded, traits, offset } = placed;
    const frame = this.#frame;
    if (group !== undefined && group.host === 0) this.#check(group, offset, unspent);
    const { values, registers } = frame;
    const { locals } = registers;
    const { first } = traits;
    values[SLOT.rs1] = locals[first.rs1 + decoded.rs1];
    values[SLOT.rs2] = locals[first.rs2 + decoded.rs2];
    values[SLOT.rd] = locals[first.rd + decoded.rd];
    values[SLOT.imm] = decoded.imm;
    if (group !== undefined) {
      values[SLOT.host] = group.host;
      values[SLOT.offset] = decoded.imm - group.low;
    } else if (traits.mayLeave) {
      frame.mayResume(offset, unspent);
    }
    if (traits.readsPc) {
      values[SLOT.pc] = offset;
      values[SLOT.nextPc] = offset + decoded.length;
    }
    if (traits.usesFloat) values[SLOT.rs3] = locals[first.rs3 + decoded.rs3];
    frame.paste(frame.stencils.instruction(traits, shapeOf(traits, decoded, offset)));
  }

  /** Writes the check of a group, at an offset or before a loop that begins there. */
  #check(group: AccessGroup, offset: number, unspent: number): void {
    const { f, values, registers, stencils } = this.#frame;
    const { base, low, span, alignment, stores } = group;
    group.host = f.declare('i32');
    const isLong = span > alignment;
    values[SLOT.host] = group.host;
    values[SLOT.rs1] = registers.locals[base];
    values[SLOT.imm] = low;
    values[SLOT.span] = span - 1;
    values[SLOT.alignment] = isLong ? alignment - 1 : PAGE_MASK | (alignment - 1);
    this.#frame.mayResume(offset, unspent);
    const shape =
      (stores ? PROBE.stores : 0) |
      (isLong ? PROBE.long : 0) |
      (isNear(offset) ? 0 : PROBE.far) |
      (base === 0 ? PROBE.x0 : 0) |
      (low === 0 ? PROBE.atBase : 0);
    this.#frame.paste(stencils.probe(shape));
  }

  #checkFloat(code: readonly Placed[]): void {
    if (!this.#frame.registers.usesFloat) return;
    if (code.some(({ traits }) => traits.needsFloat)) this.#frame.checkFloat(code[0].offset, code.length);
  }
}
