import { defineFloat, type FloatFunctions } from '../float/float.ts';
import { FunctionBuilder, type FunctionRef, type MemoryLimits, ModuleBuilder } from '../wasm/index.ts';
import type { CodeSource } from './code-source.ts';
import { buildGraph, type Graph, type GraphLimits, type Placed } from './graph.ts';
import type { HartLayout } from './hart-layout.ts';
import { RegionCode } from './region-code.ts';
import { RegionFrame } from './region-frame.ts';
import { Registers } from './registers.ts';

const PAGE = 4096;
const NO_MEMORY: MemoryLimits = { minimum: 0, maximum: 0 };

/** What a region may grow to: most code is not worth more than a few blocks, as compiling optimized costs a millisecond a KiB. */
const LIMITS: Readonly<Record<'shallow' | 'deep', GraphLimits>> = {
  shallow: { instructions: 96, callDepth: 0 },
  deep: { instructions: 320, callDepth: 3 },
};

/** Groups of accesses that are larger, in bytes, cross pages too often. */
const LONGEST_SPAN = 128;

/** How code is compiled. */
export interface CompileOptions {
  /** With or without functions that are called and likely targets of indirect jumps. */
  readonly depth: 'shallow' | 'deep';
  /** Check each memory access apart: for code that works across the boundaries of pages. */
  readonly apart: boolean;
}

/** A compiled region. */
export interface Region {
  /** A module that exports `region(hart): REGION_EXIT` and imports `env.memory` and functions of float/ by their names. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Pages that it has code of, besides that of the entry, relative to it. */
  readonly pages: readonly number[];
  /** Guest instructions, counting those of functions that are compiled in place at each place. */
  readonly instructions: number;
  /** The same by blocks: what was compiled. */
  readonly blocks: readonly (readonly Placed[])[];
}

/** Compiles regions; the result depends on the guest's code alone, so that equal code gives equal modules. */
export class RegionCompiler {
  readonly #limits: MemoryLimits;
  readonly #layout: HartLayout;
  readonly #alone: boolean;
  readonly #float = defineFloat(new ModuleBuilder(NO_MEMORY));

  /** @param alone no other thread works in the guest's memory */
  constructor(limits: MemoryLimits, layout: HartLayout, alone: boolean) {
    this.#alone = alone;
    this.#limits = limits;
    this.#layout = layout;
  }

  /**
   * Compiles the code that runs from `entry` on.
   *
   * @param entry in bytes from the start of its page
   * @param how decides about size and checks
   * @returns undefined when the first instruction is not for compiled code
   */
  compile(source: CodeSource, entry: number, { depth, apart }: CompileOptions): Region | undefined {
    const graph = buildGraph(source, entry, LIMITS[depth]);
    if (graph === undefined) return undefined;
    const module = new ModuleBuilder(this.#limits);
    const f = new FunctionBuilder(['i32']);
    const registers = new Registers(graph, f, this.#layout);
    const frame = new RegionFrame(f, this.#layout, registers);
    const float = registers.usesFloat ? importsOf(module, this.#float) : this.#float;
    const parts = {
      frame,
      layout: this.#layout,
      registers,
      float,
      alone: this.#alone,
      longestSpan: apart ? 0 : LONGEST_SPAN,
    };
    const code = new RegionCode(graph, parts);
    frame.write(() => code.tree(graph.blocks[0]));
    module.append('region', f, 'i32', true);
    const blocks = graph.blocks.map(({ code }) => code);
    return { bytes: module.toBytes(), pages: pagesOf(graph), instructions: graph.instructions, blocks };
  }
}

function pagesOf({ blocks }: Graph): number[] {
  const pages = new Set<number>();
  for (const { code } of blocks) {
    for (const { offset, decoded } of code) {
      pages.add(Math.floor(offset / PAGE));
      pages.add(Math.floor((offset + decoded.length - 1) / PAGE));
    }
  }
  pages.delete(0);
  return [...pages].sort((a, b) => a - b);
}

/** The same functions as imports, each of which is made when it is first looked at. */
function importsOf(module: ModuleBuilder, functions: FloatFunctions): FloatFunctions {
  const { f32, f64, ...others } = functions;
  return Object.assign(lazily(module, others), { f32: lazily(module, f32), f64: lazily(module, f64) });
}

function lazily<T extends object>(module: ModuleBuilder, functions: T): T {
  const imports = {};
  for (const [key, ref] of Object.entries<FunctionRef>(functions as Record<string, FunctionRef>)) {
    let imported: FunctionRef | undefined;
    const get = () => {
      imported ??= module.import('float', ref.name, ref.params, ref.result);
      return imported;
    };
    Object.defineProperty(imports, key, { get, enumerable: true });
  }
  return imports as T;
}
