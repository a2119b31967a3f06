import type { OwnerState } from '../../../interrupts/protocol.ts';
import type { VcpuWords } from '../../../interrupts/words.ts';
import type { CFunction } from './c-operations.ts';

/**
 * A protocol as C on RISC-V: the functions of `Protocol`, with every access to a shared word made by an operation of
 * the C code and with the barriers where the C code has them. A test holds its accesses against those of the protocol
 * of the same name in `src/interrupts/`, one by one.
 */
export interface Transcription {
  /** Name of the protocol. */
  readonly name: string;
  /** Where the C code, or what it was made from, is to be found. */
  readonly provenance: string;
  /**
   * It says which barriers the loop around it and a kick need: `loop-orderings.ts`. Without, the loop is taken as fully
   * ordered.
   */
  readonly asksForBarriers?: true;
  set(c: CFunction, words: VcpuWords, irq: number): boolean;
  unset(c: CFunction, words: VcpuWords, irq: number): boolean;
  sync(c: CFunction, words: VcpuWords, local: OwnerState, hvipLo: number, hvipHi: number): void;
  flush(c: CFunction, words: VcpuWords, local: OwnerState): void;
  has(c: CFunction, words: VcpuWords, local: OwnerState, enabledLo: number, enabledHi: number): boolean;
}
