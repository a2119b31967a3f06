import type { Extension, Xlen } from '../isa/index.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { hartArea } from './area.ts';
import type { DeviceSpace, Platform } from './platform.ts';
import type { CompiledCode, PlacedRegion } from './tiers/regions-options.ts';

/** The parts and settings of a hart. */
export interface HartOptions {
  /** RAM, whose linear memory all harts of a machine share: their areas are in it, too. */
  readonly ram: GuestMemory;
  /** Width of registers and addresses: 64 unless given. */
  readonly xlen?: Xlen;
  /** The compiled interpreter (`generateInterpreter`) of that width. */
  readonly interpreter: WebAssembly.Module;
  /** Byte address of this hart's area in linear memory: `hartAreaBytes` bytes, aligned to 64. */
  readonly area: number;
  /** Decoded pages that the code cache holds. */
  readonly codePages: number;
  readonly devices: DeviceSpace;
  readonly platform: Platform;
  readonly extensions: ReadonlySet<Extension>;
  readonly hartId: number;
  /** HS-mode is played by TypeScript: `run` returns for every trap that is not the guest's own. */
  readonly hsHost: boolean;
  /** Compile code that runs often; otherwise all code is interpreted. */
  readonly compile?: boolean;
  /** How often code must have been met at the end of a chunk to be compiled. */
  readonly compileAfter?: number;
  /** Bytes that compiled code may take in this process, beside linear memory; an estimate. */
  readonly codeBytes?: number;
  /** Where regions began when the machine was saved, as `hotCodeOf` gives it: they are compiled soon. */
  readonly hot?: Uint32Array | undefined;
  /** No other thread works in RAM while this hart runs: compiled code need not be atomic. */
  readonly alone?: boolean;
  /** Is told of each compiled region. */
  readonly onRegion?: (placed: PlacedRegion) => void;
  /** Is told of each compilation, and how long that has taken. */
  readonly onCompiled?: ((compiled: CompiledCode) => void) | undefined;
  /** Is told, in words for people, of the first code that does not compile. */
  readonly onRefused?: (text: string) => void;
  /** GEILEN, the number of guest external interrupts. */
  readonly guestExternalInterrupts?: number;
  /** Smaia and Ssaia: none, or without or with an IMSIC, whose files the platform has. */
  readonly aia?: 'none' | 'aplic' | 'aplic-imsic';
  /** Byte address of the 32-bit word whose becoming non-zero makes `run` return. */
  readonly exitRequest: number;
  /** Byte address of {@link EXCLUSION}, the same for all harts of a machine; without it there is no other hart. */
  readonly exclusion?: number;
}

/** Those of them that are about compiled regions. */
export function regionOptions(options: HartOptions) {
  const { ram, area, codePages, alone, compileAfter, codeBytes, hot, onRegion, onCompiled, onRefused } =
    options;
  return {
    ...(hot === undefined ? {} : { hot }),
    ...(codeBytes === undefined ? {} : { codeBytes }),
    ...(compileAfter === undefined ? {} : { threshold: compileAfter }),
    ...(onRegion === undefined ? {} : { onRegion }),
    ...(onRefused === undefined ? {} : { onRefused }),
    ...(onCompiled === undefined ? {} : { onCompiled }),
    memory: ram.linear,
    limits: { minimum: 1, maximum: 65536 },
    alone: alone === true,
    records: area + hartArea(codePages).at.records,
  };
}
