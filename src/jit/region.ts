import type { Xlen } from '../isa/index.ts';
import type { MemoryLimits } from '../wasm/index.ts';
import type { CodeSource } from './code-source.ts';
import { registerType } from './frame-locals.ts';
import { buildGraph, type Graph, type GraphLimits, type Placed } from './graph.ts';
import type { HartLayout } from './hart-layout.ts';
import { RegionCode } from './region-code.ts';
import { RegionFrame } from './region-frame.ts';
import { Imports, RegionModules } from './region-module.ts';
import { Stencils } from './stencils.ts';

const PAGE_BITS = 12;

/**
 * Limits of regions: most code is not worth more than a few blocks, as V8 optimizes a KiB in a millisecond. RV32 has
 * instructions of which each becomes less code, and takes more of them: five times as many for a product of 64 bits.
 */
const LIMITS: Readonly<Record<Xlen, Readonly<Record<'shallow' | 'deep' | 'large', GraphLimits>>>> = {
  32: {
    shallow: { instructions: 96, most: 96, callDepth: 0 },
    deep: { instructions: 640, most: 1024, callDepth: 3 },
    large: { instructions: 1280, most: 2048, callDepth: 3 },
  },
  64: {
    shallow: { instructions: 96, most: 96, callDepth: 0 },
    deep: { instructions: 320, most: 1024, callDepth: 3 },
    large: { instructions: 1280, most: 2048, callDepth: 3 },
  },
};

/** Groups of accesses that are larger, in bytes, cross pages too often. */
const LONGEST_SPAN = 128;

/** How code is compiled. */
export interface CompileOptions {
  /** With or without functions that are called and likely targets of indirect jumps. */
  readonly depth: 'shallow' | 'deep';
  /** A deep region has room for more instructions than others. */
  readonly large: boolean;
  /** Most of the guest's addresses are equally far from linear memory, as with Bare and in kernels. */
  readonly linear: boolean;
  /** Check each memory access by itself, where it is; those that are misaligned may pass. */
  readonly ungrouped: boolean;
  /**
   * Base registers, a bit for each, through which accesses are checked one by one: together they cross pages too often.
   */
  readonly ungroupedBases: number;
}

/** A compiled region. */
export interface Region {
  /**
   * A module that exports `region(hart): REGION_EXIT` and imports `env.memory` and functions of float/ by their names.
   */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As it was asked for, or deep in place of shallow. */
  readonly depth: CompileOptions['depth'];
  /** Pages that it has code of, besides that of the entry, relative to it. */
  readonly pages: readonly number[];
  /** Guest instructions, counting those of functions that are compiled in place at each place. */
  readonly instructions: number;
  /**
   * Where a long run of instructions was cut off, by offset from the page of the entry: it goes on in another region.
   */
  readonly cutOff: number | undefined;
  /**
   * Where it is left because it is large enough, by offset from the page of the entry; an offset may be there twice.
   */
  readonly unfollowed: readonly number[];
  /** The same by blocks: the compiled ones. */
  readonly blocks: readonly (readonly Placed[])[];
  /**
   * Where checks of several accesses at once stop the region, by offset from the page of the entry: the base registers
   * of these, a bit for each.
   */
  readonly wideChecks: ReadonlyMap<number, number>;
}

/** Compiles regions; the result depends on the guest's code alone, so that equal code gives equal modules. */
export class RegionCompiler {
  readonly #layout: HartLayout;
  readonly #modules: RegionModules;
  readonly #stencils: Stencils;
  readonly #xlen: Xlen;

  /** @param alone no other thread works in the guest's memory */
  constructor(limits: MemoryLimits, layout: HartLayout, alone: boolean, xlen: Xlen = 64) {
    this.#xlen = xlen;
    this.#layout = layout;
    this.#modules = new RegionModules(limits);
    this.#stencils = new Stencils({ xlen, layout, float: this.#modules.float, alone });
  }

  /**
   * Compiles the code that runs from `entry` on.
   *
   * @param entry in bytes from the start of its page
   * @param how decides about size and checks
   * @returns undefined when the first instruction is not for compiled code
   */
  compile(
    source: CodeSource,
    entry: number,
    { depth, large, linear, ungrouped, ungroupedBases }: CompileOptions,
  ): Region | undefined {
    const limits = LIMITS[this.#xlen];
    const first = buildGraph(source, entry, limits[large && depth === 'deep' ? 'large' : depth]);
    // Of a block that is longer than a shallow region, all is run when its first instruction is.
    const isLong = first?.blocks.length === 1 && first.cutOff !== undefined;
    const graph = isLong ? buildGraph(source, entry, limits.deep) : first;
    if (graph === undefined) return undefined;
    const f = this.#modules.function();
    const imports = new Imports();
    const frame = new RegionFrame(f, graph, this.#layout, this.#stencils, imports, registerType(this.#xlen));
    const limited = { longest: ungrouped ? 0 : LONGEST_SPAN, ungroupedBases };
    const code = new RegionCode(graph, frame, limited, linear);
    frame.write(() => code.tree(graph.blocks[0]));
    const bytes = this.#modules.bytes(f, imports);
    const blocks = graph.blocks.map((block) => block.code);
    const { wideChecks } = code;
    const { instructions, cutOff, unfollowed } = graph;
    return {
      ...{ bytes, depth: isLong ? 'deep' : depth, pages: pagesOf(graph) },
      ...{ instructions, cutOff, unfollowed, wideChecks, blocks },
    };
  }
}

/** Pages besides the first one. */
function pagesOf({ blocks }: Graph): number[] {
  const pages: number[] = [];
  let last = 0;
  const note = (page: number): void => {
    if (page === last) return;
    last = page;
    if (page !== 0 && !pages.includes(page)) pages.push(page);
  };
  for (const { code } of blocks) {
    for (const { offset, decoded } of code) {
      note(offset >> PAGE_BITS);
      note((offset + decoded.length - 1) >> PAGE_BITS);
    }
  }
  return pages.sort((a, b) => a - b);
}
