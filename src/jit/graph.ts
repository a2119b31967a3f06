import { type Decoded, effectsOf } from '../isa/index.ts';
import type { CodeSource } from './code-source.ts';

/** An instruction at its place, in bytes from the start of the page of the region's entry. */
export interface Placed {
  readonly offset: number;
  readonly decoded: Decoded;
}

/** Where a block goes on: at another block of the region, or outside, at an offset. */
export interface Target {
  readonly offset: number;
  readonly block: Block | undefined;
  /** By a taken jump or branch, not because the next instruction follows. */
  readonly jumped: boolean;
}

/** How a block ends. */
export type BlockEnd =
  | { readonly kind: 'go'; readonly to: Target }
  | { readonly kind: 'branch'; readonly taken: Target; readonly otherwise: Target }
  /** A jump to an address in a register; `expected` are the blocks where it may go, the most likely first. */
  | { readonly kind: 'indirect'; readonly expected: readonly Target[] }
  /** The instruction at this offset is not for compiled code. */
  | { readonly kind: 'stop'; readonly offset: number };

/** A run of instructions that is entered at its start only. */
export interface Block {
  /** Position in {@link Graph.blocks}. */
  readonly index: number;
  readonly code: readonly Placed[];
  end: BlockEnd;
}

/** The control flow of a region; `blocks[0]` is its entry. */
export interface Graph {
  readonly blocks: readonly Block[];
  readonly instructions: number;
}

/** Bounds of a region. */
export interface GraphLimits {
  /** Instructions; blocks that do not fit any more become exits. */
  readonly instructions: number;
  /** Calls within calls that are compiled in place. */
  readonly callDepth: number;
}

/** One activation of a function that is compiled in place; the outermost is whatever the entry belongs to. */
interface Context {
  readonly depth: number;
  readonly parent: Context | undefined;
  /** Where the call returns to, in the parent. */
  readonly returnOffset: number;
  readonly calls: Map<number, Context>;
  readonly blocks: Map<number, Draft>;
}

/** A block while the graph is explored. */
interface Draft {
  readonly context: Context;
  readonly offset: number;
  /** Offset behind the last instruction that belongs to it, unless another block begins before. */
  end: number;
}

const LINK = 1;

/**
 * Finds the control flow from `entry` on: along branches, direct jumps and calls, which are followed into their callees,
 * to returns and indirect jumps, system instructions, code that never ran, or the limits.
 *
 * @returns undefined when not even the first instruction can be compiled
 */
export function buildGraph(source: CodeSource, entry: number, limits: GraphLimits): Graph | undefined {
  return new GraphBuilder(source, limits).build(entry);
}

class GraphBuilder {
  readonly #source: CodeSource;
  readonly #limits: GraphLimits;
  readonly #queue: { readonly context: Context; readonly offset: number }[] = [];
  readonly #drafts: Draft[] = [];
  #instructions = 0;

  constructor(source: CodeSource, limits: GraphLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  build(entry: number): Graph | undefined {
    const root = newContext(undefined, 0);
    this.#queue.push({ context: root, offset: entry });
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (this.#instructions < this.#limits.instructions) this.#explore(next.context, next.offset);
    }
    if (this.#drafts.length === 0) return undefined;
    return new Assembly(this.#source, this.#drafts).graph();
  }

  /** Scans a block and queues what it leads to. */
  #explore(context: Context, start: number): void {
    if (context.blocks.has(start)) return;
    const draft: Draft = { context, offset: start, end: start };
    for (let offset = start; ; ) {
      const decoded = this.#source.at(offset);
      if (decoded === undefined || !isCompilable(decoded)) break;
      if (this.#instructions >= this.#limits.instructions) break;
      this.#instructions++;
      draft.end = offset + decoded.length;
      if (effectsOf(decoded.instruction).endsBlock) {
        this.#follow(context, offset, decoded);
        break;
      }
      offset = draft.end;
      if (context.blocks.has(offset)) break;
    }
    if (draft.end === start) return;
    context.blocks.set(start, draft);
    this.#drafts.push(draft);
  }

  #follow(context: Context, offset: number, decoded: Decoded): void {
    const { control } = effectsOf(decoded.instruction);
    const next = offset + decoded.length;
    if (control === 'branch') {
      this.#want(context, next);
      this.#want(context, offset + decoded.imm);
    } else if (control === 'jump') {
      const callee = isCall(decoded) ? this.#callee(context, offset, next) : context;
      if (callee !== undefined) this.#want(callee, offset + decoded.imm);
    } else if (isReturn(decoded) && context.parent !== undefined) {
      this.#want(context.parent, context.returnOffset);
    } else if (control === 'indirect') {
      const targets = this.#limits.callDepth === 0 ? [] : this.#source.targetsOf(offset);
      const callee = targets.length > 0 && isCall(decoded) ? this.#callee(context, offset, next) : context;
      if (callee !== undefined) for (const target of targets) this.#want(callee, target);
    }
  }

  #want(context: Context, offset: number): void {
    if (this.#source.isWarm(offset)) this.#queue.push({ context, offset });
  }

  #callee(context: Context, offset: number, returnOffset: number): Context | undefined {
    if (context.depth >= this.#limits.callDepth) return undefined;
    const callee = newContext(context, returnOffset);
    context.calls.set(offset, callee);
    return callee;
  }
}

/** Makes blocks of drafts, cut where another block begins. */
class Assembly {
  readonly #source: CodeSource;
  readonly #drafts: readonly Draft[];
  readonly #blocks: Block[];
  readonly #indexOf: Map<Draft, number>;

  constructor(source: CodeSource, drafts: readonly Draft[]) {
    this.#source = source;
    this.#drafts = drafts;
    this.#indexOf = new Map(drafts.map((draft, index) => [draft, index]));
    this.#blocks = drafts.map((draft, index) => ({
      index,
      code: this.#codeOf(draft),
      end: { kind: 'stop', offset: draft.offset },
    }));
  }

  graph(): Graph {
    for (const [index, draft] of this.#drafts.entries()) {
      const block = this.#blocks[index];
      if (block !== undefined) block.end = this.#endOf(draft, block.code);
    }
    const blocks = this.#blocks;
    return { blocks, instructions: blocks.reduce((sum, { code }) => sum + code.length, 0) };
  }

  #codeOf({ context, offset: start, end }: Draft): Placed[] {
    const code: Placed[] = [];
    for (let offset = start; offset < end; ) {
      const decoded = this.#source.at(offset);
      if (decoded === undefined || (offset > start && context.blocks.has(offset))) break;
      code.push({ offset, decoded });
      offset += decoded.length;
    }
    return code;
  }

  #endOf({ context }: Draft, code: readonly Placed[]): BlockEnd {
    const last = code.at(-1);
    if (last === undefined) throw new Error('a block without instructions');
    const { offset, decoded } = last;
    const next = offset + decoded.length;
    const { control } = effectsOf(decoded.instruction);
    switch (control) {
      case 'branch':
        return {
          kind: 'branch',
          taken: this.#target(context, offset + decoded.imm, true),
          otherwise: this.#target(context, next, false),
        };
      case 'jump': {
        const callee = isCall(decoded) ? context.calls.get(offset) : context;
        const to = offset + decoded.imm;
        return { kind: 'go', to: callee === undefined ? outside(to) : this.#target(callee, to, true) };
      }
      case 'indirect': {
        const expected = this.#expected(context, offset, decoded);
        return { kind: 'indirect', expected: expected.filter(({ block }) => block !== undefined) };
      }
      default:
        return context.blocks.has(next)
          ? { kind: 'go', to: this.#target(context, next, false) }
          : { kind: 'stop', offset: next };
    }
  }

  #expected(context: Context, offset: number, decoded: Decoded): Target[] {
    const { parent } = context;
    if (isReturn(decoded) && parent !== undefined) {
      return [this.#target(parent, context.returnOffset, true)];
    }
    const into = isCall(decoded) ? context.calls.get(offset) : context;
    if (into === undefined) return [];
    return this.#source.targetsOf(offset).map((target) => this.#target(into, target, true));
  }

  #target(context: Context, offset: number, jumped: boolean): Target {
    const draft = context.blocks.get(offset);
    const index = draft === undefined ? undefined : this.#indexOf.get(draft);
    return { offset, jumped, block: index === undefined ? undefined : this.#blocks[index] };
  }
}

function outside(offset: number): Target {
  return { offset, jumped: true, block: undefined };
}

function newContext(parent: Context | undefined, returnOffset: number): Context {
  const depth = parent === undefined ? 0 : parent.depth + 1;
  return { depth, parent, returnOffset, calls: new Map(), blocks: new Map() };
}

/** System instructions, and float instructions with a reserved rounding mode, are left to the interpreter. */
function isCompilable({ instruction, rm }: Decoded): boolean {
  if (effectsOf(instruction).control === 'system') return false;
  return !(instruction.format.fields.has('rm') && (rm === 5 || rm === 6));
}

/** A direct call, by the convention that the hardware predicts by ("RV32I", table "Return-address stack"). */
function isCall({ rd }: Decoded): boolean {
  return rd === LINK;
}

function isReturn({ rd, rs1, imm }: Decoded): boolean {
  return rd === 0 && rs1 === LINK && imm === 0;
}
