import type { Decoded } from '../isa/index.ts';
import type { CodeSource } from './code-source.ts';
import { type Traits, traitsOf } from './traits.ts';

/** An instruction at its place, in bytes from the start of the page of the region's entry. */
export interface Placed {
  readonly offset: number;
  readonly decoded: Decoded;
  readonly traits: Traits;
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
  /** The blocks that may follow, in the order of its end. */
  next: readonly Block[];
}

/** The control flow of a region; `blocks[0]` is its entry. */
export interface Graph {
  readonly blocks: readonly Block[];
  readonly instructions: number;
  /** Where a block was cut off because the region is large enough: an offset at which the next one may begin. */
  readonly cutOff: number | undefined;
  /** Offsets that were not followed any more because the region is large enough; an offset may be there twice. */
  readonly unfollowed: readonly number[];
}

/** Bounds of a region. */
export interface GraphLimits {
  /** Instructions with which no more blocks are begun; those that do not fit any more become exits. */
  readonly instructions: number;
  /** Instructions in all, however long the last block is. */
  readonly most: number;
  /** Calls within calls that are compiled in place. */
  readonly callDepth: number;
}

/** One activation of a function that is compiled in place; the outermost is that of the entry. */
interface Context {
  readonly depth: number;
  readonly parent: Context | undefined;
  /** Where the call returns to, in the parent. */
  readonly returnOffset: number;
  /** By the offset of the call; none as long as there are no calls. */
  calls: Map<number, Context> | undefined;
  readonly blocks: Map<number, Draft>;
}

/** A block while the graph is explored. */
interface Draft {
  readonly index: number;
  readonly context: Context;
  readonly offset: number;
  /** Its instructions, with those that turn out to belong to the next block. */
  readonly code: Placed[];
}

/** A place to explore. */
interface Wanted {
  readonly context: Context;
  readonly offset: number;
}

/**
 * Bytes from the page of the entry that jumps are followed for. Offsets are 32-bit numbers in code and records, and
 * from there a direct jump, which is an exit then, still has one.
 */
const REACH = 2 ** 30;
const LINK = 1;
const PAGE = 4096;
/** Functions that a call through a register is compiled for. */
const MOST_CALLEES = 8;

/**
 * Finds the control flow from `entry` on: along branches, direct jumps and calls, which are followed into their
 * callees, to returns and indirect jumps, system instructions, code that never ran, or the limits.
 *
 * @returns undefined when not even the first instruction can be compiled
 */
export function buildGraph(source: CodeSource, entry: number, limits: GraphLimits): Graph | undefined {
  return new GraphBuilder(source, limits).build(entry);
}

class GraphBuilder {
  readonly #source: CodeSource;
  readonly #limits: GraphLimits;
  readonly #queue: Wanted[] = [];
  readonly #drafts: Draft[] = [];
  #instructions = 0;
  #cutOff: number | undefined;

  constructor(source: CodeSource, limits: GraphLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  build(entry: number): Graph | undefined {
    const queue = this.#queue;
    queue.push({ context: newContext(undefined, 0), offset: entry });
    let next = 0;
    for (; next < queue.length; next++) {
      if (this.#instructions >= this.#limits.instructions) break;
      this.#explore(queue[next].context, queue[next].offset);
    }
    if (this.#drafts.length === 0) return undefined;
    const unfollowed = queue.slice(next).filter(({ context: { blocks }, offset }) => !blocks.has(offset));
    return {
      ...assemble(this.#source, this.#drafts),
      cutOff: this.#cutOff,
      unfollowed: unfollowed.map(({ offset }) => offset),
    };
  }

  /** Scans a block and queues its successors. */
  #explore(context: Context, start: number): void {
    const { blocks } = context;
    if (blocks.has(start)) return;
    const code: Placed[] = [];
    let left = this.#limits.most - this.#instructions;
    for (let offset = start; ; left--) {
      const decoded = this.#source.at(offset);
      if (decoded === undefined) break;
      const traits = traitsOf(decoded);
      if (!isCompilable(decoded)) break;
      if (left <= 0 && !isStraddling(offset, decoded)) {
        this.#cutOff = offset;
        break;
      }
      const placed = { offset, decoded, traits };
      code.push(placed);
      if (traits.endsBlock) {
        this.#follow(context, placed);
        break;
      }
      offset += decoded.length;
      if (blocks.has(offset) || this.#isOthers(context, offset)) break;
    }
    if (code.length === 0) return;
    this.#instructions += code.length;
    const draft = { index: this.#drafts.length, context, offset: start, code };
    blocks.set(start, draft);
    this.#drafts.push(draft);
  }

  #follow(context: Context, { offset, decoded, traits: { control } }: Placed): void {
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
      const targets = this.#limits.callDepth === 0 ? [] : likelyTargets(this.#source, offset, decoded);
      const callee = targets.length > 0 && isCall(decoded) ? this.#callee(context, offset, next) : context;
      if (callee !== undefined) for (const target of targets) this.#want(callee, target);
    }
  }

  #want(context: Context, offset: number): void {
    if (Math.abs(offset) > REACH || !this.#source.isWarm(offset) || this.#isOthers(context, offset)) return;
    this.#queue.push({ context, offset });
  }

  /** Functions that are called may be in place even so. */
  #isOthers({ parent }: Context, offset: number): boolean {
    return parent === undefined && this.#source.isOthers?.(offset) === true;
  }

  #callee(context: Context, offset: number, returnOffset: number): Context | undefined {
    if (context.depth >= this.#limits.callDepth) return undefined;
    const callee = newContext(context, returnOffset);
    context.calls ??= new Map();
    context.calls.set(offset, callee);
    return callee;
  }
}

/** Makes blocks of drafts, cut where another block begins. */
function assemble(source: CodeSource, drafts: readonly Draft[]): Pick<Graph, 'blocks' | 'instructions'> {
  const blocks: Block[] = [];
  let instructions = 0;
  for (const draft of drafts) {
    cut(draft);
    const { index, offset, code } = draft;
    blocks.push({ index, code, end: { kind: 'stop', offset }, next: [] });
    instructions += code.length;
  }
  const ends = new Ends(source, blocks);
  for (const { index, context } of drafts) {
    const block = blocks[index];
    block.end = ends.of(context, block.code[block.code.length - 1]);
    block.next = following(block.end);
  }
  return { blocks, instructions };
}

function cut({ context: { blocks }, code }: Draft): void {
  for (let index = 1; index < code.length; index++) {
    if (blocks.has(code[index].offset)) {
      code.length = index;
      return;
    }
  }
}

function following(end: BlockEnd): readonly Block[] {
  const next: Block[] = [];
  const add = ({ block }: Target) => {
    if (block !== undefined) next.push(block);
  };
  if (end.kind === 'go') add(end.to);
  else if (end.kind === 'branch') {
    add(end.taken);
    add(end.otherwise);
  } else if (end.kind === 'indirect') {
    for (const target of end.expected) add(target);
  }
  return next;
}

/** Finds where blocks go on. */
class Ends {
  readonly #source: CodeSource;
  readonly #blocks: readonly Block[];

  constructor(source: CodeSource, blocks: readonly Block[]) {
    this.#source = source;
    this.#blocks = blocks;
  }

  /** @param last instruction of the block */
  of(context: Context, { offset, decoded, traits }: Placed): BlockEnd {
    const next = offset + decoded.length;
    const to = offset + decoded.imm;
    switch (traits.control) {
      case 'branch':
        return {
          kind: 'branch',
          taken: this.#target(context, to, true),
          otherwise: this.#target(context, next, false),
        };
      case 'jump': {
        const callee = isCall(decoded) ? context.calls?.get(offset) : context;
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
    const into = isCall(decoded) ? context.calls?.get(offset) : context;
    if (into === undefined) return [];
    return likelyTargets(this.#source, offset, decoded).map((target) => this.#target(into, target, true));
  }

  #target(context: Context, offset: number, jumped: boolean): Target {
    const draft = context.blocks.get(offset);
    return { offset, jumped, block: draft === undefined ? undefined : this.#blocks[draft.index] };
  }
}

/** Where a jump to an address in a register may go; calls to few functions, as each of them is compiled in place. */
function likelyTargets(source: CodeSource, offset: number, decoded: Decoded): readonly number[] {
  const targets = source.targetsOf(offset);
  return isCall(decoded) ? targets.slice(0, MOST_CALLEES) : targets;
}

function outside(offset: number): Target {
  return { offset, jumped: true, block: undefined };
}

function newContext(parent: Context | undefined, returnOffset: number): Context {
  const depth = parent === undefined ? 0 : parent.depth + 1;
  return { depth, parent, returnOffset, calls: undefined, blocks: new Map() };
}

/** System instructions, and float instructions with a reserved rounding mode, are left to the interpreter. */
export function isCompilable(decoded: Decoded): boolean {
  const { rm } = decoded;
  const { control, rounds } = traitsOf(decoded);
  return control !== 'system' && !(rounds && (rm === 5 || rm === 6));
}

/** Whether a region is left before an instruction for another reason than a check of its memory accesses. */
export function isCarriedOutElsewhere(decoded: Decoded): boolean {
  const { system, vector } = traitsOf(decoded);
  return system !== 'none' || vector !== 'none';
}

/** No region begins with an instruction that ends in the next page. */
function isStraddling(offset: number, { length }: Decoded): boolean {
  return (offset & (PAGE - 1)) + length > PAGE;
}

/** A direct call, by the convention that the hardware predicts by ("RV32I", table "Return-address stack"). */
function isCall({ rd }: Decoded): boolean {
  return rd === LINK;
}

function isReturn({ rd, rs1, imm }: Decoded): boolean {
  return rd === 0 && rs1 === LINK && imm === 0;
}
