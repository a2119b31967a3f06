import { type CompileOptions, type Region, RegionCompiler } from '../../jit/index.ts';
import { SLOT } from '../interpreter/slots.ts';
import { COMPILED_LAYOUT } from './compiled-layout.ts';
import type { HartCode, Place } from './hart-code.ts';
import type { RegionsOptions } from './regions-options.ts';

/** A region with its code in the engine. */
export interface MadeRegion {
  readonly region: Region;
  readonly run: WebAssembly.ExportValue | undefined;
}

/** Compiles regions down to functions that can be called. */
export class RegionMaker {
  readonly #options: RegionsOptions;
  readonly #compiler: RegionCompiler;
  #hasTold = false;

  constructor(options: RegionsOptions) {
    this.#options = options;
    this.#compiler = new RegionCompiler(options.limits, COMPILED_LAYOUT, options.alone, options.state.xlen);
  }

  /**
   * Compiles the code that begins at a place. A guest can write any code that there is: if some of it should not
   * compile, or the engine refuses the outcome, a person is told of the first time.
   *
   * @returns undefined if the first instruction is not for compiled code, or `refused`
   */
  make(place: Place, source: HartCode, how: CompileOptions): MadeRegion | 'refused' | undefined {
    const { memory, float } = this.#options;
    const offset = ((place.slot - place.slots) / SLOT.bytes) * 2;
    try {
      const region = this.#compiler.compile(source, offset, how);
      if (region === undefined) return undefined;
      const module = new WebAssembly.Module(region.bytes);
      const { exports } = new WebAssembly.Instance(module, { env: { memory }, float });
      return { region, run: exports.region };
    } catch (error) {
      this.#tell(place, offset, error);
      return 'refused';
    }
  }

  #tell({ pageLow, pageHigh }: Place, offset: number, error: unknown): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    const address = (BigInt(pageHigh >>> 0) << 32n) | BigInt((pageLow + offset) >>> 0);
    this.#options.onRefused?.(
      `the guest's code at 0x${address.toString(16)} did not compile, which is a mistake of hartvisor; ` +
        `it is interpreted, and runs slowly (${String(error)})`,
    );
  }
}
