import { effectsOf } from '../isa/index.ts';
import { type I32, type I64, i32, i64, type Label } from '../wasm/index.ts';
import { type AccessPlan, planAccesses } from './access-plan.ts';
import { analyseFlow, type Dominates, type Flow, isRetreating } from './flow.ts';
import type { Block, Graph, Target } from './graph.ts';
import type { RegionParts } from './region-parts.ts';
import { RegionSemantics } from './region-semantics.ts';

const LAST_ROUNDING_MODE = 4;

/**
 * Writes the blocks of a region as structured code: a loop for each loop of the guest, a block for each place where ways
 * meet (Ramsey, "Beyond Relooper"). A jump into the middle of a loop has no such form and leaves the region.
 */
export class RegionCode {
  readonly #parts: RegionParts;
  readonly #flow: Flow;
  readonly #dominates: Dominates;
  readonly #accesses: AccessPlan;
  readonly #semantics: RegionSemantics;
  readonly #labels = new Map<Block, Label>();

  constructor(graph: Graph, parts: RegionParts) {
    this.#parts = parts;
    const { flow, dominates } = analyseFlow(graph);
    this.#flow = flow;
    this.#dominates = dominates;
    this.#accesses = planAccesses(graph, flow, dominates, parts.longestSpan);
    this.#semantics = new RegionSemantics(parts, graph.blocks[0].code[0]);
  }

  /** Writes a block and all that it dominates. */
  tree(block: Block): void {
    const { f } = this.#parts.frame;
    const { dominated, isMerge, isLoopHeader } = this.#flow;
    const merges = dominated[block.index].filter(({ index }) => isMerge[index]);
    if (!isLoopHeader[block.index]) {
      this.#within(block, merges);
      return;
    }
    for (const group of this.#accesses.before.get(block) ?? []) {
      this.#semantics.memory.check(group, this.#parts.registers.x(group.base), block.code[0].offset);
    }
    f.loop((label) => {
      this.#labels.set(block, label);
      this.#within(block, merges);
    });
  }

  /** Writes a block inside of the wasm blocks whose ends are the places where its ways meet again; the last is outermost. */
  #within(block: Block, merges: readonly Block[]): void {
    const last = merges.at(-1);
    if (last === undefined) {
      this.#block(block);
      return;
    }
    this.#parts.frame.f.block((label) => {
      this.#labels.set(last, label);
      this.#within(block, merges.slice(0, -1));
    });
    this.tree(last);
  }

  /** Goes on at a target; `source` is the address of the jump. */
  #go(from: Block, { block, offset, jumped }: Target): void {
    const { frame } = this.#parts;
    const source = from.code.at(-1)?.offset ?? offset;
    if (block === undefined || (isRetreating(this.#flow, from, block) && !this.#dominates(block, from))) {
      if (jumped) frame.jumpOut(offset);
      else frame.goOn(offset);
      return;
    }
    // Every way round a loop has a jump to a lower address.
    if (jumped && offset <= source) frame.jumpOutIfSpent(offset);
    if (isRetreating(this.#flow, from, block) || this.#flow.isMerge[block.index]) {
      const label = this.#labels.get(block);
      if (label === undefined) throw new Error('a jump to a block that is not around');
      frame.f.br(label);
    } else {
      this.tree(block);
    }
  }

  #block(block: Block): void {
    const { frame } = this.#parts;
    const { code, end } = block;
    frame.spend(code.length);
    this.#checkFloat(block);
    const groups = this.#accesses.groups[block.index];
    const last = code.length - 1;
    for (let index = 0; index < last; index++) {
      const { instruction, rd } = code[index].decoded;
      if (effectsOf(instruction).pure && rd === 0) continue;
      instruction.semantics(this.#semantics.at(code, index, groups, undefined));
    }
    const control = {
      branch: (condition: I32) => {
        if (end.kind !== 'branch') throw new Error('a branch in the middle of a block');
        frame.f.if(condition, () => this.#go(block, end.taken));
        this.#go(block, end.otherwise);
      },
      jumpTo: (target: I64) => this.#indirect(block, target, end.kind === 'indirect' ? end.expected : []),
    };
    code[last].decoded.instruction.semantics(this.#semantics.at(code, last, groups, control));
    if (end.kind === 'go') this.#go(block, end.to);
    else if (end.kind === 'stop') frame.goOn(end.offset);
  }

  /** Floating-point instructions are illegal while FS is off or the dynamic rounding mode is reserved. */
  #checkFloat({ code }: Block): void {
    const first = code.findIndex(({ decoded }) => decoded.instruction.needsFloat);
    const { frame, layout } = this.#parts;
    const { hart } = frame;
    if (first < 0) return;
    const modeIsReserved = i32.gt_u(i32.load(hart, layout.field.frm), i32.const(LAST_ROUNDING_MODE));
    const illegal = i32.or(i32.load(hart, layout.field.floatOff), modeIsReserved);
    frame.resumeIf(illegal, code[0].offset, code.length);
  }

  #indirect(block: Block, target: I64, expected: readonly Target[]): void {
    const { frame } = this.#parts;
    const site = block.code.at(-1)?.offset ?? 0;
    if (expected.length === 0) {
      frame.jumpTo(target, site);
      return;
    }
    const named = frame.f.let(target);
    for (const candidate of expected) {
      frame.f.if(i64.eq(named, frame.address(candidate.offset)), () => this.#go(block, candidate));
    }
    frame.jumpTo(named, site);
  }
}
