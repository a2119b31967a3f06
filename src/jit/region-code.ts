import type { Decoded } from '../isa/index.ts';
import type { AccessGroup, SpanLimits } from './access-groups.ts';
import { type AccessPlan, planAccesses } from './access-plan.ts';
import { analyseFlow, type Dominates, type Flow, isRetreating } from './flow.ts';
import { FRAME, HOLE } from './frame-locals.ts';
import type { Block, Graph, Placed, Target } from './graph.ts';
import { followedPointers } from './pointers.ts';
import type { RegionFrame } from './region-frame.ts';
import { PROBE } from './stencils.ts';
import type { StridedLoop } from './strided.ts';
import { isNear, SHAPE, shapeOf } from './traits.ts';
import { WordRegisters } from './word-registers.ts';

const PAGE = 4096;
const PAGE_MASK = -PAGE;
/** Expected targets of a jump that are compared one after the other; more have a table, if they are close together. */
const FEW = 4;
const MOST_COMPARED = 8;
/** Bytes between the targets of a jump that a table is made for. */
const LONGEST_TABLE = 4096;

/** The turns of a loop that are left until its accesses must be checked again, and where that is done. */
interface Window {
  /** By index of a block: 1 if it is one of the loop's. */
  readonly has: Uint8Array;
  /** Index of a local. */
  readonly turns: number;
  /** Depth of a label. */
  readonly outer: number;
}

/**
 * Writes the blocks of a region as structured code: a loop for each loop of the guest, a block for each place where
 * ways meet (Ramsey, "Beyond Relooper"). A jump into the middle of a loop has no such form and leaves the region.
 */
export class RegionCode {
  readonly #frame: RegionFrame;
  readonly #flow: Flow;
  readonly #dominates: Dominates;
  readonly #accesses: AccessPlan;
  readonly #checksTogether: boolean;
  /** Of RV64 alone: registers of RV32 have nothing but words. */
  readonly #words: WordRegisters | undefined;
  /** Depths of the labels of blocks by index; 0: none yet. */
  readonly #labels: Int32Array;
  /**
   * Where a check of several accesses leaves the region, by offset: the base registers of such checks there, a bit for
   * each.
   */
  readonly wideChecks = new Map<number, number>();
  /** By index of a header: a loop whose accesses are checked for several turns. */
  readonly #windows: (Window | undefined)[];

  /**
   * By index of a block: base registers, a bit for each, for whose accesses there the distance of linear memory is
   * guessed.
   */
  readonly #guessed: Int32Array | undefined;

  /**
   * @param limits tell which accesses are checked together
   * @param linear as for {@link CompileOptions}
   */
  constructor(graph: Graph, frame: RegionFrame, limits: SpanLimits, linear: boolean) {
    this.#frame = frame;
    const { flow, dominates } = analyseFlow(graph);
    this.#flow = flow;
    this.#dominates = dominates;
    this.#accesses = planAccesses(graph, flow, dominates, limits);
    this.#checksTogether = limits.longest > 0;
    if (frame.pointerBytes === 8) this.#words = new WordRegisters();
    const { loops } = this.#accesses;
    if (linear && loops.length > 0) this.#guessed = followedPointers(flow, loops, frame.pointerBytes);
    this.#labels = new Int32Array(graph.blocks.length);
    this.#windows = graph.blocks.map(() => undefined);
  }

  /** Writes a block and all that it dominates. */
  tree(block: Block): void {
    if (!this.#flow.isLoopHeader[block.index]) {
      this.#within(block);
      return;
    }
    const { offset } = block.code[0];
    for (const group of this.#accesses.before[block.index] ?? []) this.#check(group, offset, 0, 0);
    const { f } = this.#frame;
    const strided = this.#accesses.strided.find(({ loop }) => loop.header === block);
    if (strided !== undefined) this.#windows[block.index] = this.#openWindow(strided);
    f.open('loop');
    this.#labels[block.index] = f.depth;
    this.#within(block);
    f.close();
    if (strided !== undefined) f.close();
  }

  /**
   * Opens a loop that checks another's accesses through registers that it moves, for as many turns as that holds.
   */
  #openWindow({ loop: { header, has }, longestTurn, checks }: StridedLoop): Window {
    const { f, values, registers } = this.#frame;
    const { offset } = header.code[0];
    f.open('loop');
    const outer = f.depth;
    const turns = f.declare('i32');
    values[HOLE.rd] = turns;
    values[HOLE.imm] = longestTurn;
    this.#frame.piece('turns');
    for (const check of checks) {
      const { base, low, span, stride } = check;
      this.#check(check, offset, 0, 0);
      values[HOLE.rd] = turns;
      values[HOLE.rs1] = registers.locals[base];
      values[HOLE.imm] = low;
      values[HOLE.span] = PAGE - span;
      values[HOLE.alignment] = Math.abs(stride);
      this.#frame.piece(stride > 0 ? 'turnsUp' : 'turnsDown');
    }
    return { has, turns, outer };
  }

  /** Goes round a loop; when the turns are used up, its accesses are checked again. */
  #nextTurn(from: Block, header: Block, { has, turns, outer }: Window, jumped: boolean): void {
    const { f, values } = this.#frame;
    if (has[from.index] === 1) {
      values[HOLE.rd] = turns;
      this.#frame.piece('nextTurn');
      f.branchIf(this.#labelOf(header));
    }
    if (jumped) this.#frame.jumpOutIfSpent(header.code[0].offset);
    f.branch(outer);
  }

  /**
   * Writes a block inside of the wasm blocks whose ends are the places where its ways meet again; the last is
   * outermost.
   */
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
    const window = this.#windows[block.index];
    if (window !== undefined && isRetreating(this.#flow, from, block)) {
      this.#nextTurn(from, block, window, jumped);
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
    const guessed = this.#guessed?.[index] ?? 0;
    this.#words?.forget();
    frame.spend(code.length);
    this.#checkFloat(code);
    const last = code.length - 1;
    for (let at = 0; at <= last; at++) {
      const placed = code[at];
      if (placed.traits.pure && placed.decoded.rd === 0) continue;
      const isWord = this.#words?.note(placed) === true;
      this.#instruction(placed, code.length - at, groups[at], guessed, isWord);
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
        this.#indirect(block, end.expected);
        frame.jumpToTarget(code[last].offset);
    }
  }

  /** Goes on at the expected target that the address of a jump is; behind this it is none of them. */
  #indirect(block: Block, expected: readonly Target[]): void {
    const frame = this.#frame;
    const offsets = expected.map(({ offset }) => offset);
    const low = Math.min(...offsets);
    const span = Math.max(...offsets) - low;
    if (expected.length > FEW && span <= LONGEST_TABLE) {
      this.#jumpByTable(block, expected, low, span);
      return;
    }
    for (const candidate of expected.slice(0, MOST_COMPARED)) {
      frame.openIfTarget(candidate.offset);
      this.#go(block, candidate);
      frame.f.close();
    }
  }

  #jumpByTable(block: Block, expected: readonly Target[], low: number, span: number): void {
    const { f, values } = this.#frame;
    f.open('block');
    const other = f.depth;
    const labels = new Map<number, number>();
    for (const { offset } of [...expected].reverse()) {
      f.open('block');
      labels.set(offset, f.depth);
    }
    values[HOLE.where] = low;
    values[HOLE.span] = span;
    values[HOLE.label] = f.depth - other;
    this.#frame.piece('tableIndex');
    const table = Array.from({ length: span / 2 + 1 }, (_, at) => labels.get(low + at * 2) ?? other);
    f.branchTable(table, other);
    for (const candidate of expected) {
      f.close();
      this.#go(block, candidate);
    }
    f.close();
  }

  /**
   * @param unspent instructions of its block from this one on
   * @param guessed as for {@link #check}
   * @param isWord whether it makes a word of words
   */
  #instruction(
    placed: Placed,
    unspent: number,
    group: AccessGroup | undefined,
    guessed: number,
    isWord: boolean,
  ): void {
    const { decoded, traits, offset } = placed;
    const frame = this.#frame;
    if (traits.vector !== 'none') {
      frame.vector(placed, unspent);
      return;
    }
    if (traits.system !== 'none') {
      frame.system(placed, unspent);
      return;
    }
    if (group !== undefined && group.host === 0) this.#check(group, offset, unspent, guessed);
    const { values, registers } = frame;
    const { locals } = registers;
    const { first } = traits;
    const isStrided = group !== undefined && group.stride !== 0;
    if (isStrided) this.#follow(group, decoded);
    values[HOLE.rs1] = locals[first.rs1 + decoded.rs1];
    values[HOLE.rs2] = locals[first.rs2 + decoded.rs2];
    values[HOLE.rd] = locals[first.rd + decoded.rd];
    values[HOLE.imm] = decoded.imm;
    if (isStrided) {
      values[HOLE.host] = FRAME.moved.index;
      values[HOLE.offset] = Math.max(decoded.imm, 0);
    } else if (group !== undefined) {
      values[HOLE.host] = group.host;
      values[HOLE.offset] = decoded.imm - group.low;
    } else if (traits.mayLeave) {
      frame.mayResume(offset, unspent);
    }
    if (traits.readsPc) {
      values[HOLE.pc] = offset;
      values[HOLE.nextPc] = offset + decoded.length;
    }
    if (traits.usesFloat) values[HOLE.rs3] = locals[first.rs3 + decoded.rs3];
    const words = isWord ? SHAPE.words : 0;
    frame.paste(frame.stencils.instruction(traits, shapeOf(traits, decoded, offset) | words));
  }

  /** Finds where the base register of a strided access points to; offsets of WebAssembly are not negative. */
  #follow({ host }: AccessGroup, { rs1, imm }: Decoded): void {
    const { values, registers } = this.#frame;
    values[HOLE.rs1] = registers.locals[rs1];
    values[HOLE.host] = host;
    values[HOLE.imm] = imm;
    this.#frame.piece(imm < 0 ? 'movedBelow' : 'moved');
  }

  /**
   * Writes the check of a group, at an offset or before a loop that begins there.
   *
   * @param guessed base registers, a bit for each, for which the distance of linear memory is guessed
   */
  #check(group: AccessGroup, offset: number, unspent: number, guessed: number): void {
    const { f, values, registers, stencils } = this.#frame;
    const { base, low, span, alignment, stores, stride } = group;
    group.host = f.declare('i32');
    const isLong = span > alignment;
    values[HOLE.host] = group.host;
    values[HOLE.rs1] = registers.locals[base];
    values[HOLE.imm] = low;
    values[HOLE.span] = span - 1;
    values[HOLE.alignment] = isLong ? alignment - 1 : PAGE_MASK | (alignment - 1);
    this.#frame.mayResume(offset, unspent);
    if (isLong && this.#checksTogether)
      this.wideChecks.set(offset, (this.wideChecks.get(offset) ?? 0) | (1 << base));
    const shape =
      (stores ? PROBE.stores : 0) |
      (isLong ? PROBE.long : 0) |
      (isNear(offset) ? 0 : PROBE.far) |
      (base === 0 ? PROBE.x0 : 0) |
      (low === 0 ? PROBE.atBase : 0) |
      (stride === 0 ? 0 : PROBE.addendOnly) |
      ((guessed & (1 << base)) === 0 ? 0 : PROBE.guessed);
    this.#frame.paste(stencils.probe(shape));
  }

  #checkFloat(code: readonly Placed[]): void {
    if (!this.#frame.registers.usesFloat) return;
    if (code.some(({ traits }) => traits.needsFloat)) this.#frame.checkFloat(code[0].offset, code.length);
  }
}
