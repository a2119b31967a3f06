import type { Decode, Xlen } from '../../isa/index.ts';
import type { Region } from '../../jit/index.ts';
import type { MemoryLimits } from '../../wasm/index.ts';
import type { CodeCache } from '../code-cache.ts';
import type { HartState } from '../state.ts';
import type { Tlb } from '../tlb.ts';

/** The parts of a hart that its regions need. */
export interface RegionsOptions {
  readonly memory: WebAssembly.Memory;
  readonly limits: MemoryLimits;
  /** No other thread works in the guest's memory. */
  readonly alone: boolean;
  /** Byte address in linear memory of a record for each of `REGION_RECORDS`. */
  readonly records: number;
  readonly state: HartState;
  readonly tlb: Tlb;
  readonly code: CodeCache;
  readonly decode: Decode;
  /** Where the interpreter looks for the functions of regions. */
  readonly table: WebAssembly.Table;
  /** The functions of float/ by their names. */
  readonly float: WebAssembly.Exports;
  /** Samples after which the code at a slot is compiled; `Heat` has a number unless given. */
  readonly threshold?: number;
  /** Bytes that regions may take in this process, as an estimate; `Regions` has a number unless given. */
  readonly codeBytes?: number;
  /** Where regions began when the machine was saved, as `hotCodeOf` gives it. */
  readonly hot?: Uint32Array | undefined;
  /** Is told of each region that is put in place. */
  readonly onRegion?: (placed: PlacedRegion) => void;
  /** Is told of each compilation. */
  readonly onCompiled?: (compiled: CompiledCode) => void;
  /** Is told, for people, of the first code that does not compile. */
  readonly onRefused?: (text: string) => void;
}

/** A piece of work of the compiler. */
export interface CompiledCode {
  /** Guest-virtual address of the first instruction, as two words. */
  readonly pcLow: number;
  readonly pcHigh: number;
  readonly isDeep: boolean;
  /** Bytes of WebAssembly; 0 if there was nothing to compile, or it was refused. */
  readonly bytes: number;
  /** Milliseconds that it has taken. */
  readonly time: number;
}

/** A region where it has been put. */
export interface PlacedRegion {
  /** Guest-virtual address of the page of its entry, as two words. */
  readonly pageLow: number;
  readonly pageHigh: number;
  /** Width of its hart. */
  readonly xlen: Xlen;
  /** Address in linear memory of its record. */
  readonly record: number;
  readonly region: Region;
}
